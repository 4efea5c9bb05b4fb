import type { Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder of immutable files durable. LanceDB renames its files into place without fsync, so a commit survives
 * `kill -9` but not a power cut; after `sync()` has resolved, everything that was in the folder when it was called
 * survives both. It promises nothing about files written later.
 * @source product contract, Promises 1
 */
export interface FolderSync {
  /**
   * Calls that arrive while a walk runs share the next walk.
   * @returns number of files fsynced for this call
   */
  sync(): Promise<number>;
}

/** Files whose content never changes under one name; all others are fsynced on each walk. */
const immutableExtensions = new Set(['.lance', '.manifest', '.txn', '.arrow', '.bin']);
const filesAtOnce = 16;

/**
 * @param folder absolute path
 * @param ancestors folders above it whose entries must be durable too, nearest first
 * @source product contract, Promises 1; fsync(2) ("Calling fsync() does not necessarily ensure that the entry in the
 * directory containing the file has also reached disk")
 */
export function createFolderSync(folder: string, ancestors: readonly string[]): FolderSync {
  let synced = new Set<string>();
  let ancestorsSynced = false;
  let running: Promise<number> | undefined;
  let next: Promise<number> | undefined;

  async function walk(): Promise<number> {
    const entries = await filesUnder(folder);
    const present = new Set<string>();
    const changed: string[] = [];
    const folders = new Set<string>();
    for (const entry of entries) {
      const file = path.join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      if (immutableExtensions.has(path.extname(file))) present.add(file);
      if (synced.has(file)) continue;
      changed.push(file);
      for (let up = entry.parentPath; up.length > folder.length; up = path.dirname(up)) folders.add(up);
    }
    await Promise.all(
      Array.from({ length: Math.min(filesAtOnce, changed.length) }, async (_, lane) => {
        for (let i = lane; i < changed.length; i += filesAtOnce) await syncPath(changed[i]!);
      }),
    );
    const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
    for (const changedFolder of deepestFirst) await syncPath(changedFolder);
    if (changed.length > 0) await syncPath(folder);
    if (!ancestorsSynced) for (const ancestor of ancestors) await syncPath(ancestor);
    ancestorsSynced = true;
    synced = present;
    return changed.length;
  }

  async function start(): Promise<number> {
    try {
      return await walk();
    } finally {
      running = undefined;
    }
  }

  return {
    sync() {
      if (!running) {
        running = start();
        return running;
      }
      next ??= running
        .catch(() => 0)
        .then(() => {
          next = undefined;
          running = start();
          return running;
        });
      return next;
    },
  };
}

const listingTries = 3;

/** A clean-up may remove a folder while it is being listed. */
async function filesUnder(folder: string): Promise<Dirent[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readdir(folder, { recursive: true, withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === listingTries) throw error;
    }
  }
}

/** A file that is gone was removed by a clean-up meanwhile: nothing to keep. */
async function syncPath(target: string): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(target, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
