import { LRUCache } from 'lru-cache';
import type { CacheEvent } from './events.js';
import type { ObservableCache } from './http/cache-routes.js';
import type { CacheStore } from './store/cache-store.js';

/**
 * One kind of dear results: memory first, then the cache file, then whoever can make them anew.
 */

/**
 * - `name`: the category in the file, in metrics and in `/admin/cache`.
 * - `maxEntries`, `maxBytes`: of the memory tier; a value that alone needs more than `maxBytes` is not kept.
 * - `ttlMs`: how long a value is good in memory, null for ever.
 * - `file`: how long it is good in the file (null for ever, and then it is the last to go), or undefined for memory only.
 * - `encode`, `decode`: to bytes and back; a value that cannot be encoded is not kept, one whose bytes cannot be decoded
 *   counts as not there.
 * @source story-17.4 ADR-0007
 */
export interface TieredCacheOptions<Value extends object> {
  name: string;
  maxEntries: number;
  maxBytes: number;
  ttlMs: number | null;
  file?: { store: CacheStore; ttlMs: number | null } | undefined;
  encode(value: Value): Uint8Array;
  decode(bytes: Uint8Array): Value;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  onEvent(event: CacheEvent): void;
}

/**
 * The memory tier's limits, as in {@link TieredCacheOptions}.
 * @source story-17.4 ADR-0007; issue "`auto_tune`"
 */
export type CacheLimits = Pick<TieredCacheOptions<object>, 'maxEntries' | 'maxBytes' | 'ttlMs'>;

/**
 * A cache of two tiers. Keys are short (a hash of what was asked), and name everything that the value depends on.
 * @source story-17.4 ADR-0007
 */
export interface TieredCache<Value extends object> extends ObservableCache {
  /** How much memory it may take, and for how long a value is good there. */
  readonly limits: CacheLimits;
  /** Other limits from now on; what has room is kept. */
  resize(limits: Partial<CacheLimits>): void;
  get(key: string): Promise<Value | undefined>;
  /** In memory at once, in the file a moment later. `ttlMs` shortens its life, in both. */
  set(key: string, value: Value, ttlMs?: number): void;
  /**
   * The value of the key, made by `make` when it is nowhere. Equal keys at the same time are made once. A failure is
   * kept nowhere.
   */
  getOrMake(key: string, make: () => Promise<Value>): Promise<{ value: Value; isHit: boolean }>;
  clear(): void;
}

const entryOverheadBytes = 200;

/** The shorter of two lives, null being for ever. */
function shorter(a: number | null, b: number | undefined): number | null {
  if (b === undefined) return a;
  return a === null ? b : Math.min(a, b);
}

/**
 * Empty memory at first; the file may know values of earlier runs.
 * @source story-17.4 ADR-0007; lru-cache documentation, "maxSize"
 */
export function createTieredCache<Value extends object>(options: TieredCacheOptions<Value>): TieredCache<Value> {
  const { name, file, encode, decode, onEvent, now } = options;
  let limits: CacheLimits = { maxEntries: options.maxEntries, maxBytes: options.maxBytes, ttlMs: options.ttlMs };
  let memory = makeMemory();
  let evictions = 0;
  let expirations = 0;
  let isPurging = false;
  const making = new Map<string, Promise<{ value: Value; isHit: boolean }>>();
  let hits = 0;
  let misses = 0;
  /** Values asked for before the cache was cleared are not taken in after it. */
  let generation = 0;

  function makeMemory() {
    return new LRUCache<string, { value: Value; bytes: number }>({
      max: limits.maxEntries,
      maxSize: limits.maxBytes,
      sizeCalculation: ({ bytes }) => bytes,
      ttl: limits.ttlMs ?? 0,
      ...(now ? { perf: { now } } : {}),
      ttlResolution: 0,
      dispose(_value, _key, reason) {
        if (reason === 'evict') evictions += 1;
        else if (reason === 'expire' && !isPurging) expirations += 1;
      },
    });
  }

  const asked = (tier: 'l1' | 'l2' | 'none') => {
    if (tier === 'none') misses++;
    else hits++;
    onEvent({ type: 'asked', cache: name, tier });
  };

  function remember(key: string, value: Value, encoded: Uint8Array, life: number | null): void {
    const bytes = encoded.byteLength + 2 * key.length + entryOverheadBytes;
    memory.set(key, { value, bytes }, { ttl: life ?? 0 });
  }

  /** undefined for a value that has no bytes: it is kept nowhere, and whoever made it has it. */
  function bytesOf(value: Value): Uint8Array | undefined {
    try {
      return encode(value);
    } catch {
      return undefined;
    }
  }

  async function fromFile(key: string): Promise<Value | undefined> {
    const before = generation;
    try {
      const found = await file?.store.get(name, key);
      if (!found || before !== generation) return undefined;
      const value = decode(found.value);
      const leftMs = found.expiresAt === null ? undefined : Math.max(1, found.expiresAt - Date.now());
      remember(key, value, found.value, shorter(limits.ttlMs, leftMs));
      return value;
    } catch {
      return undefined;
    }
  }

  async function get(key: string): Promise<Value | undefined> {
    const held = memory.get(key);
    if (held) {
      asked('l1');
      return held.value;
    }
    const found = file ? await fromFile(key) : undefined;
    asked(found ? 'l2' : 'none');
    return found;
  }

  function set(key: string, value: Value, wantedMs?: number): void {
    const encoded = bytesOf(value);
    if (!encoded) return;
    remember(key, value, encoded, shorter(limits.ttlMs, wantedMs));
    if (!file) return;
    const lifeMs = shorter(file.ttlMs, wantedMs);
    const expiresAt = lifeMs === null ? null : Date.now() + lifeMs;
    file.store.set({ category: name, key, value: encoded, expiresAt, isKept: file.ttlMs === null });
  }

  async function find(key: string, make: () => Promise<Value>): Promise<{ value: Value; isHit: boolean }> {
    const before = generation;
    const found = await get(key);
    if (found) return { value: found, isHit: true };
    const value = await make();
    if (before === generation) set(key, value);
    return { value, isHit: false };
  }

  return {
    name,
    get limits() {
      return limits;
    },
    resize(wanted) {
      limits = { ...limits, ...wanted };
      const before = memory.dump();
      memory = makeMemory();
      memory.load(before);
    },
    get,
    set,
    async getOrMake(key, make) {
      const running = making.get(key);
      if (running) return running;
      const started = find(key, make).finally(() => {
        if (making.get(key) === started) making.delete(key);
      });
      making.set(key, started);
      return started;
    },
    clear() {
      generation++;
      memory.clear();
      making.clear();
      void file?.store.clear(name);
    },
    statistics() {
      isPurging = true;
      memory.purgeStale();
      isPurging = false;
      const held = { entries: memory.size, bytes: memory.calculatedSize, max_bytes: limits.maxBytes };
      return { ...held, hits, misses, evictions, expirations };
    },
  };
}
