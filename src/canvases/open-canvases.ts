import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { InBackground } from '../scheduler/index.js';
import type { Canvases } from './canvases.js';
import { type ChangeLog, createChangeLog } from './changes/change-log.js';
import { PublishedChanges } from './changes/published-changes.js';
import { startVaultWatch, type VaultWatch } from './changes/vault-watch.js';
import { type Clock, systemClock } from './clock.js';
import { countFileWrites } from './count-file-writes.js';
import { etagOf } from './document/etag.js';
import { ParsedJson } from './document/json-bytes.baseline.js';
import { KnownJson } from './document/json-bytes.js';
import { switchedJson } from './document/switched-json.js';
import { SentCanvases } from './edits/sent/sent-canvases.js';
import { switchedCheck } from './edits/sent/switched-check.js';
import type { CanvasEvent } from './events.js';
import { sweepHistoryDaily } from './history/daily-sweep.js';
import type { History } from './history/history.js';
import { openHistory } from './history/open-history.js';
import { OwnCopies } from './history/own-copies.js';
import { holdVault } from './holding/held-vault.js';
import { identifyVault, takeDataFolder } from './holding/vault-identity.js';
import { vaultLockName } from './holding/vault-lock.js';
import { type Journal, openJournal, type RecoveredCanvas } from './journal/journal.js';
import { OpenedCanvases } from './opened-canvases.js';
import { CanvasList } from './reading/canvas-list.js';
import { type CanvasReader, FileReader } from './reading/canvas-reader.baseline.js';
import { CachedReader, type CanvasCacheSettings } from './reading/canvas-reader.js';
import { CanvasReads } from './reading/canvas-reads.js';
import { CanvasEncoder } from './reading/coding/canvas-encoder.js';
import { readChecks } from './reading/read-checks.js';
import { readStable } from './reading/stable-read.js';
import { SwitchedReader } from './reading/switched-reader.js';
import { keepWhatFilesLost, writeRecovered } from './recovered-canvases.js';
import { removeLeftovers } from './vault/leftovers.js';
import { IdleCopies } from './vault/ownership/idle-copies.js';
import { readOwnVersions, writeOwnVersions } from './vault/ownership/own-versions.js';
import { VaultFiles } from './vault/vault-files.js';
import { prepareVault } from './vault/vault-folder.js';
import { findVaultPath } from './vault/vault-path.js';
import { writtenFiles } from './writing/comparing/written-files.js';
import { OverwrittenVersions } from './writing/overwritten-versions.js';
import { RecentVersions } from './writing/recent-versions.js';
import { type BatchWriterSettings, WriteQueue } from './writing/write-queue.js';

/**
 * What the canvases are made of. `vaultDir` is created where it is missing; `dataDir` belongs to this one vault: it gets the
 * folders `journal`, `history` and `copies`, and should be on the vault's file system, so that a version is kept without copying bytes.
 * @source product contract, Canvases
 */
export interface CanvasesOptions {
  vaultDir: string;
  dataDir: string;
  cache: Optimization<CanvasCacheSettings>;
  fastJson: Optimization<unknown>;
  batchWriter: Optimization<BatchWriterSettings>;
  clock?: Clock;
  /** Where the compression of canvases waits for its turn; at once when left out. */
  inBackground?: InBackground;
  /** How many folders the system is asked to watch; 0 leaves outside edits to the sweep. */
  maxWatchedFolders?: number;
  logger: Logger;
  onEvent(event: CanvasEvent): void;
}

type OnEvent = CanvasesOptions['onEvent'];

/**
 * Opens the vault: makes its folder, locks it, removes what a dead process left half-written, and writes what it had
 * acknowledged.
 * @throws VaultInUse when another process has the vault; DataOfOtherVault when `dataDir` holds what was acknowledged to
 *   another one; the system's error, when a folder cannot be made or read
 * @source product contract, Canvases; Promises 1
 */
