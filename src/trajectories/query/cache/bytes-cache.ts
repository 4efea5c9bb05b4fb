import { LRUCache } from 'lru-cache';

/**
 * What a cache holds and how often it had the answer since the start. `evictions`: entries that had to go for others;
 * `expirations`: entries that were asked for and had grown too old.
 * @source product contract, Trajectories (`GET /admin/cache`)
 */
export interface CacheStatistics {
  entries: number;
  bytes: number;
  max_bytes: number;
  hits: number;
  misses: number;
  evictions: number;
  expirations: number;
}

/**
 * Values in memory up to a number of bytes; the least recently used go first.
 * @source product contract, Promises 6 ("caches by bytes")
 */
export interface BytesCache<Value> {
  get(key: string): Value | undefined;
  /** A value that would fill more than half of the cache is not kept. */
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  /** Counts an asking: what is a hit, the one who asks knows. */
  count(found: 'hit' | 'miss'): void;
  statistics(): CacheStatistics;
}

/** `maxBytes` and `ttlMs` are asked on each use, since an operator may change them; 0 bytes keep nothing. */
interface BytesCacheOptions<Value> {
  maxBytes(): number;
  bytesOf(value: Value): number;
  /** Without it values are kept until there is no room. */
  ttlMs?(): number;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

const entryOverheadBytes = 200;

/**
 * Empty at first. When its bounds change it keeps what has room.
 * @source product contract, Promises 6 ("caches by bytes"); lru-cache documentation, "maxSize" and "ttl"
 */
export function createBytesCache<Value extends object>(options: BytesCacheOptions<Value>): BytesCache<Value> {
  const { maxBytes, bytesOf, ttlMs = () => 0, now = () => performance.now() } = options;
  let bounds = '';
  let entries: LRUCache<string, Value> | undefined;
  let hits = 0;
  let misses = 0;
  let evictions = 0;
  let expirations = 0;
  let isPurging = false;

  /** Characters of the key count two bytes each. */
  const sizeCalculation = (value: Value, key: string) => bytesOf(value) + 2 * key.length + entryOverheadBytes;

  function current(): LRUCache<string, Value> | undefined {
    const wanted = `${maxBytes()} ${ttlMs()}`;
    if (wanted !== bounds) {
      bounds = wanted;
      const maxSize = maxBytes();
      const before = entries?.dump();
      entries =
        maxSize > 0
          ? new LRUCache<string, Value>({
              maxSize,
              maxEntrySize: Math.ceil(maxSize / 2),
              sizeCalculation,
              ttl: ttlMs(),
              ttlResolution: 0,
              perf: { now },
              dispose(_value, _key, reason) {
                if (reason === 'evict') evictions += 1;
                else if (reason === 'expire' && !isPurging) expirations += 1;
              },
            })
          : undefined;
      for (const [key, { value, ttl, start }] of before ?? []) {
        // What was kept grows old by the bounds that hold now.
        const ageMs = ttl === undefined || start === undefined ? 0 : Date.now() - start;
        const leftMs = ttlMs() - ageMs;
        if (ttlMs() === 0) entries?.set(key, value);
        else if (leftMs > 0) entries?.set(key, value, { start: now() - ageMs });
      }
    }
    return entries;
  }

  return {
    get: (key) => current()?.get(key),
    set: (key, value) => current()?.set(key, value),
    delete: (key) => current()?.delete(key),
    clear: () => current()?.clear(),
    count(found) {
      if (found === 'hit') hits += 1;
      else misses += 1;
    },
    statistics() {
      const kept = current();
      isPurging = true;
      kept?.purgeStale();
      isPurging = false;
      const [held, bytes] = [kept?.size ?? 0, kept?.calculatedSize ?? 0];
      return { entries: held, bytes, max_bytes: maxBytes(), hits, misses, evictions, expirations };
    },
  };
}
