export { cacheRoutes, type ObservableCache } from './cache-routes.js';
