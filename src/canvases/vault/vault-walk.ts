import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { leadsNowhere } from '../errors.js';
import { openFolder } from './vault-folder.js';
import { findVaultPath, isVaultFolderName, type VaultPath } from './vault-path.js';

const isClosed = (error: unknown) => ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');

/** The entries of one folder; none when it vanished or became a link since its parent was read, or is closed to us. */
async function entriesOf(root: string, folders: readonly string[]): Promise<Dirent[]> {
  try {
    const folder = openFolder(root, folders);
    try {
      return await readdir(folder.at('.'), { withFileTypes: true });
    } finally {
      folder.close();
    }
  } catch (error) {
    if (leadsNowhere(error) || isClosed(error)) return [];
    throw error;
  }
}

/**
 * Every folder of the vault that may hold canvases, with its entries; links are not followed, dot folders not entered.
 * @source product contract, Canvases
 */
export async function* walkFolders(root: string): AsyncGenerator<{ folders: string[]; entries: Dirent[] }> {
  const waiting: string[][] = [[]];
  for (let folders = waiting.pop(); folders !== undefined; folders = waiting.pop()) {
    const entries = await entriesOf(root, folders);
    for (const entry of entries) {
      if (entry.isDirectory() && isVaultFolderName(entry.name)) waiting.push([...folders, entry.name]);
    }
    yield { folders, entries };
  }
}

/**
 * Which canvases to walk over: those whose path begins with `prefix` and sorts behind `after`.
 * @source product contract, Settled details (`GET /canvas`)
 */
export interface WalkRange {
  prefix: string;
  after: string;
}

/** Whether a path that begins with `start` can lie in the range. */
const mayHold = (start: string, { prefix, after }: WalkRange) =>
  (start.startsWith(prefix) || prefix.startsWith(start)) && (start > after || after.startsWith(start));

/**
 * The canvases of the vault in the order of their paths (by UTF-16 code unit). A folder sorts as its name with a
 * slash behind it, so each can be walked, or skipped, as a whole, and a page costs the folders it touches.
 * @source product contract, Settled details (`GET /canvas`)
 */
export async function* walkCanvases(root: string, range: WalkRange): AsyncGenerator<VaultPath> {
  yield* walkSorted(root, [], range);
}

async function* walkSorted(root: string, folders: readonly string[], range: WalkRange): AsyncGenerator<VaultPath> {
  const start = folders.map((folder) => `${folder}/`).join('');
  const entries = (await entriesOf(root, folders))
    .filter((entry) => entry.isFile() || (entry.isDirectory() && isVaultFolderName(entry.name)))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .map((entry) => ({ ...entry, text: `${start}${entry.name}${entry.isFolder ? '/' : ''}` }))
    .sort((a, b) => (a.text < b.text ? -1 : 1));
  for (const { name, isFolder, text } of entries) {
    if (isFolder) {
      if (mayHold(text, range)) yield* walkSorted(root, [...folders, name], range);
    } else if (text.startsWith(range.prefix) && text > range.after) {
      const path = findVaultPath(text);
      if (path) yield path;
    }
  }
}
