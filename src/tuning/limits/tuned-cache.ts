import type { TunedLimit } from './tuned-limit.js';

/**
 * What a cache tells of itself, counted since the start. `evictions`: entries that had to go for others; `expirations`:
 * entries that were asked for and had grown too old.
 * @source issue "`auto_tune`" ("from hit ratios, evictions and memory")
 */
export interface CacheFigures {
  entries: number;
  bytes: number;
  max_bytes: number;
  hits: number;
  misses: number;
  evictions: number;
  expirations: number;
}

/**
 * A cache that can be tuned: how much it may hold, and for how long where older entries are as good.
 * @source issue "`auto_tune`"
 */
export interface TunedCache {
  /** As in `GET /admin/cache`. */
  readonly name: string;
  /** Whether it is in use. */
  isOn(): boolean;
  statistics(): CacheFigures;
  readonly sizes: readonly TunedLimit[];
  readonly ttl?: TunedLimit;
}

/** All limits of a cache. @source issue "`auto_tune`" */
export const limitsOf = (cache: TunedCache): readonly TunedLimit[] =>
  cache.ttl ? [...cache.sizes, cache.ttl] : cache.sizes;
