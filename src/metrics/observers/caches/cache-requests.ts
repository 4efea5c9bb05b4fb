import type { Registry } from 'prom-client';
import { HotCounter } from '../../hot-series.js';

/**
 * Counts what the caches were asked for, all in one metric, so that hit ratios can be compared:
 * `bind(cache, outcome)`, where outcome is `hit` or `miss`.
 * @source story-17.4 AC1 (hit ratio)
 */
export function countCacheRequests(registry: Registry): HotCounter {
  const help = 'Times that a cache was asked, by whether it had the answer';
  return new HotCounter(registry, 'canvas_cache_requests_total', help, ['cache', 'outcome']);
}
