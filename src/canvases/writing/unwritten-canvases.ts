/**
 * Acknowledged versions whose files are behind. Readers are served from here until the file is written: at once after
 * a quiet time, else a window after the last of a burst, but never later than the longest delay after the first:
 *
 *     acknowledged   1        2  3  4        5 6 7 8 9 10 11 12 ...
 *     file           [1]               [4]              [10]           window_ms after 4, max_delay_ms after 5
 *
 * A file that cannot be written is tried again, less and less often; its bytes stay here and in the journal.
 */
import { LRUCache } from 'lru-cache';
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import type { Journal } from '../journal/journal.js';
import type { Limit } from '../limit.js';
import type { VaultPath } from '../vault/vault-path.js';
import type { CurrentCanvas } from './preconditions.js';
import type { CanvasFiles, FileWork } from './write-request.js';

/**
 * How long a file may be behind, in ms, and how many bytes may wait; read on each use.
 * @source story-17.4 AC2; product contract, Promises 6
 */
export interface WriteWindow {
  window_ms: number;
  max_delay_ms: number;
  max_pending_bytes: number;
}

/**
 * What bringing files up to date needs.
 * @source product contract, `batch_writer`
 */
export interface UnwrittenOptions {
  files: CanvasFiles;
  journal: Pick<Journal, 'checkpoint'>;
  limit: Limit;
  clock: Clock;
  window(): WriteWindow;
  /** A file has everything that was acknowledged. */
  onWritten?(path: VaultPath): void;
  logger: Logger;
}

/**
 * What a canvas is, as acknowledged.
 * @source product contract, Promises 1
 */
export type AcknowledgedCanvas = Exclude<CurrentCanvas, { kind: 'unreadable' }>;

/**
 * Whether a version does not go on from the one before it, and when it took its place, in ms since the epoch.
 * @source product contract, Promises 3
 */
export type Replacement = Pick<FileWork, 'isUnseen' | 'replacedAtMs'>;

interface Unwritten {
  readonly path: VaultPath;
  newest: AcknowledgedCanvas;
  /** Versions that the file may hold without anybody else having written it. */
  readonly knownEtags: readonly string[];
  movedEtag: string | undefined;
  /** Answered since the last write of the file. */
  requests: number;
  /** What they keep until then, such as the name of a new canvas. */
  releases: (() => void)[];
  /** When the oldest of them was acknowledged, by the monotonic clock. */
  sinceMs: number | undefined;
  /** The same by the date, ms since the epoch. */
  replacedAtMs: number | undefined;
  /** The first change since the last write of the file did not go on from what that wrote; undefined: there is none. */
  isUnseen: boolean | undefined;
  stopTimer: (() => void) | undefined;
  writing: Promise<void> | undefined;
  failures: number;
}

const rememberedWrites = 10_000;
const firstRetryMs = 100;
const longestRetryMs = 30_000;

/**
 * The canvases whose files are behind.
 * @source story-17.4 AC2 (100 ms window); product contract, `batch_writer`
 */
export class UnwrittenCanvases {
  readonly #options: UnwrittenOptions;
  readonly #entries = new Map<string, Unwritten>();
  /** When the file of a canvas was last written, by the monotonic clock. */
  readonly #lastWritten = new LRUCache<string, number>({ max: rememberedWrites });
  #bytes = 0;
  #isStopped = false;

  constructor(options: UnwrittenOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The acknowledged state of a canvas whose file is behind. */
  newest(text: string): AcknowledgedCanvas | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(text)?.newest;
  }

  /** All of them, by path. */
  *all(): Generator<readonly [string, AcknowledgedCanvas]> {
    for (const [text, entry] of this.#entries) yield [text, entry.newest];
  }

  /** Takes a version that the journal has. `release` is called when the file has it. */
  acknowledge(
    path: VaultPath,
    state: CurrentCanvas,
    requests: number,
    release: () => void,
    { isUnseen = false, replacedAtMs = this.#options.clock.wall() }: Replacement = {},
  ): void {
    const entry = this.#take(path, state, []);
    entry.isUnseen ??= isUnseen;
    entry.replacedAtMs ??= replacedAtMs;
    entry.requests += requests;
    entry.releases.push(release);
    this.#schedule(entry);
  }

  /**
   * Takes a version that the journal gave back at the start; `flush` writes it.
   * @param movedEtag of a canvas that is missing because it was moved: what it was, and is at its new path
   */
  recover(path: VaultPath, state: AcknowledgedCanvas, knownEtags: readonly string[], movedEtag?: string): void {
    this.#take(path, state, knownEtags).movedEtag = movedEtag;
  }

  /**
   * Brings one file up to date now: an older version may be on its way into it already, so this takes two rounds.
   * @throws Problem when it cannot be written; what was acknowledged is kept all the same
   */
  async drain(text: string): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const entry = this.#entries.get(text);
      if (entry) await this.#start(entry);
    }
  }

