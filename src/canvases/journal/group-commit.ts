/**
 * Groups what is appended, commits one group at a time, and keeps account of what is pending.
 */
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import { appendFailure, isStorageFull, journalClosed } from './errors.js';
import type { CanvasChange, Journal } from './journal.js';
import type { JournalEvent } from './journal-event.js';
import type { KnownVersion, OverwrittenVersion, PendingCanvases } from './pending-canvases.js';
import type { LoggedChange, SegmentLog } from './segment-log.js';

interface Waiting {
  change: LoggedChange;
  resolve(): void;
  reject(error: unknown): void;
}

/** Far below what a record can hold, so that no single change can spoil its group. */
const maxTextLength = 16_000;

function isTooLong(change: CanvasChange): boolean {
  const { previousEtag = '' } = change;
  const texts = change.kind === 'move' ? [change.from, change.to] : [change.path];
  return [...texts, previousEtag, 'etag' in change ? change.etag : ''].some((text) => text.length > maxTextLength);
}

const maxCommitBytes = 32 * 1024 * 1024;
const maxCommitRecords = 4096;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function takeGroup(queue: Waiting[]): Waiting[] {
  let [count, bytes] = [0, 0];
  const most = Math.min(queue.length, maxCommitRecords);
  while (count < most && (count === 0 || bytes < maxCommitBytes)) {
    const { change } = queue[count++]!;
    bytes += 'bytes' in change ? change.bytes.length : 0;
  }
  return queue.splice(0, count);
}

/** What a durable record means for what is pending. Checkpoints have been taken into account when they were given. */
function take(pending: PendingCanvases<Buffer>, change: LoggedChange, wallMs: number): void {
  const { kind, path, sequence } = change;
  if (kind === 'checkpoint' || kind === 'archived') return;
  if (kind === 'put' && change.keepsReplaced) pending.keepNewest(path, wallMs);
  const state = { path, sequence, etag: '', earlier: change.earlier, movedFrom: [], content: undefined };
  if (kind === 'delete') pending.change(state);
  else if (kind === 'put') pending.change({ ...state, etag: change.etag, content: change.bytes });
  else pending.move(change.from, { ...state, etag: change.etag, content: change.bytes });
}

function logged(change: CanvasChange, sequence: number): LoggedChange {
  const { previousEtag } = change;
  const earlier: KnownVersion[] = previousEtag === undefined ? [] : [{ etag: previousEtag, sequence: sequence - 1 }];
  if (change.kind === 'delete') return { kind: 'delete', path: change.path, sequence, earlier };
  const { bytes, etag } = change;
  if (change.kind === 'put') {
    return { kind: 'put', path: change.path, sequence, bytes, etag, earlier, keepsReplaced: change.keepsReplaced };
  }
  return { kind: 'move', path: change.to, from: change.from, sequence, bytes, etag, earlier };
}

/**
 * The journal over a log of segments.
 * @source product contract, Promises 1
 */
export class GroupCommitJournal implements Journal {
  readonly #log: SegmentLog;
  readonly #pending: PendingCanvases<Buffer>;
  readonly #report: (event: JournalEvent) => void;
  readonly #logger: Logger | undefined;
  readonly #clock: Clock;
  readonly #queue: Waiting[] = [];
  #lastSequence: number;
  #work: Promise<void> = Promise.resolve();
  #isDraining = false;
  #isClosed = false;

  constructor(
    log: SegmentLog,
    pending: PendingCanvases<Buffer>,
    lastSequence: number,
    options: { report: (event: JournalEvent) => void; logger: Logger | undefined; clock: Clock },
  ) {
    this.#log = log;
    this.#pending = pending;
    this.#lastSequence = lastSequence;
    this.#report = options.report;
    this.#logger = options.logger;
    this.#clock = options.clock;
  }

  get pendingCanvases(): number {
    return this.#pending.size;
  }

  get overwritten(): ReadonlyMap<string, readonly OverwrittenVersion<Buffer>[]> {
    return this.#pending.overwritten;
  }

  get overwrittenBytes(): number {
    return this.#pending.overwrittenBytes;
  }

  append(change: CanvasChange): Promise<void> {
    if (this.#isClosed) return Promise.reject(journalClosed());
    if (isTooLong(change)) return Promise.reject(new RangeError('a path or an ETag is longer than 16,000 characters'));
    this.#lastSequence += 1;
    const entry = logged(change, this.#lastSequence);
    return new Promise((resolve, reject) => this.#enqueue({ change: entry, resolve, reject }));
  }

  checkpoint(path: string, etag: string | null): void {
    const version = this.#pending.versionWith(path, etag ?? '');
    if (!version || this.#isClosed) return;
    const { sequence } = version;
    this.#pending.settle(path, sequence);
    this.#note({ kind: 'checkpoint', path, sequence });
  }

  archived(path: string, sequence: number): void {
    if (this.#isClosed || !this.#pending.overwritten.has(path)) return;
    this.#pending.archived(path, sequence);
    this.#note({ kind: 'archived', path, sequence });
  }

  #note(change: LoggedChange): void {
    const nobodyWaits = () => {};
    this.#enqueue({ change, resolve: nobodyWaits, reject: nobodyWaits });
  }

  reset(): Promise<void> {
    return this.#afterwards(async () => {
      if (this.#pending.size > 0) throw new Error(`${this.#pending.size} canvases have not reached their files`);
      const { size } = this.#pending.overwritten;
      if (size > 0) throw new Error(`${size} canvases have overwritten versions that the history has not`);
      await this.#log.clear();
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#afterwards(() => this.#log.close());
  }

  #afterwards(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  #enqueue(entry: Waiting): void {
    this.#queue.push(entry);
    if (this.#isDraining) return;
    this.#isDraining = true;
    void this.#afterwards(() => this.#drain());
  }

  async #drain(): Promise<void> {
    await nextTurn();
    while (this.#queue.length > 0) await this.#commit(takeGroup(this.#queue));
    this.#isDraining = false;
  }

  async #commit(group: Waiting[]): Promise<void> {
    const changes = group.map(({ change }) => change);
    const synced = changes.some(({ kind }) => kind !== 'checkpoint' && kind !== 'archived');
    const started = this.#clock.now();
    try {
      const bytes = await this.#log.commit(changes, this.#pending, this.#lastSequence, synced);
      const durationSeconds = (this.#clock.now() - started) / 1000;
      for (const change of changes) take(this.#pending, change, this.#clock.wall());
      for (const { resolve } of group) resolve();
      this.#report({ type: 'journal_commit', records: group.length, bytes, synced, durationSeconds });
    } catch (error) {
      const reason = isStorageFull(error) ? 'full' : 'unwritable';
      this.#logger?.error({ err: error, records: group.length }, 'the journal could not be written');
      const failure = appendFailure(error);
      for (const { reject } of group) reject(failure);
      this.#report({ type: 'journal_commit_failed', records: group.length, reason });
    }
  }
}
