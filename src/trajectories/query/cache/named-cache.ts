import type { CacheStatistics } from './bytes-cache.js';

/**
 * A cache that an operator can look at and clear.
 * @source product contract, Trajectories (`GET /admin/cache`, `POST /admin/cache/clear`)
 */
export interface NamedCache {
  readonly name: string;
  statistics(): CacheStatistics;
  clear(): void;
}
