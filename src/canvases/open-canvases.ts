import path from 'node:path';
import type { Logger } from '../logger.js';
import { buildParts, type CanvasesOptions, type CanvasParts } from './canvas-parts.js';
import type { Canvases } from './canvases.js';
import { createChangeLog } from './changes/change-log.js';
import { startVaultWatch, type VaultWatch } from './changes/vault-watch.js';
import { type Clock, systemClock } from './clock.js';
import { etagOf } from './document/etag.js';
import { sweepHistoryDaily } from './history/daily-sweep.js';
import type { History } from './history/history.js';
import { openHistory } from './history/open-history.js';
import { OwnCopies } from './history/own-copies.js';
import { holdFolder } from './holding/held-folder.js';
import { identifyVault, takeDataFolder } from './holding/vault-identity.js';
import { type Journal, openJournal, type RecoveredCanvas } from './journal/journal.js';
import { OpenedCanvases } from './opened-canvases.js';
import { keepWhatFilesLost, writeRecovered } from './recovered-canvases.js';
import { removeLeftovers } from './vault/leftovers.js';
import { readOwnVersions, writeOwnVersions } from './vault/ownership/own-versions.js';
import { prepareVault } from './vault/vault-folder.js';
import { findVaultPath } from './vault/vault-path.js';
import type { WriteQueue } from './writing/write-queue.js';

/**
 * Opens the vault: makes its folder, locks it, removes what a dead process left half-written, and writes what it had
 * acknowledged.
 * @throws FolderInUse when another process has the vault; DataOfOtherVault when `dataDir` holds what was acknowledged to
 *   another one; the system's error, when a folder cannot be made or read
 * @source product contract, Canvases; Promises 1
 */
export async function openCanvases(options: CanvasesOptions): Promise<Canvases> {
  const { logger, clock = systemClock } = options;
  const root = await prepareVault(options.vaultDir);
  let queue: WriteQueue | undefined;
  const onTaken = () => queue?.stop();
  const letGo = await holdFolder({ kind: 'vault', folder: root, clock: systemClock, logger, onTaken });
  options.dataTaken?.addEventListener('abort', onTaken);
  try {
    await clearLeftovers(root, clock, logger, options.onEvent);
    const { dataDir, onEvent } = options;
    const opened = await openJournal({ folder: path.join(dataDir, 'journal'), etagOf, logger, onEvent });
    const { journal, recovered } = opened;
    const hasUnwritten = recovered.length > 0 || journal.overwritten.size > 0;
    const isOthers = await takeDataFolder(dataDir, await identifyVault(root), hasUnwritten, ['history', 'copies']);
    if (isOthers) {
      logger.warn('the data folder was used with another vault: its history is set aside');
      await journal.reset();
    }
    const historyFolder = path.join(dataDir, 'history');
    const history = await openHistory({ folder: historyFolder, logger, onEvent });
    const copies = new OwnCopies({ folder: path.join(dataDir, 'copies') });
    await copies.open();
    const changes = createChangeLog({ logger });
    const parts = buildParts(options, root, clock, { history, journal, changes, copies });
    queue = parts.queue;
    const { known } = parts.files;
    await readOwnVersions(historyFolder, known, logger);
    if (!isOthers) {
      const untouched = await keepWhatFilesLost(root, opened.written, known, history, logger);
      for (const text of untouched) parts.idleCopies.written(text);
      await bringBack(recovered, parts, history, logger);
    }
    const watch = await startWatch(options, root, parts);
    const stopSweeps = sweepHistoryDaily(history, logger);
    return new OpenedCanvases({
      ...parts,
      history,
      changes,
      async close() {
        await watch.close();
        parts.published.close();
        stopSweeps();
        try {
          await closeAll(parts, journal, history, logger);
          await writeOwnVersions(historyFolder, parts.files.known, logger);
        } finally {
          await letGo();
        }
      },
    });
  } catch (error) {
    await letGo();
    throw error;
  }
}

/**
 * What is acknowledged is served at once, and the files follow while requests come in; a move is ended before, since
 * requests know canvases by their paths, and overwritten versions are brought to the history when they are too many.
 */
async function bringBack(
  recovered: readonly RecoveredCanvas[],
  { files, queue, overwritten }: Pick<CanvasParts, 'files' | 'queue' | 'overwritten'>,
  history: History,
  logger: Logger,
): Promise<void> {
  const written = writeRecovered(recovered, queue.unwritten, files, history, logger);
  if (recovered.some(({ movedFrom }) => movedFrom.length > 0)) await written;
  const logFailure = (error: unknown) =>
    logger.error({ err: error }, 'what a dead process had acknowledged is not in its files yet');
  const { areTooMany } = overwritten;
  const fewLeft = written.then(() => overwritten.archiveTooMany()).catch(logFailure);
  fewLeft.then(() => overwritten.archiveAll()).catch(logFailure);
  if (areTooMany) await fewLeft;
}

function startWatch(
  { maxWatchedFolders, logger, onEvent }: CanvasesOptions,
  root: string,
  { files, published }: Pick<CanvasParts, 'files' | 'published'>,
): Promise<VaultWatch> {
  return startVaultWatch({
    vaultDir: root,
    ...(maxWatchedFolders === undefined ? {} : { maxWatchedFolders }),
    isOwn: (text, stamp) => files.known.isOwn(text, stamp),
    onChange: (change) => {
      const path = findVaultPath(change.path);
      Promise.all([published.external(change), path && files.keepOverwritten(path)]).catch((error: unknown) =>
        logger.warn({ err: error }, 'an outside edit could not be looked at'),
      );
    },
    onEvent: (event) => {
      if (event.type === 'failed') logger.warn({ err: event.error }, 'the watch of the vault could not see all of it');
      else onEvent({ type: 'vault_swept', canvases: event.canvases, busySeconds: event.busySeconds });
    },
  });
}

async function closeAll(
  { queue, overwritten, files, idleCopies }: Pick<CanvasParts, 'queue' | 'overwritten' | 'files' | 'idleCopies'>,
  journal: Journal,
  history: History,
  logger: Logger,
): Promise<void> {
  await queue.close();
  await overwritten.archiveAll();
  overwritten.stop();
  await files.close();
  await idleCopies.close();
  const left = queue.unwritten.size;
  try {
    if (left === 0 && journal.overwritten.size === 0) await journal.reset();
    else
      logger.error({ canvases: left }, 'some acknowledged versions could not be written; the next start tries again');
  } finally {
    await journal.close();
    await history.close();
  }
}

async function clearLeftovers(
  root: string,
  clock: Clock,
  logger: Logger,
  onEvent: CanvasesOptions['onEvent'],
): Promise<void> {
  try {
    const count = await removeLeftovers(root, clock.wall());
    if (count === 0) return;
    logger.warn({ count }, 'removed temporary files that a dead process had left in the vault');
    onEvent({ type: 'temporary_files_removed', count });
  } catch (error) {
    logger.warn({ err: error }, 'could not look for temporary files in the vault');
  }
}
