/**
 * The names in the folders of a vault, read again only when a folder has changed: looking at the folder is far cheaper
 * than reading 50 names. Since the times of folders are coarse, or late, on some file systems, names that were read
 * soon after a change are not trusted, and all are read again every few looks.
 */
import { type BigIntStats, type Dirent, fstatSync, lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { changedAgoMs, type FileStamp, sameStamp } from '../vault/file-stamp.js';
import { openFolder } from '../vault/vault-folder.js';
import { findVaultPath, isVaultFolderName } from '../vault/vault-path.js';

/**
 * What matters of a folder: the names of its canvases and of the folders that may hold some. `prefix` is its path from
 * the vault downwards with a slash behind it, '' for the vault itself.
 * @source product contract, Canvases ("dot folders")
 */
export interface FolderListing {
  readonly prefix: string;
  /** Where the folder lies on the machine. */
  readonly address: string;
  readonly inode: bigint;
  readonly canvases: readonly ListedCanvas[];
  readonly folders: readonly string[];
}

/**
 * A canvas by its path in the vault and by where it lies on the machine; both are kept, since putting them together
 * anew for each look costs as much as a third of the look.
 * @source product contract, Canvases
 */
export interface ListedCanvas {
  readonly path: string;
  readonly address: string;
}

interface RememberedListing extends FolderListing {
  readonly stamp: FileStamp;
  readonly isSettled: boolean;
  looksLeft: number;
}

/** Two seconds is the coarsest step of any file system in use, and some more. */
const settledMs = 3000;
const looksPerReading = 8;

/**
 * Remembers the listings of one vault.
 * @source product contract, Canvases; readdir(3)
 */
export class FolderListings {
  readonly #root: string;
  readonly #wall: () => number;
  #remembered = new Map<string, RememberedListing>();
  #inThisSweep = new Map<string, RememberedListing>();

  /** @param wall the machine's date, ms since the epoch */
  constructor(root: string, wall: () => number) {
    this.#root = root;
    this.#wall = wall;
  }

  /** Call it between two sweeps: folders that the last one did not come by are forgotten. */
  beginSweep(): void {
    this.#remembered = this.#inThisSweep;
    this.#inThisSweep = new Map();
  }

  /**
   * What is in a folder now.
   * @throws the system's error: ENOENT, ELOOP or ENOTDIR when there is no such folder, or a link on the way to it
   */
  async list(folders: readonly string[]): Promise<FolderListing> {
    const prefix = folders.map((name) => `${name}/`).join('');
    const before = this.#remembered.get(prefix);
    if (before?.isSettled && before.looksLeft > 0 && isUnchanged(before)) {
      before.looksLeft -= 1;
      this.#inThisSweep.set(prefix, before);
      return before;
    }
    const address = path.join(this.#root, ...folders);
    const folder = openFolder(this.#root, folders);
    try {
      const stamp: BigIntStats = fstatSync(folder.descriptor, { bigint: true });
      const isSettled = changedAgoMs(stamp, this.#wall()) > settledMs;
      const entries = await readdir(folder.at('.'), { withFileTypes: true });
      const found = { address, prefix, ...sorted(prefix, address, entries) };
      const listing = { ...found, inode: stamp.ino, stamp, isSettled, looksLeft: looksPerReading };
      this.#inThisSweep.set(prefix, listing);
      return listing;
    } finally {
      folder.close();
    }
  }
}

/** Whether the very folder that was read is still there: no other has its inode and times. */
function isUnchanged({ address, stamp }: RememberedListing): boolean {
  const now = lstatSync(address, { bigint: true, throwIfNoEntry: false });
  return now !== undefined && sameStamp(now, stamp);
}

function sorted(prefix: string, address: string, entries: readonly Dirent[]) {
  const canvases: ListedCanvas[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) {
      if (isVaultFolderName(entry.name)) folders.push(entry.name);
    } else if (entry.isFile() && entry.name.endsWith('.canvas') && findVaultPath(`${prefix}${entry.name}`)) {
      canvases.push({ path: `${prefix}${entry.name}`, address: `${address}${path.sep}${entry.name}` });
    }
  }
  return { canvases, folders };
}
