/**
 * One look at every canvas of a vault, in small slices, so that requests are served in between. It follows no link and
 * opens no file.
 */
import { type BigIntStats, lstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { leadsNowhere } from '../errors.js';
import type { FileStamp } from '../vault/file-stamp.js';
import { openFolder } from '../vault/vault-folder.js';
import { findVaultPath } from '../vault/vault-path.js';
import type { FolderListing, FolderListings, ListedCanvas } from './folder-listings.js';
import { startStopwatch } from './stopwatch.js';

/**
 * What a look at the vault tells. `found` is called in the same turn in which the file was looked at, so that what is
 * known of our own writes fits to it.
 * @source product contract, Promises 2 and 5
 */
export interface SweepSink {
  found(path: string, stamp: FileStamp): void;
  /** A folder was entered: its path from the vault downwards ('' for the vault itself), and its inode. */
  entered(folder: string, inode: bigint): void;
}

/**
 * `busyMs` is what the main thread spent; `unreadable` are folders whose canvases may be there all the same.
 * @source product contract, Promises 6
 */
export interface SweepResult {
  busyMs: number;
  unreadable: string[];
}

/**
 * How many files are looked at before others have their turn: some 0.3 ms.
 * @source product contract, Promises 6
 */
export const sliceFiles = 64;

/** The stamp of one entry, undefined when it is no regular file. */
function stampAt(address: string): FileStamp | undefined {
  const stats: BigIntStats | undefined = lstatSync(address, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() ? stats : undefined;
}

/**
 * The state of one canvas now.
 * @returns undefined when there is no regular file at the path, a link on the way to it included
 * @throws the system's error, when that cannot be told
 * @source openat(2), O_NOFOLLOW
 */
export function stampOf(root: string, canvasPath: string): FileStamp | undefined {
  const vaultPath = findVaultPath(canvasPath);
  if (!vaultPath) return undefined;
  try {
    const folder = openFolder(root, vaultPath.folders);
    try {
      return stampAt(folder.at(vaultPath.name));
    } finally {
      folder.close();
    }
  } catch (error) {
    if (leadsNowhere(error)) return undefined;
    throw error;
  }
}

/**
 * Looks at a slice of one folder. The files are reached by name, so the folder is looked at once more: had a link been
 * put in its place, what was seen would not be in the vault.
 */
function lookAt({ address, inode }: FolderListing, canvases: readonly ListedCanvas[], sink: SweepSink): void {
  const stamps = canvases.map((canvas) => stampAt(canvas.address));
  const folder = lstatSync(address, { bigint: true, throwIfNoEntry: false });
  if (!folder?.isDirectory() || folder.ino !== inode) return;
  for (const [index, { path }] of canvases.entries()) {
    const stamp = stamps[index];
    if (stamp) sink.found(path, stamp);
  }
}

/**
 * Walks over the vault.
 * @param listings of this vault, kept from one sweep to the next
 * @param isStopped asked between slices
 * @source product contract, Canvases ("dot folders", "symlinks")
 */
export async function sweepVault(
  listings: FolderListings,
  sink: SweepSink,
  isStopped: () => boolean,
): Promise<SweepResult> {
  const result: SweepResult = { busyMs: 0, unreadable: [] };
  listings.beginSweep();
  let filesInTurn = 0;
  const waiting: string[][] = [[]];
  for (let folders = waiting.pop(); folders !== undefined && !isStopped(); folders = waiting.pop()) {
    try {
      const spentOnListing = startStopwatch();
      const reading = listings.list(folders);
      result.busyMs += spentOnListing();
      const listing = await reading;
      sink.entered(listing.prefix.slice(0, -1), listing.inode);
      for (const name of listing.folders) waiting.push([...folders, name]);
      for (let from = 0; from < listing.canvases.length && !isStopped(); from += sliceFiles) {
        const slice = listing.canvases.slice(from, from + sliceFiles);
        const spentOnSlice = startStopwatch();
        lookAt(listing, slice, sink);
        result.busyMs += spentOnSlice();
        filesInTurn += slice.length;
        if (filesInTurn < sliceFiles) continue;
        filesInTurn = 0;
        await nextTurn();
      }
    } catch (error) {
      if (!leadsNowhere(error)) result.unreadable.push(folders.map((name) => `${name}/`).join(''));
    }
  }
  return result;
}
