import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { leadsNowhere } from '../errors.js';
import { syncDescriptor } from './sync-descriptor.js';

/**
 * An open folder of the vault, reached without following any link. `at(name)` is an address of one entry that stays
 * inside this very folder even when somebody swaps a link into the way meanwhile (where the system has
 * /proc/self/fd; elsewhere it is the plain path). Close it after use; closing twice does no harm.
 * @source openat(2); product contract, Promises 5
 */
export interface VaultFolder {
  readonly descriptor: number;
  at(name: string): string;
  close(): void;
}

const throughDescriptors = existsSync('/proc/self/fd');
const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** One step, below an open folder or at the very top. */
function openOne(address: string): VaultFolder {
  const descriptor = openSync(address, folderFlags);
  const base = throughDescriptors ? `/proc/self/fd/${descriptor}` : address;
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return { descriptor, at: (name) => `${base}${path.sep}${name}`, close };
}

/**
 * Opens the vault itself. Its absence is no "missing canvas": a drive may be unmounted.
 * @throws the system's error; ENXVAULT when the vault is gone
 * @source open(2)
 */
export function openRoot(root: string): VaultFolder {
  try {
    return openOne(root);
  } catch (error) {
    if (leadsNowhere(error))
      throw Object.assign(new Error('the vault is gone', { cause: error }), { code: 'ENXVAULT' });
    throw error;
  }
}

/**
 * Makes the vault where it is missing, durably.
 * @returns its address, absolute and without links, which is what the other functions take as `root`
 * @throws the system's error
 * @source mkdir(2); fsync(2)
 */
export async function prepareVault(vaultDir: string): Promise<string> {
  const firstMade = await mkdir(vaultDir, { recursive: true });
  const root = await realpath(vaultDir);
  if (firstMade === undefined) return root;
  const top = path.dirname(await realpath(firstMade));
  for (let parent = path.dirname(root); parent.length >= top.length; parent = path.dirname(parent)) {
    const folder = openOne(parent);
    await syncDescriptor(folder.descriptor).finally(() => folder.close());
    if (parent === path.dirname(parent)) break;
  }
  return root;
}

/**
 * Opens a folder of the vault, one step at a time.
 * @param root the vault, absolute and without links
 * @throws the system's error: ENOENT for a missing step, ELOOP or ENOTDIR for a link or a file in the way; ENXVAULT when
 *   the vault itself is gone
 * @source openat(2), O_NOFOLLOW; proc(5), /proc/self/fd
 */
export function openFolder(root: string, folders: readonly string[]): VaultFolder {
  let folder = openRoot(root);
  for (const name of folders) folder = enterFolder(folder, name);
  return folder;
}

/**
 * Opens a folder inside an open one, which is closed, whether that succeeds or not.
 * @throws the system's error, as {@link openFolder}
 * @source openat(2)
 */
export function enterFolder(parent: VaultFolder, name: string): VaultFolder {
  try {
    return openOne(parent.at(name));
  } finally {
    parent.close();
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

function openOrMake(parent: VaultFolder, name: string): VaultFolder {
  try {
    return openOne(parent.at(name));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  try {
    mkdirSync(parent.at(name));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return openOne(parent.at(name));
}

/**
 * Makes the folders that a canvas needs, and makes sure that each is durable in its parent: also those that another
 * program, or another request, made a moment ago. Remembers, by path and inode, which ones are.
 * @source fsync(2) ("an explicit fsync() on a file descriptor for the directory is also needed")
 */
export class FolderMaker {
  readonly #root: string;
  readonly #durable = new LRUCache<string, number>({ max: 10_000 });

  constructor(root: string) {
    this.#root = root;
  }

  /** @throws the system's error, as {@link openFolder} */
  async make(folders: readonly string[]): Promise<VaultFolder> {
    let folder = openRoot(this.#root);
    let key = '';
    for (const name of folders) {
      const parent = folder;
      key += `/${name}`;
      try {
        folder = openOrMake(parent, name);
        await this.#settle(key, folder, parent);
      } finally {
        parent.close();
      }
    }
    return folder;
  }

  async #settle(key: string, folder: VaultFolder, parent: VaultFolder): Promise<void> {
    try {
      const inode = fstatSync(folder.descriptor).ino;
      if (this.#durable.get(key) === inode) return;
      await syncDescriptor(parent.descriptor);
      this.#durable.set(key, inode);
    } catch (error) {
      folder.close();
      throw error;
    }
  }
}
