/**
 * Brings versions that no file ever had, and that somebody overwrote unseen, from the journal to the history: when their
 * canvas has been quiet for a while, when they are many, or when somebody asks. Until then the journal has them, also
 * through a crash, for the few bytes in which they differ; so a client that saves 20 times a second without saying what
 * it has seen costs one small pack of versions every few seconds.
 */
import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import type { History } from '../history/history.js';
import { KeyedOrder } from '../history/keyed-order.js';
import type { Journal } from '../journal/journal.js';

/**
 * `drain` brings the file of a canvas up to date, so that what it holds is in the history before.
 * @source product contract, Promises 3
 */
export interface OverwrittenVersionsOptions {
  journal: Pick<Journal, 'overwritten' | 'archived'>;
  history: Pick<History, 'keepAll'>;
  drain(text: string): Promise<void>;
  clock: Clock;
  logger: Logger;
}

const quietMs = 2000;
const retryMs = 10_000;
const maxVersions = 64;
const maxBytes = 8 * 1024 * 1024;
const maxLeftBytes = 4 * maxBytes;

interface Waiting {
  bytes: number;
  stopTimer(): void;
}

/**
 * The overwritten versions of all canvases.
 * @source product contract, Promises 3 and 6
 */
export class OverwrittenVersions {
  readonly #options: OverwrittenVersionsOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #order = new KeyedOrder();
  readonly #underWay = new Set<string>();
  #bytes = 0;

  constructor(options: OverwrittenVersionsOptions) {
    this.#options = options;
  }

  /** The journal has one more. */
  noticed(text: string): void {
    const versions = this.#options.journal.overwritten.get(text);
    const newest = versions?.at(-1);
    if (!versions || !newest) return;
    const bytes = this.#forget(text) + newest.content.length;
    const isMuch = versions.length >= maxVersions || this.#bytes + bytes > maxBytes;
    // While some are on their way, those that come meanwhile wait for the next time.
    this.#wait(text, isMuch && !this.#underWay.has(text) ? 0 : quietMs, bytes);
  }

  /** The bytes of one that waits. */
  bytesOf(text: string, etag: string): Buffer | undefined {
    return this.#options.journal.overwritten.get(text)?.findLast((version) => version.etag === etag)?.content;
  }

  /**
   * Brings those of one canvas to the history now.
   * @throws the system's error; the journal has them still, and it is tried again
   */
  async archive(text: string): Promise<void> {
    const { journal, history, drain } = this.#options;
    if (!journal.overwritten.has(text)) return;
    await drain(text).catch(() => {});
    await this.#order.run([text], async () => {
      const versions = [...(journal.overwritten.get(text) ?? [])];
      const newest = versions.at(-1);
      if (!newest) return;
      this.#forget(text);
      await history.keepAll(text, versions.map(labelled)).catch((error: unknown) => {
        this.#forget(text);
        this.#wait(text, retryMs, 0);
        throw error;
      });
      journal.archived(text, newest.sequence);
    });
    if (journal.overwritten.has(text) && !this.#waiting.has(text)) this.#wait(text, quietMs, 0);
  }

  /**
   * Whether a process that died left so many that they are to be brought over before anything is added: one that dies
   * again and again before it is done would leave more each time, and each start holds all of them in memory.
   */
  get areTooMany(): boolean {
    const { overwritten } = this.#options.journal;
    return [...overwritten.values()].reduce((sum, versions) => sum + bytesOf(versions), 0) > maxLeftBytes;
  }

  /** As many as are {@link areTooMany | too many}, of the canvases that have most. */
  archiveTooMany(): Promise<void> {
    return this.#archiveWhile(() => this.areTooMany);
  }

  /**
   * Those of all canvases, the most bytes first, so that none is passed over start after start. What cannot be brought to
   * the history stays in the journal.
   */
  archiveAll(): Promise<void> {
    return this.#archiveWhile(() => true);
  }

  async #archiveWhile(isWanted: () => boolean): Promise<void> {
    const { overwritten } = this.#options.journal;
    const left = Array.from(overwritten, ([text, versions]) => ({ text, bytes: bytesOf(versions) }))
      .sort((a, b) => a.bytes - b.bytes)
      .map(({ text }) => text);
    const lane = async () => {
      while (isWanted()) {
        const text = left.pop();
        if (text === undefined) return;
        await this.archive(text).catch((error: unknown) => this.#warn(text, error));
      }
    };
    await Promise.all(Array.from({ length: 4 }, lane));
  }

  /** Nothing is brought over by itself any more. */
  stop(): void {
    for (const text of [...this.#waiting.keys()]) this.#forget(text);
  }

  #forget(text: string): number {
    const waiting = this.#waiting.get(text);
    if (!waiting) return 0;
    waiting.stopTimer();
    this.#waiting.delete(text);
    this.#bytes -= waiting.bytes;
    return waiting.bytes;
  }

  #wait(text: string, delayMs: number, bytes: number): void {
    this.#bytes += bytes;
    this.#waiting.set(text, { bytes, stopTimer: this.#options.clock.after(delayMs, () => this.#archiveQuietly(text)) });
  }

  #archiveQuietly(text: string): void {
    const bytes = this.#forget(text);
    if (this.#underWay.has(text)) {
      this.#wait(text, quietMs, bytes);
      return;
    }
    this.#underWay.add(text);
    this.archive(text)
      .catch((error: unknown) => this.#warn(text, error))
      .finally(() => this.#underWay.delete(text));
  }

  #warn(canvas: string | undefined, error: unknown): void {
    this.#options.logger.warn({ canvas, err: error }, 'overwritten versions stay in the journal; it is tried again');
  }
}

type JournalledVersions = NonNullable<ReturnType<Journal['overwritten']['get']>>;

const bytesOf = (versions: JournalledVersions) => versions.reduce((sum, { content }) => sum + content.length, 0);

const labelled = ({ content: bytes, etag, replacedAtMs }: JournalledVersions[number]) => {
  const created = replacedAtMs ?? Date.now();
  const since = replacedAtMs === undefined ? {} : { replacedAtMs };
  return { bytes, etag, origin: 'api' as const, created, isUnseen: true, ...since };
};
