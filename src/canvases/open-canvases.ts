import path from 'node:path';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { Canvases } from './canvases.js';
import { type ChangeLog, createChangeLog } from './changes/change-log.js';
import { PublishedChanges } from './changes/published-changes.js';
import { startVaultWatch, type VaultWatch } from './changes/vault-watch.js';
import { type Clock, systemClock } from './clock.js';
import { etagOf } from './document/etag.js';
import { ParsedJson } from './document/json-bytes.baseline.js';
import { KnownJson } from './document/json-bytes.js';
import { switchedJson } from './document/switched-json.js';
import type { CanvasEvent } from './events.js';
import { holdVault } from './held-vault.js';
import type { History } from './history/history.js';
import { openHistory } from './history/open-history.js';
import { type Journal, openJournal, type RecoveredCanvas } from './journal/journal.js';
import { OpenedCanvases } from './opened-canvases.js';
import { CanvasList } from './reading/canvas-list.js';
import { FileReader } from './reading/canvas-reader.baseline.js';
import { CachedReader, type CanvasCacheSettings } from './reading/canvas-reader.js';
import { CanvasReads } from './reading/canvas-reads.js';
import { readStable } from './reading/stable-read.js';
import { SwitchedReader } from './reading/switched-reader.js';
import { removeLeftovers } from './vault/leftovers.js';
import { readOwnVersions, writeOwnVersions } from './vault/own-versions.js';
import { VaultFiles } from './vault/vault-files.js';
import { prepareVault } from './vault/vault-folder.js';
import { findVaultPath } from './vault/vault-path.js';
import { RecentVersions } from './writing/recent-versions.js';
import { type BatchWriterSettings, WriteQueue } from './writing/write-queue.js';

/**
 * What the canvases are made of. `vaultDir` is created where it is missing; `dataDir` belongs to this one vault: it gets the
 * folders `journal` and `history`, and should be on the vault's file system, so that a version is kept without copying bytes.
 * @source product contract, Canvases
 */
export interface CanvasesOptions {
  vaultDir: string;
  dataDir: string;
  cache: Optimization<CanvasCacheSettings>;
  fastJson: Optimization<unknown>;
  batchWriter: Optimization<BatchWriterSettings>;
  clock?: Clock;
  logger: Logger;
  onEvent(event: CanvasEvent): void;
}

const sweepHistoryEachMs = 24 * 60 * 60 * 1000;

/**
 * Opens the vault: makes its folder, locks it, removes what a dead process left half-written, and writes what it had
 * acknowledged.
 * @throws VaultInUse when another process has the vault; the system's error, when a folder cannot be made or read
 * @source product contract, Canvases; Promises 1
 */
export async function openCanvases(options: CanvasesOptions): Promise<Canvases> {
  const { logger, clock = systemClock } = options;
  const root = await prepareVault(options.vaultDir);
  let queue: WriteQueue | undefined;
  const letGo = await holdVault({ vaultDir: root, clock: systemClock, logger, onTaken: () => queue?.stop() });
  try {
    await clearLeftovers(root, clock, logger, options.onEvent);
    const onEvent = options.onEvent;
    const historyFolder = path.join(options.dataDir, 'history');
    const history = await openHistory({ folder: historyFolder, logger, onEvent });
    const opened = await openJournal({ folder: path.join(options.dataDir, 'journal'), etagOf, logger, onEvent });
    const changes = createChangeLog({ logger });
    const parts = buildParts(options, root, clock, { history, journal: opened.journal, changes });
    queue = parts.queue;
    await readOwnVersions(historyFolder, parts.files.known, logger);
    await writeRecovered(opened.recovered, parts.queue, history, logger);
    const watch = await startWatch(root, parts, logger, onEvent);
    const stopSweeps = sweepHistoryDaily(history, logger);
    return new OpenedCanvases({
      ...parts,
      history,
      changes,
      async close() {
        await watch.close();
        stopSweeps();
        try {
          await closeAll(parts.queue, opened.journal, history, logger);
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
  journal: Journal;
  changes: ChangeLog;
}

function buildParts(options: CanvasesOptions, root: string, clock: Clock, stores: Stores) {
  const { cache, fastJson, batchWriter, logger, onEvent } = options;
  const json = switchedJson(fastJson, new KnownJson(), new ParsedJson());
  const reading = { root, clock, isJson: json.isJson };
  const cached = new CachedReader(reading, () => cache.settings);
  const reader = new SwitchedReader(cache, cached, new FileReader(reading));
  const recent = new RecentVersions();
  const files = new VaultFiles({
    root,
    reader,
    history: stores.history,
    bytesOf: (text, etag) => recent.bytesOf(text, etag),
    logger,
    onEvent,
  });
  const published: PublishedChanges = new PublishedChanges({
    log: stores.changes,
    read: (path) => readStable(reading, path, undefined, false),
    isAhead: (text) => queue.unwritten.newest(text) !== undefined,
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
    onEvent,
  });
  const acknowledged = (text: string) => queue.unwritten.newest(text);
  const reads = new CanvasReads({ reader, acknowledged, encode: json.encode, clock, onEvent });
  return { json, reader, files, queue, recent, reads, published, list: new CanvasList(reading) };
}

/** What cannot be written now stays acknowledged: it is served from memory and tried again. */
async function writeRecovered(
  recovered: readonly RecoveredCanvas[],
  queue: WriteQueue,
  history: History,
  logger: Logger,
): Promise<void> {
  if (recovered.length === 0) return;
  for (const canvas of recovered) {
    const path = findVaultPath(canvas.path);
    if (!path) continue;
    for (const from of canvas.movedFrom) await history.move(from, canvas.path);
    const modifiedMs = Date.now();
    const isPut = canvas.kind === 'put';
    const state = isPut
      ? ({ kind: 'canvas', bytes: canvas.bytes, etag: canvas.etag, modifiedMs, isDurable: true } as const)
      : ({ kind: 'missing' } as const);
    queue.unwritten.recover(path, state, canvas.knownEtags);
  }
  const written = await queue.unwritten.flush();
  logger.warn({ canvases: recovered.length, written }, 'wrote what a dead process had acknowledged to its files');
}

function startWatch(
  root: string,
  { files, published }: Pick<ReturnType<typeof buildParts>, 'files' | 'published'>,
  logger: Logger,
  onEvent: (event: CanvasEvent) => void,
): Promise<VaultWatch> {
  return startVaultWatch({
    vaultDir: root,
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

function sweepHistoryDaily(history: History, logger: Logger): () => void {
  const sweep = () => {
    history.sweep().catch((error: unknown) => logger.warn({ err: error }, 'old versions could not be dropped'));
  };
  const timer = setInterval(sweep, sweepHistoryEachMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function closeAll(queue: WriteQueue, journal: Journal, history: History, logger: Logger): Promise<void> {
  await queue.close();
  const left = queue.unwritten.size;
  try {
    if (left === 0) await journal.reset();
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
  onEvent: (event: CanvasEvent) => void,
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
