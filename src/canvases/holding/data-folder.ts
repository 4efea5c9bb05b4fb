import { mkdir, rm } from 'node:fs/promises';
import type { Logger } from '../../logger.js';
import { systemClock } from '../clock.js';
import { holdFolder } from './held-folder.js';

/**
 * Opens something on a data folder that no other process writes to meanwhile. The folder is made where it is missing,
 * locked before anything in it is read, and let go of when what was opened is closed: its journal, history and copies
 * know canvases by path only, and a second process, be it with a vault of its own, would take the journal of the first
 * for one that nobody uses.
 * @param temporaryDir is emptied now, since a process that was killed leaves its temporary files, and removed at the end
 * @param open gets a signal that is aborted if another process has the folder after all, which takes a process that did
 *   not run for seconds: from then on nothing of ours may be written there
 * @throws FolderInUse when another process has it; the system's error; what `open` throws
 * @source product contract, Promises 1 and 3
 */
export async function openOnDataFolder<T extends { close(): Promise<void> }>(
  { dataDir, temporaryDir }: { dataDir: string; temporaryDir: string },
  logger: Logger,
  open: (taken: AbortSignal) => Promise<T>,
): Promise<T> {
  await mkdir(dataDir, { recursive: true });
  const taken = new AbortController();
  const onTaken = () => taken.abort();
  const letGo = await holdFolder({ kind: 'data folder', folder: dataDir, clock: systemClock, logger, onTaken });
  const removeTemporary = () => rm(temporaryDir, { recursive: true, force: true });
  const end = async () => {
    // Another process that has the folder by now has its own files there.
    if (!taken.signal.aborted) await removeTemporary().catch(() => {});
    await letGo();
  };
  try {
    await removeTemporary();
    await mkdir(temporaryDir, { mode: 0o700 });
    const opened = await open(taken.signal);
    const close = opened.close.bind(opened);
    return Object.assign(opened, { close: () => close().finally(end) });
  } catch (error) {
    await end();
    throw error;
  }
}