export async function openCanvases(options: CanvasesOptions): Promise<Canvases> {
  const { logger, clock = systemClock } = options;
  const root = await prepareVault(options.vaultDir);
  let queue: WriteQueue | undefined;
  const letGo = await holdVault({ vaultDir: root, clock: systemClock, logger, onTaken: () => queue?.stop() });
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

interface Stores {
  history: History;
  copies: OwnCopies;
  journal: Journal;
  changes: ChangeLog;
}

function buildParts(options: CanvasesOptions, root: string, clock: Clock, stores: Stores) {
  const { cache, fastJson, batchWriter, logger, onEvent } = options;
  const json = switchedJson(fastJson, new KnownJson(), new ParsedJson());
  const reading = { root, clock, isJson: json.isJson };
  const encoder = new CanvasEncoder({ ...options, failed: (error) => cache.failed(error) });
  const cached = new CachedReader(reading, () => cache.settings, encoder);
  const original = new FileReader(reading);
  const reader = new SwitchedReader(cache, cached, original, readChecks(root, clock));
  const recent = new RecentVersions();
  const files = new VaultFiles({
    root,
    reader,
    history: stores.history,
    copies: stores.copies,
    bytesOf: (text, etag) => recent.bytesOf(text, etag),
    onWritten: (text) => idleCopies.written(text),
    onConflict: (text, kept) => published.conflict(text, kept),
    foldsNames: foldsNames(root),
    logger,
    onEvent: countFileWrites(batchWriter, onEvent),
  });
  const idleCopies = new IdleCopies({
    copies: stores.copies,
    known: files.known,
    bytesOf: async (text, etag) => recent.bytesOf(text, etag) ?? bytesInFile(reader, text, etag),
    clock,
    logger,
  });
  const published: PublishedChanges = new PublishedChanges({
    log: stores.changes,
    read: (path) => readStable(reading, path, undefined, false),
    ahead: (text) => {
      const newest = queue.unwritten.newest(text);
      return newest?.kind === 'missing' ? null : newest?.etag;
    },
    clock,
    logger,
  });
  const queue: WriteQueue = new WriteQueue({
    files,
    journal: stores.journal,
    flag: batchWriter,
    clock,
    logger,
    onStored: (path, before, after) => {
      recent.take(path, after);
      published.stored(path, before, after);
    },
    onMoved: (from, to, etag) => published.moved(from, to, etag),
    onOverwritten: (text) => overwritten.noticed(text),
    // What cannot be brought over now goes along in the journal.
    beforeMove: (text) => overwritten.archive(text).catch(() => {}),
    writtenFiles: writtenFiles(root, original, files.known),
    onEvent,
  });
  const overwritten = new OverwrittenVersions({
    journal: stores.journal,
    history: stores.history,
    drain: (text) => queue.unwritten.drain(text),
    clock,
    logger,
  });
  const acknowledged = (text: string) => queue.unwritten.newest(text);
  const reads = new CanvasReads({ reader, acknowledged, encode: json.encode, clock, onEvent });
  return {
    json,
    check: switchedCheck(fastJson, new SentCanvases()),
    cache: { name: 'canvas_files', statistics: () => cached.statistics(), clear: () => cached.clear() },
    reader,
    files,
    queue,
    recent,
    overwritten,
    idleCopies,
    reads,
    published,
    list: new CanvasList(reading),
  };
}

/**
 * What is acknowledged is served at once, and the files follow while requests come in; a move is ended before, since
 * requests know canvases by their paths.
 */
async function bringBack(
  recovered: readonly RecoveredCanvas[],
  { files, queue, overwritten }: Pick<ReturnType<typeof buildParts>, 'files' | 'queue' | 'overwritten'>,
  history: History,
  logger: Logger,
): Promise<void> {
  const written = writeRecovered(recovered, queue.unwritten, files, history, logger);
  if (recovered.some(({ movedFrom }) => movedFrom.length > 0)) await written;
  written
    .then(() => overwritten.archiveAll())
    .catch((error: unknown) =>
      logger.error({ err: error }, 'what a dead process had acknowledged is not in its files yet'),
    );
}

/** Whether the lock that this process holds is found under another spelling too. */
const foldsNames = (root: string) => existsSync(path.join(root, vaultLockName.toUpperCase()));

async function bytesInFile(reader: CanvasReader, text: string, etag: string): Promise<Buffer | undefined> {
  const path = findVaultPath(text);
  const state = path && (await reader.read(path)).state;
  return state?.kind === 'canvas' && state.etag === etag ? state.bytes : undefined;
}

function startWatch(
  { maxWatchedFolders, logger, onEvent }: CanvasesOptions,
  root: string,
  { files, published }: Pick<ReturnType<typeof buildParts>, 'files' | 'published'>,
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
  { queue, overwritten, idleCopies }: Pick<ReturnType<typeof buildParts>, 'queue' | 'overwritten' | 'idleCopies'>,
  journal: Journal,
  history: History,
  logger: Logger,
): Promise<void> {
  await queue.close();
  await overwritten.archiveAll();
  overwritten.stop();
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

async function clearLeftovers(root: string, clock: Clock, logger: Logger, onEvent: OnEvent): Promise<void> {
  try {
    const count = await removeLeftovers(root, clock.wall());
    if (count === 0) return;
    logger.warn({ count }, 'removed temporary files that a dead process had left in the vault');
    onEvent({ type: 'temporary_files_removed', count });
  } catch (error) {
    logger.warn({ err: error }, 'could not look for temporary files in the vault');
  }
}
