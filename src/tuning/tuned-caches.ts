import type { CacheFigures, TunedCache } from './limits/tuned-cache.js';
import type { TunedFlags } from './limits/tuned-flags.js';
import { tunedLimit } from './limits/tuned-limit.js';

interface CountedCache {
  readonly name: string;
  statistics(): CacheFigures;
}

/** A cache whose limits are set by a call. Milliseconds; null: its entries never grow old, or say themselves when. */
interface ResizableCache extends CountedCache {
  readonly limits: { maxEntries: number; maxBytes: number; ttlMs: number | null };
  resize(limits: { maxEntries?: number; maxBytes?: number; ttlMs?: number }): void;
}

/**
 * The settings that caches follow, and the caches, by name (`canvas_files`, `query`, `row_ids`, `embedding`).
 * @source story-17.4 ADR-0007; product contract, Optimisations
 */
export interface TunableCaches {
  flags: TunedFlags;
  caches: readonly CountedCache[];
  results: readonly ResizableCache[];
}

/**
 * What may be tuned of each. Times only where an older entry is as good as a new one: what these caches keep is checked, or
 * belongs to a version of the data, or is an answer that was good for a while by agreement.
 * @source issue "`auto_tune`"; product contract, Optimisations
 */
export function tunedCaches({ flags, caches, results }: TunableCaches): TunedCache[] {
  const { canvasCache, queryCache, nativeQuery, embeddingCache } = flags;
  const flagged: [string, () => boolean, Pick<TunedCache, 'sizes' | 'ttl'>][] = [
    [
      'canvas_files',
      () => canvasCache.enabled,
      {
        sizes: [canvasCache.limit('max_bytes', 'bytes'), canvasCache.limit('max_files', 'entries')],
        ttl: canvasCache.limit('ttl_seconds', 'seconds'),
      },
    ],
    [
      'query',
      () => queryCache.enabled,
      { sizes: [queryCache.limit('max_bytes', 'bytes')], ttl: queryCache.limit('ttl_seconds', 'seconds') },
    ],
    [
      'row_ids',
      () => nativeQuery.enabled && nativeQuery.settings.row_id_cache_bytes > 0,
      { sizes: [nativeQuery.limit('row_id_cache_bytes', 'bytes')] },
    ],
    ['embedding', () => embeddingCache.enabled, { sizes: [embeddingCache.limit('max_entries', 'entries')] }],
  ];
  const of = (cache: CountedCache, isOn: () => boolean) => ({
    name: cache.name,
    isOn,
    statistics: () => cache.statistics(),
  });
  return [
    ...flagged.flatMap(([name, isOn, limits]) => {
      const cache = caches.find((each) => each.name === name);
      return cache ? [{ ...of(cache, isOn), ...limits }] : [];
    }),
    ...results.map((cache) => {
      const { maxEntries, maxBytes, ttlMs } = cache.limits;
      const ttl = ttlMs === null ? undefined : ttlMs / 1000;
      return {
        ...of(cache, () => true),
        sizes: [
          tunedLimit('max_bytes', 'bytes', maxBytes, (value) => cache.resize({ maxBytes: value })),
          tunedLimit('max_entries', 'entries', maxEntries, (value) => cache.resize({ maxEntries: value })),
        ],
        ...(ttl === undefined
          ? {}
          : { ttl: tunedLimit('ttl_seconds', 'seconds', ttl, (value) => cache.resize({ ttlMs: value * 1000 })) }),
      };
    }),
  ];
}
