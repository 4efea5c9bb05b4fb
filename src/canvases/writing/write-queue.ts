import { Problem } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { Clock } from '../clock.js';
import { canvasesClosed } from '../errors.js';
import type { CanvasEvent } from '../events.js';
import { KeyedOrder } from '../history/keyed-order.js';
import type { Journal } from '../journal/journal.js';
import { Limit } from '../limit.js';
import { Backlog } from './backlog.js';
import { ImmediateWriter } from './batch-writer.baseline.js';
import { BatchWriter } from './batch-writer.js';
import { type MovedCanvas, type MoveRequest, type MovingFiles, moveCanvas } from './canvas-move.js';
import { WriteComparison, type WrittenFiles } from './comparing/write-comparison.js';
import { UnwrittenCanvases, type WriteWindow } from './unwritten-canvases.js';
import type { OnStored, WriteRequest, WriteResult } from './write-request.js';

/**
 * The batch writer's settings, as in `config/optimization.yaml`; read on each use.
 * @source story-17.4 AC2
 */
export type BatchWriterSettings = WriteWindow;

/**
 * What the queue is made of.
 * @source product contract, `batch_writer`
 */
export interface WriteQueueOptions {
  files: MovingFiles;
  journal: Pick<Journal, 'append' | 'checkpoint' | 'overwrittenBytes'>;
  flag: Optimization<BatchWriterSettings>;
  clock: Clock;
  logger: Logger;
  onStored: OnStored;
  onMoved(from: string, to: string, etag: string): void;
  /** The journal keeps a version that no file has; without it nobody is told. */
  onOverwritten?(text: string): void;
  /** Kept when all that belongs to the history of a canvas that will be moved is there. */
  beforeMove?(text: string): Promise<void>;
  /** With it some acknowledged writes are compared with what their files hold. */
  writtenFiles?: WrittenFiles;
  onEvent(event: CanvasEvent): void;
}

const parallelFiles = 16;

/**
 * Files that follow the journal at once. Few: a disk carries out one flush after another, and a commit that a client
 * waits for has to get its turn between those of files that nobody waits for.
 */
const followingFiles = 2;

type Outcome = 'stored' | 'unchanged' | 'refused' | 'failed';

/** Refusals of the disk carry the system's error as their cause; all others are answers to the request. */
const outcomeOf = (error: unknown) => (error instanceof Problem && error.cause === undefined ? 'refused' : 'failed');

function heldBy(change: WriteRequest['change']): number {
  if (change.kind === 'put') return change.bytes.length;
  return change.kind === 'edit' ? change.heldBytes : 0;
}

/**
 * Where all writes go: to the batch writer while its flag is on, else to the original one. Both share the order of
 * each canvas, so the flag may be flipped at any time. Bounded by `max_pending_bytes`; closing writes what waits.
 * @source product contract, `batch_writer`; Promises 6
 */
