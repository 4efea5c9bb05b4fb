import type { Worker } from 'node:worker_threads';
import type { Optimization } from '../../optimization.js';
import { ownFile } from '../../own-file.js';
import { startWorker } from '../../worker.js';
import type { CacheEvent } from '../events.js';
import type { FoundValue, StoredValue } from './cache-database.js';
import type { CacheCommand, CacheReply } from './cache-worker.js';
import { checksumOf } from './checksum.js';
import { WriteBehind } from './write-behind.js';

/**
 * The second tier as its users see it: a file that usually has an answer, and never is in the way. It opens at the
 * first use; when it breaks, or is slow, askers get "not there", and after a while it is opened anew; while it cannot be
 * written, it is read only. What is read is given only if it is what was written.
 */

/**
 * `l2_cache`: size of the file, days that unused values are kept, and the pause between clean-ups.
 * @source story-17.4 ADR-0007; product contract, Optimisations (`l2_cache`)
 */
export interface L2CacheSettings {
  max_bytes: number;
  max_age_days: number;
  cleanup_seconds: number;
}

/** @source product contract, Optimisations (`l2_cache`) */
export interface CacheStoreOptions {
  /** Absolute path of the file; its folder exists. */
  file: string;
  flag: Optimization<L2CacheSettings>;
  /** How long to wait for a value, 500 ms when left out. */
  patienceMs?: number;
  onEvent(event: CacheEvent): void;
}

/**
 * Values by category and key in a local file that survives restarts.
 * @source product contract, Optimisations (`l2_cache`); story-17.4 ADR-0007
 */
export interface CacheStore {
  /** @returns the value, undefined when it is not there or the file cannot be asked now */
  get(category: string, key: string): Promise<FoundValue | undefined>;
  /** Takes the value and returns; it is written a moment later, with others. */
  set(value: StoredValue): void;
  /** Drops all values of a category. */
  clear(category: string): Promise<void>;
  /** Values and bytes in the file, as last heard. */
  statistics(): { entries: number; bytes: number; maxBytes: number };
  /** Writes what waits, and lets go of the file. */
  close(): Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;
/** After a failure the file is left alone for so long. */
const pauseMs = 60_000;
/** A file that takes longer is no help. */
const defaultPatienceMs = 500;
/** Right after a start the file is worth waiting for: all that is dear is in it, and nothing in memory yet. */
const openingPatienceMs = 3000;
const farewellMs = 5000;

interface Waiting {
  resolve(reply: CacheReply | undefined): void;
  timer: NodeJS.Timeout;
}

class OpenFile {
  readonly #worker: Worker;
  readonly #options: CacheStoreOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #cleaning: NodeJS.Timeout;
  #lastId = 0;
  /** The thread's end is wanted: on a busy machine it is seen before its last answer is taken up. */
  #isLeaving = false;
  isUsable = true;
  isOpen = false;
  entries = 0;
  bytes = 0;

  constructor(options: CacheStoreOptions, onFailed: (error: Error, isRemoved: boolean) => void) {
    this.#options = options;
    const { max_bytes: maxBytes, max_age_days: days, cleanup_seconds: cleanupSeconds } = options.flag.settings;
    const bounds = { maxBytes, maxAgeMs: days * dayMs };
    this.#worker = startWorker(ownFile('cache/store/cache-worker.js'), { workerData: { file: options.file, bounds } });
    this.#worker.unref();
    const fail = (error: Error, isRemoved = false) => {
      if (!this.isUsable || this.#isLeaving) return;
      this.#end();
      onFailed(error, isRemoved);
    };
    this.#worker.on('message', (reply: CacheReply) => {
      if (reply.type === 'failed') fail(Object.assign(new Error(reply.message), { name: reply.name }), reply.isRemoved);
      else this.#take(reply);
    });
    this.#worker.on('error', (error) => fail(error as Error));
    this.#worker.on('exit', () => fail(new Error('the thread of the cache file ended')));
    this.#cleaning = setInterval(() => void this.ask({ type: 'clean_up' }, pauseMs), cleanupSeconds * 1000);
    this.#cleaning.unref();
  }

