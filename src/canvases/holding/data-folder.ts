import { mkdir } from 'node:fs/promises';
import type { Logger } from '../../logger.js';
import { systemClock } from '../clock.js';
import { holdFolder } from './held-folder.js';

/**
 * Opens something on a data folder that no other process writes to meanwhile. The folder is made where it is missing,
 * locked before anything in it is read, and let go of when what was opened is closed: its journal, history and copies
 * know canvases by path only, and a second process, be it with a vault of its own, would take the journal of the first
 * for one that nobody uses.
 * @param open gets a signal that is aborted if another process has the folder after all, which takes a process that did
 *   not run for seconds: from then on nothing of ours may be written there
 * @throws FolderInUse when another process has it; the system's error; what `open` throws
 * @source product contract, Promises 1 and 3
 */
export async function openOnDataFolder<T extends { close(): Promise<void> }>(
  dataDir: string,
  logger: Logger,
  open: (taken: AbortSignal) => Promise<T>,
): Promise<T> {
  await mkdir(dataDir, { recursive: true });
  const taken = new AbortController();
  const onTaken = () => taken.abort();
  const letGo = await holdFolder({ kind: 'data folder', folder: dataDir, clock: systemClock, logger, onTaken });
  try {
    const opened = await open(taken.signal);
    const close = opened.close.bind(opened);
    return Object.assign(opened, { close: () => close().finally(letGo) });
  } catch (error) {
    await letGo();
    throw error;
  }
}