export class WriteQueue {
  readonly unwritten: UnwrittenCanvases;
  readonly #backlog = new Backlog();
  readonly #options: WriteQueueOptions;
  readonly #order = new KeyedOrder();
  readonly #limit = new Limit(parallelFiles);
  readonly #batch: BatchWriter;
  readonly #immediate: ImmediateWriter;
  readonly #comparison: WriteComparison | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    const { files, journal, flag, clock, logger, onStored } = options;
    const shared = { files, order: this.#order, limit: this.#limit, onStored };
    this.#comparison =
      options.writtenFiles &&
      new WriteComparison({
        flag,
        files: options.writtenFiles,
        isBehind: (text) => this.unwritten.newest(text) !== undefined,
        write: (request) => this.#writeOriginally(request),
        now: () => clock.now(),
      });
    const comparison = this.#comparison;
    this.unwritten = new UnwrittenCanvases({
      files,
      journal,
      limit: new Limit(followingFiles),
      clock,
      window: () => flag.settings,
      onWritten: (path) => comparison?.written(path),
      logger,
    });
    this.#batch = new BatchWriter({
      ...shared,
      journal,
      unwritten: this.unwritten,
      wall: () => clock.wall(),
      onOverwritten: ({ text }) => options.onOverwritten?.(text),
      ...(comparison && { comparison }),
    });
    this.#immediate = new ImmediateWriter({ ...shared, unwritten: this.unwritten });
  }

  /** What is not answered yet, and what is answered and not in its file, or not in the history, yet. */
  get backlog(): { writes: number; bytes: number } {
    const { writes, bytes } = this.#backlog;
    return { writes: writes + this.unwritten.size, bytes: bytes + this.#keptBytes };
  }

  /** What is answered and in memory: for its file, or overwritten before any file had it. */
  get #keptBytes(): number {
    return this.unwritten.bytes + this.#options.journal.overwrittenBytes;
  }

  /** @throws Problem CANVASES_CLOSED, WRITES_BACKED_UP, or what refused the write */
  write(request: WriteRequest): Promise<WriteResult> {
    const { change } = request;
    const bytes = heldBy(change);
    return this.#booked(change.kind, bytes, (isOptimized) =>
      isOptimized ? this.#writeOptimized(request) : this.#writeOriginally(request),
    );
  }

  /** @throws Problem as {@link write}, and CANVAS_EXISTS */
  move(request: MoveRequest): Promise<MovedCanvas> {
    const keys = [request.from.text, request.to.text];
    return this.#booked('move', 0, () => {
      for (const text of keys) {
        this.#batch.seal(text);
        this.#comparison?.forget(text);
      }
      return this.#order.run(keys, async () => {
        for (const text of keys) await this.unwritten.drain(text);
        const { files, journal, beforeMove } = this.#options;
        await beforeMove?.(request.from.text);
        const moved = await this.#limit.run(() => moveCanvas(files, journal, request));
        this.#options.onMoved(request.from.text, request.to.text, moved.etag);
        return { ...moved, outcome: 'replaced' as const, bytes: 0 };
      });
    });
  }

  /**
   * Brings all files up to date, those of writes that are not answered yet included.
   * @returns how many canvases that were
   */
  async flush(): Promise<number> {
    await this.#order.idle();
    return this.unwritten.flush();
  }

  /** Refuses new writes, and is kept when all earlier ones are answered and were tried to be brought to their files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    await this.flush();
    this.unwritten.stop();
  }

  /** Writes no file any more, and refuses all writes: the vault is another's. */
  stop(): void {
    this.#isClosed = true;
    this.unwritten.stop();
  }

  /** Runs a request within the bounds, and reports how it ended. */
  async #booked<T extends { outcome: WriteResult['outcome']; bytes: number }>(
    operation: 'put' | 'edit' | 'delete' | 'move',
    bytes: number,
    work: (isOptimized: boolean) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) throw canvasesClosed();
    const { clock, flag, onEvent } = this.#options;
    const isOptimized = flag.enabled && operation !== 'move';
    const started = clock.now();
    const report = (outcome: Outcome, stored: number) => {
      const durationSeconds = (clock.now() - started) / 1000;
      const variant = isOptimized ? 'optimized' : 'baseline';
      onEvent({ type: 'write', operation, outcome, variant, bytes: stored, durationSeconds });
    };
    let release = () => {};
    let done: Promise<T> | undefined;
    try {
      release = this.#backlog.book(bytes, flag.settings.max_pending_bytes, this.#keptBytes);
      done = work(isOptimized);
      this.#underWay.add(done);
      const result = await done;
      report(result.outcome === 'unchanged' ? 'unchanged' : 'stored', result.bytes);
      return result;
    } catch (error) {
      report(outcomeOf(error), bytes);
      throw error;
    } finally {
      if (done) this.#underWay.delete(done);
      release();
    }
  }

  #writeOriginally(request: WriteRequest): Promise<WriteResult> {
    this.#batch.seal(request.path.text);
    this.#comparison?.forget(request.path.text);
    return this.#immediate.write(request);
  }

  /** A fault of the batch writer itself, unlike one of the disk, is no answer: the write is carried out originally. */
  #writeOptimized(request: WriteRequest): Promise<WriteResult> {
    return this.#batch.write(request).catch((error: unknown) => {
      if (error instanceof Problem) throw error;
      this.#options.flag.failed(error);
      return this.#writeOriginally(request);
    });
  }
}