  /**
   * Brings all files up to date now.
   * @returns how many canvases that were; those whose file cannot be written do not count
   */
  async flush(): Promise<number> {
    const drained = await Promise.allSettled([...this.#entries.keys()].map((text) => this.drain(text)));
    return drained.filter(({ status }) => status === 'fulfilled').length;
  }

  /** Writes nothing more; what is behind stays in the journal. */
  stop(): void {
    this.#isStopped = true;
    for (const entry of this.#entries.values()) entry.stopTimer?.();
  }

  #take(path: VaultPath, state: CurrentCanvas, knownEtags: readonly string[]): Unwritten {
    const newest: AcknowledgedCanvas = state.kind === 'canvas' ? { ...state, isDurable: true } : { kind: 'missing' };
    const known = this.#entries.get(path.text);
    this.#bytes += bytesIn(newest) - (known ? bytesIn(known.newest) : 0);
    if (known) {
      known.newest = newest;
      known.sinceMs ??= this.#options.clock.now();
      return known;
    }
    const entry: Unwritten = {
      path,
      newest,
      knownEtags,
      movedEtag: undefined,
      requests: 0,
      releases: [],
      sinceMs: this.#options.clock.now(),
      replacedAtMs: undefined,
      isUnseen: undefined,
      stopTimer: undefined,
      writing: undefined,
      failures: 0,
    };
    this.#entries.set(path.text, entry);
    return entry;
  }

  #schedule(entry: Unwritten): void {
    if (this.#isStopped || entry.writing || entry.failures > 0) return;
    const { clock, window } = this.#options;
    const { window_ms, max_delay_ms, max_pending_bytes } = window();
    const now = clock.now();
    const quietMs = now - (this.#lastWritten.get(entry.path.text) ?? Number.NEGATIVE_INFINITY);
    entry.stopTimer?.();
    const isFirst = entry.stopTimer === undefined && quietMs >= max_delay_ms;
    if (isFirst || this.#bytes > max_pending_bytes / 2) {
      this.#startQuietly(entry);
      return;
    }
    const due = Math.min(now + window_ms, (entry.sinceMs ?? now) + max_delay_ms);
    entry.stopTimer = clock.after(Math.max(0, due - now), () => this.#startQuietly(entry));
  }

  /** For those who do not wait: a failure is said in the log and tried again. */
  #startQuietly(entry: Unwritten): void {
    this.#start(entry).catch(() => {});
  }

  #start(entry: Unwritten): Promise<void> {
    entry.stopTimer?.();
    entry.stopTimer = undefined;
    entry.writing ??= this.#options.limit.run(() => this.#write(entry));
    return entry.writing;
  }

  async #write(entry: Unwritten): Promise<void> {
    const { path, newest: target, requests, releases, isUnseen, replacedAtMs } = entry;
    entry.requests = 0;
    entry.releases = [];
    entry.sinceMs = undefined;
    entry.isUnseen = undefined;
    entry.replacedAtMs = undefined;
    try {
      if (this.#isStopped) throw new Error('the vault is not ours any more');
      await this.#store(entry, target, requests, { isUnseen, replacedAtMs });
    } catch (error) {
      entry.isUnseen = isUnseen;
      entry.replacedAtMs = replacedAtMs;
      entry.requests += requests;
      entry.releases.push(...releases);
      entry.writing = undefined;
      this.#retry(entry, error);
      throw error;
    }
    for (const release of releases) release();
    this.#options.journal.checkpoint(path.text, target.kind === 'canvas' ? target.etag : null);
    this.#lastWritten.set(path.text, this.#options.clock.now());
    if (entry.failures > 0) this.#options.logger.info({ canvas: path.text }, 'the file could be written at last');
    entry.failures = 0;
    entry.writing = undefined;
    if (entry.newest !== target) {
      this.#schedule(entry);
      return;
    }
    this.#entries.delete(path.text);
    this.#bytes -= bytesIn(target);
    this.#options.onWritten?.(path);
  }

  #retry(entry: Unwritten, error: unknown): void {
    if (this.#isStopped) return;
    const { clock, logger } = this.#options;
    entry.failures += 1;
    if (entry.failures === 1) {
      const canvas = entry.path.text;
      logger.error(
        { canvas, err: error },
        'an acknowledged version is not in its file yet; it is kept and tried again',
      );
    }
    const delayMs = Math.min(firstRetryMs * 2 ** (entry.failures - 1), longestRetryMs);
    entry.stopTimer = clock.after(delayMs, () => this.#startQuietly(entry));
  }

  /** Whatever another program wrote meanwhile is replaced, and kept in the history by the files. */
  async #store(
    { path, knownEtags, movedEtag }: Unwritten,
    target: AcknowledgedCanvas,
    requests: number,
    { isUnseen = false, replacedAtMs }: { isUnseen: boolean | undefined; replacedAtMs: number | undefined },
  ): Promise<void> {
    const { files } = this.#options;
    const current = await files.current(path);
    const isNew = current.kind === 'missing';
    const since = replacedAtMs === undefined ? {} : { replacedAtMs };
    const moved = movedEtag === undefined ? {} : { movedEtag };
    const standing = { isNew, knownEtags, isUnseen, isAcknowledged: true };
    const work = { variant: 'optimized', requests, ...standing, ...since, ...moved } as const;
    if (target.kind === 'missing') {
      if (current.kind !== 'missing') await files.remove(path, work);
    } else if (current.kind === 'canvas' && current.etag === target.etag) {
      if (!current.isDurable) await files.settle(path, work);
    } else {
      await files.replace(path, target, work);
    }
  }
}

const bytesIn = (canvas: AcknowledgedCanvas) => (canvas.kind === 'canvas' ? canvas.bytes.length : 0);