  /** @returns the answer, undefined when there is none in time */
  ask(command: WithoutId<CacheCommand>, withinMs: number): Promise<CacheReply | undefined> {
    if (!this.isUsable) return Promise.resolve(undefined);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, undefined), withinMs);
      this.#waiting.set(id, { resolve, timer });
      this.#worker.postMessage({ ...command, id });
    });
  }

  async close(): Promise<void> {
    const answered = this.ask({ type: 'close' }, farewellMs);
    this.#isLeaving = true;
    await answered;
    this.#end();
    await this.#worker.terminate();
  }

  #take(reply: Exclude<CacheReply, { type: 'failed' }>): void {
    if (reply.type === 'opened' || reply.type === 'done') ({ entries: this.entries, bytes: this.bytes } = reply);
    if (reply.type === 'opened') {
      this.isOpen = true;
      const outcome = recoveries[reply.found];
      if (outcome) this.#options.onEvent({ type: 'file_recovered', outcome });
      return;
    }
    if (reply.type === 'done' && reply.evicted > 0) {
      this.#options.onEvent({ type: 'file_evicted', values: reply.evicted });
    }
    this.#answer(reply.id, reply);
  }

  #answer(id: number, reply: CacheReply | undefined): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    waiting?.resolve(reply);
  }

  #end(): void {
    this.isUsable = false;
    clearInterval(this.#cleaning);
    for (const id of [...this.#waiting.keys()]) this.#answer(id, undefined);
  }
}

type WithoutId<Command> = Command extends unknown ? Omit<Command, 'id'> : never;

const recoveries: Record<string, 'replaced' | 'set_aside'> = { damaged: 'replaced', no_database: 'set_aside' };

/**
 * Nothing is opened before the first use, and nothing while the flag is off.
 * @source story-17.4 ADR-0007
 */
export function openCacheStore(options: CacheStoreOptions): CacheStore {
  const { flag, onEvent, patienceMs = defaultPatienceMs } = options;
  let file: OpenFile | undefined;
  let pausedUntil = 0;
  let writesPausedUntil = 0;
  let isClosed = false;
  let openedWith = '';

  function letGo(): void {
    const leaving = file;
    file = undefined;
    void leaving?.close();
  }

  /** The file, if it can be used now; opened anew when its bounds were changed. */
  function current(): OpenFile | undefined {
    if (isClosed || !flag.enabled) {
      if (file && !isClosed) letGo();
      return undefined;
    }
    const wanted = JSON.stringify(flag.settings);
    if (file && openedWith !== wanted) letGo();
    if (file || performance.now() < pausedUntil) return file;
    openedWith = wanted;
    file = new OpenFile(options, (error, isRemoved) => {
      file = undefined;
      pausedUntil = isRemoved ? 0 : performance.now() + pauseMs;
      if (isRemoved) onEvent({ type: 'file_recovered', outcome: 'replaced' });
      if (error.name === 'ForeignCacheFile') onEvent({ type: 'file_recovered', outcome: 'left_alone' });
      flag.failed(error);
    });
    return file;
  }

  const behind = new WriteBehind({
    write: async (values) => {
      const writable = performance.now() < writesPausedUntil ? undefined : current();
      const reply = await writable?.ask({ type: 'set', values }, pauseMs);
      if (reply?.type === 'refused') {
        writesPausedUntil = performance.now() + pauseMs;
        flag.failed(new Error(`the cache file cannot be written: ${reply.message}`));
      }
      if (reply?.type !== 'done') return onEvent({ type: 'file_dropped', values: values.length });
      const bytes = values.reduce((sum, { value }) => sum + value.byteLength, 0);
      onEvent({ type: 'file_written', values: values.length, bytes });
    },
    onDropped: (values) => onEvent({ type: 'file_dropped', values }),
  });

  let asked: { keys: [string, string][]; found: Promise<CacheReply | undefined> } | undefined;

  /** Everything asked for in one turn of the event loop goes to the thread as one message. */
  async function find(category: string, key: string): Promise<FoundValue | undefined> {
    const open = current();
    if (!open) return undefined;
    if (!asked) {
      const keys: [string, string][] = [];
      const startedAt = performance.now();
      const found = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        asked = undefined;
        return open.ask({ type: 'get', keys }, open.isOpen ? patienceMs : Math.max(patienceMs, openingPatienceMs));
      });
      asked = { keys, found };
      void found.then(() => onEvent({ type: 'file_asked', durationSeconds: (performance.now() - startedAt) / 1000 }));
    }
    const index = asked.keys.push([category, key]) - 1;
    const reply = await asked.found;
    const found = sound(open, category, key, reply?.type === 'values' ? reply.values[index] : undefined);
    flag.counted?.({ unit: 'results got anew', optimised: found ? 0 : 1, original: 1 });
    return found;
  }

  /** A value that is not what was written is as good as none, and goes. */
  function sound(from: OpenFile, category: string, key: string, found: FoundValue | undefined): FoundValue | undefined {
    const { checksum } = found ?? {};
    if (!found || typeof checksum !== 'number') return found;
    const isSound = checksumOf(category, key, found) === checksum;
    if (!isSound) void from.ask({ type: 'drop', category, key }, pauseMs);
    flag.checked?.(isSound ? undefined : `${category}: ${found.value.byteLength} bytes that are not what was written`);
    return isSound ? found : undefined;
  }

  return {
    async get(category, key) {
      return behind.find(category, key) ?? find(category, key);
    },
    set(value) {
      if (current()) behind.add({ ...value, checksum: checksumOf(value.category, value.key, value) });
    },
    async clear(category) {
      await behind.forget(category);
      await current()?.ask({ type: 'clear', category }, pauseMs);
    },
    statistics: () => ({
      entries: file?.entries ?? 0,
      bytes: file?.bytes ?? 0,
      maxBytes: flag.settings.max_bytes,
    }),
    async close() {
      await behind.close();
      isClosed = true;
      await file?.close();
      file = undefined;
    },
  };
}
