import { lstatSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { leadsNowhere } from '../errors.js';
import { temporaryFileOwner } from './atomic-file.js';
import { openFolder } from './vault-folder.js';
import { walkFolders } from './vault-walk.js';

const longestWriteMs = 60 * 60 * 1000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A process number that another program has taken meanwhile protects a file for an hour, not for ever. */
function isAbandoned(pid: number, changedMs: number, wallMs: number): boolean {
  return pid === process.pid || !isAlive(pid) || wallMs - changedMs > longestWriteMs;
}

async function removeFrom(root: string, folders: string[], names: string[], wallMs: number): Promise<number> {
  const folder = openFolder(root, folders);
  let removed = 0;
  try {
    for (const name of names) {
      const owner = temporaryFileOwner(name);
      const stats = lstatSync(folder.at(name), { throwIfNoEntry: false });
      if (!owner || !stats?.isFile() || !isAbandoned(owner.pid, stats.ctimeMs, wallMs)) continue;
      await unlink(folder.at(name));
      removed += 1;
    }
  } finally {
    folder.close();
  }
  return removed;
}

/**
 * Removes the temporary files of processes that are gone.
 * @param wallMs the machine's date, ms since the epoch
 * @returns how many were removed
 * @throws the system's error, when the vault cannot be read or written
 * @source product contract, Promises 1 (nothing half-written stays)
 */
export async function removeLeftovers(root: string, wallMs: number): Promise<number> {
  let removed = 0;
  for await (const { folders, entries } of walkFolders(root)) {
    const names = entries.map((entry) => entry.name).filter((name) => temporaryFileOwner(name)?.isOwn === false);
    if (names.length === 0) continue;
    try {
      removed += await removeFrom(root, folders, names, wallMs);
    } catch (error) {
      if (!leadsNowhere(error)) throw error;
    }
  }
  return removed;
}
