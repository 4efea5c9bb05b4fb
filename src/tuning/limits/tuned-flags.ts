import type { Optimization } from '../../optimization.js';
import { TunedOptimization } from './tuned-optimization.js';

/** The settings of the caches that follow a flag. @source product contract, Optimisations */
export interface CacheFlags {
  optimization(name: 'canvas_cache'): Optimization<{ max_files: number; max_bytes: number; ttl_seconds: number }>;
  optimization(name: 'query_cache'): Optimization<{ max_bytes: number; ttl_seconds: number }>;
  optimization(name: 'native_query'): Optimization<{ row_id_cache_bytes: number }>;
  optimization(name: 'embedding_cache'): Optimization<{ max_entries: number }>;
}

/** Hand these to the parts in place of the flags. @source issue "`auto_tune`" */
export type TunedFlags = ReturnType<typeof tunedFlags>;

/** The flags of the caches, with settings that tuning may change. @source issue "`auto_tune`" */
export function tunedFlags(flags: CacheFlags) {
  return {
    canvasCache: new TunedOptimization(flags.optimization('canvas_cache')),
    queryCache: new TunedOptimization(flags.optimization('query_cache')),
    nativeQuery: new TunedOptimization(flags.optimization('native_query')),
    embeddingCache: new TunedOptimization(flags.optimization('embedding_cache')),
  };
}
