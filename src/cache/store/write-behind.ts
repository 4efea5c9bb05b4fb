import type { FoundValue, StoredValue } from './cache-database.js';

/** Long enough to gather what calls in a row make, short enough that a kill loses next to nothing. */
const delayMs = 500;
const maxValuesAtOnce = 1000;
/** Values that wait longer than the disk takes them; what comes beyond is not kept, which costs speed only. */
const maxWaitingBytes = 32 * 1024 * 1024;

/** @source story-17.4 ADR-0007 */
export interface WriteBehindOptions {
  /** Never rejects. */
  write(values: StoredValue[]): Promise<void>;
  onDropped(values: number): void;
}

/**
 * Values on their way to the cache file: gathered for a moment, written one group after the other, found here until
 * they are there. Bounded by bytes; the newest value of a key wins.
 * @source story-17.4 ADR-0007
 */
export class WriteBehind {
  readonly #options: WriteBehindOptions;
  #waiting = new Map<string, StoredValue>();
  #writing = new Map<string, StoredValue>();
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  find(category: string, key: string): FoundValue | undefined {
    const name = nameOf(category, key);
    const found = this.#waiting.get(name) ?? this.#writing.get(name);
    return found && (found.expiresAt === null || found.expiresAt > Date.now()) ? found : undefined;
  }

  add(value: StoredValue): void {
    const name = nameOf(value.category, value.key);
    this.#waitingBytes -= this.#waiting.get(name)?.value.byteLength ?? 0;
    this.#waiting.delete(name);
    if (this.#waitingBytes + value.value.byteLength > maxWaitingBytes) {
      this.#options.onDropped(1);
      return;
    }
    this.#waiting.set(name, value);
    this.#waitingBytes += value.value.byteLength;
    this.#timer ??= setTimeout(() => this.#start(), delayMs).unref();
  }

  /** Drops what waits of a category, once what is being written is there. */
  async forget(category: string): Promise<void> {
    for (const [name, value] of this.#waiting) {
      if (value.category !== category) continue;
      this.#waiting.delete(name);
      this.#waitingBytes -= value.value.byteLength;
    }
    await this.#written;
  }

  /** Resolves when everything that was added is written, or could not be. */
  async close(): Promise<void> {
    while (this.#waiting.size > 0 || this.#writing.size > 0) {
      this.#start();
      await this.#written;
    }
    clearTimeout(this.#timer);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing.size > 0 || this.#waiting.size === 0) return;
    for (const [name, value] of this.#waiting) {
      if (this.#writing.size === maxValuesAtOnce) break;
      this.#waiting.delete(name);
      this.#writing.set(name, value);
      this.#waitingBytes -= value.value.byteLength;
    }
    this.#written = this.#options.write([...this.#writing.values()]).then(() => {
      this.#writing.clear();
      if (this.#waiting.size > 0) this.#timer ??= setTimeout(() => this.#start(), 0).unref();
    });
  }
}

const nameOf = (category: string, key: string) => `${category}\0${key}`;
