import type { AutoTuneSettings } from '../auto-tune-settings.js';
import type { CacheFigures, TunedCache } from '../limits/tuned-cache.js';
import type { TunedLimit } from '../limits/tuned-limit.js';

/**
 * One change of one limit, and why in words.
 * @source issue "each change explained"
 */
export interface Proposal {
  limit: TunedLimit;
  from: number;
  to: number;
  why: string;
}

/**
 * What happened between two looks at a cache.
 * @source issue "`auto_tune`" ("from hit ratios, evictions and memory")
 */
export interface CacheWindow {
  asked: number;
  hits: number;
  evictions: number;
  expirations: number;
}

/** Fewer entries that are missed than this share of the askings is not worth a change. */
const worthRatio = 0.05;
const sizeStep = 1.5;
const ttlStep = 2;

/** The difference of two statistics. @source issue "`auto_tune`" */
export function windowOf(before: CacheFigures, now: CacheFigures): CacheWindow {
  const hits = now.hits - before.hits;
  return {
    asked: hits + now.misses - before.misses,
    hits,
    evictions: now.evictions - before.evictions,
    expirations: now.expirations - before.expirations,
  };
}

/** Smallest and largest value of a limit. @source issue "inside given bounds" */
export function boundsOf(limit: TunedLimit, { max_factor }: AutoTuneSettings): { min: number; max: number } {
  const configured = limit.configured();
  return { min: Math.max(1, Math.ceil(configured / max_factor)), max: Math.floor(configured * max_factor) };
}

/** The size limit that holds the cache back: the one that is used most. */
function bindingSize(cache: TunedCache, figures: CacheFigures): TunedLimit | undefined {
  const filled = cache.sizes.map((limit) => ({
    limit,
    used: limit.unit === 'bytes' ? figures.bytes : figures.entries,
  }));
  return filled.sort((a, b) => b.used / b.limit.current() - a.used / a.limit.current())[0]?.limit;
}

const percent = (ratio: number) => `${Math.round(ratio * 1000) / 10} %`;

/**
 * What would make the cache answer more often; undefined when nothing would, as far as one can see.
 * @param spareBytes that all caches together may still grow by
 * @source issue "`auto_tune`"
 */
export function growth(
  cache: TunedCache,
  figures: CacheFigures,
  window: CacheWindow,
  settings: AutoTuneSettings,
  spareBytes: number,
  mayTry: (limit: TunedLimit) => boolean,
): Proposal | undefined {
  const { asked, hits, evictions, expirations } = window;
  if (asked < settings.min_requests) return undefined;
  const told = `hit ratio ${percent(hits / asked)} of ${asked} askings`;
  const { ttl } = cache;
  if (ttl && expirations >= worthRatio * asked && mayTry(ttl)) {
    const to = Math.min(boundsOf(ttl, settings).max, ttl.current() * ttlStep);
    const why = `${told}; ${expirations} entries that were asked for had expired`;
    if (to > ttl.current()) return { limit: ttl, from: ttl.current(), to, why };
  }
  if (evictions < worthRatio * asked) return undefined;
  const limit = bindingSize(cache, figures);
  if (!limit || !mayTry(limit)) return undefined;
  const from = limit.current();
  const bytesEach = limit.unit === 'bytes' ? 1 : figures.bytes / Math.max(1, figures.entries);
  const room = Math.floor(from + spareBytes / Math.max(1, bytesEach));
  const to = Math.min(boundsOf(limit, settings).max, room, Math.ceil(from * sizeStep));
  if (to <= from) return undefined;
  return { limit, from, to, why: `${told}; ${evictions} entries had to go for others` };
}

/**
 * Less memory: what has grown goes back to what was configured, then to half of that and so on.
 * @source issue "never while memory > its limit"
 */
export function shrinking(cache: TunedCache, settings: AutoTuneSettings, memoryRatio: number): Proposal | undefined {
  const why = `memory at ${percent(memoryRatio)}, above ${percent(settings.memory_high_ratio)}`;
  for (const limit of cache.sizes) {
    const from = limit.current();
    const to =
      from > limit.configured() ? limit.configured() : Math.max(boundsOf(limit, settings).min, Math.ceil(from / 2));
    if (to < from) return { limit, from, to, why };
  }
  return undefined;
}
