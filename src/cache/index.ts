export type { CacheEvent } from './events.js';
export { cacheOperations, cacheRoutes, type ObservableCache } from './http/cache-routes.js';
export { createResultCache, type ResultCacheOptions } from './result-cache.js';
export { type CacheStore, type L2CacheSettings, openCacheStore } from './store/cache-store.js';
export { createTieredCache, type TieredCache, type TieredCacheOptions } from './tiered-cache.js';
