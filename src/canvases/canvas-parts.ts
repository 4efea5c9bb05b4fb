import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { InBackground } from '../scheduler/index.js';
import type { ChangeLog } from './changes/change-log.js';
import { PublishedChanges } from './changes/published-changes.js';
import type { Clock } from './clock.js';
import { countFileWrites } from './count-file-writes.js';
import { ParsedJson } from './document/json-bytes.baseline.js';
import { KnownJson } from './document/json-bytes.js';
import { switchedJson } from './document/switched-json.js';
import { SentCanvases } from './edits/sent/sent-canvases.js';
import { switchedCheck } from './edits/sent/switched-check.js';
import type { CanvasEvent } from './events.js';
import type { History } from './history/history.js';
import type { OwnCopies } from './history/own-copies.js';
import { vaultLockName } from './holding/folder-lock.js';
import type { Journal } from './journal/journal.js';
import { CanvasList } from './reading/canvas-list.js';
import { type CanvasReader, FileReader } from './reading/canvas-reader.baseline.js';
import { CachedReader, type CanvasCacheSettings } from './reading/canvas-reader.js';
import { CanvasReads } from './reading/canvas-reads.js';
import { CanvasEncoder } from './reading/coding/canvas-encoder.js';
import { readChecks } from './reading/read-checks.js';
import { readStable } from './reading/stable-read.js';
import { SwitchedReader } from './reading/switched-reader.js';
import { IdleCopies } from './vault/ownership/idle-copies.js';
import { VaultFiles } from './vault/vault-files.js';
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
  /** Aborted when another process has the data folder: no canvas is written any more. */
  dataTaken?: AbortSignal;
  cache: Optimization<CanvasCacheSettings>;
  fastJson: Optimization<unknown>;
  batchWriter: Optimization<BatchWriterSettings>;
  clock?: Clock;
  /** Where the compression of canvases waits for its turn; at once when left out. */
  inBackground?: InBackground;
  /** For how long a file with bytes that nobody knows must have been left alone before they are served; default 50 ms. */
  settlingMs?: number;
  /** How many folders the system is asked to watch; 0 leaves outside edits to the sweep. */
  maxWatchedFolders?: number;
  logger: Logger;
  onEvent(event: CanvasEvent): void;
}

/**
 * What outlives the process.
 * @source product contract, Promises 1 and 3
 */
export interface CanvasStores {
  history: History;
  copies: OwnCopies;
  journal: Journal;
  changes: ChangeLog;
}

/**
 * Puts the readers, the writer and what they tell each other together. `root` is the vault's folder, locked and ready.
 * @source product contract, Canvases
 */
export function buildParts(options: CanvasesOptions, root: string, clock: Clock, stores: CanvasStores) {
  const { cache, fastJson, batchWriter, logger, onEvent } = options;
  const json = switchedJson(fastJson, new KnownJson(), new ParsedJson());
  const isWhole = (text: string, etag: string) => files.known.newestEtag(text) === etag;
  const reading = { root, clock, isJson: json.isJson, isWhole, settlingMs: options.settlingMs };
  const encoder = new CanvasEncoder({ ...options, failed: (error) => cache.failed(error) });
  const cached = new CachedReader(reading, () => cache.settings, encoder);
  const original = new FileReader(reading);
  const reader = new SwitchedReader(cache, cached, original, readChecks(root, clock));
  const recent = new RecentVersions();
  const files: VaultFiles = new VaultFiles({
    root,
    reader,
    history: stores.history,
    copies: stores.copies,
    bytesOf: (text, etag) => recent.bytesOf(text, etag),
    onWritten: (text) => idleCopies.written(text),
    onConflict: (text, kept) => published.conflict(text, kept),
    foldsNames: foldsNames(root),
    clock,
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
    read: (path) => readStable(reading, path, undefined, 'settled'),
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
    onMoved: (from, to, etag) => {
      recent.moved(from, to, etag);
      published.moved(from, to, etag);
    },
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
 * The parts of one open vault.
 * @source product contract, Canvases
 */
export type CanvasParts = ReturnType<typeof buildParts>;

/** Whether the lock that this process holds is found under another spelling too. */
const foldsNames = (root: string) => existsSync(path.join(root, vaultLockName.toUpperCase()));

async function bytesInFile(reader: CanvasReader, text: string, etag: string): Promise<Buffer | undefined> {
  const path = findVaultPath(text);
  const state = path && (await reader.read(path)).state;
  return state?.kind === 'canvas' && state.etag === etag ? state.bytes : undefined;
}
