import type { Registry } from 'prom-client';
import { askedGauges, type Watch } from '../asked-gauges.js';

/**
 * What the cache file holds.
 * @source product contract, Monitoring
 */
export interface CacheFileSize {
  entries: number;
  bytes: number;
}

/**
 * How large the cache file is.
 * @source product contract, Monitoring ("caches")
 */
export function watchCacheFile(registry: Registry): Watch<CacheFileSize> {
  return askedGauges<CacheFileSize>(
    registry,
    { entries: 0, bytes: 0 },
    {
      canvas_cache_file_entries: ['Values in the cache file', ({ entries }) => entries],
      canvas_cache_file_bytes: ['Bytes in use of the cache file', ({ bytes }) => bytes],
    },
  );
}
