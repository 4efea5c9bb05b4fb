import { Problem } from '../../errors.js';
import type { Optimization } from '../../optimization.js';
import {
  createTrajectoryRepository,
  type TrajectoryRepository,
  type TrajectoryRepositoryOptions,
} from '../query/trajectory-repository.js';

/**
 * Pages and records that nobody asked for. They are read as those of requests are, through the same caches, and leave
 * there what requests will find; no figure counts them.
 * @source product contract, Optimisations (`index_prewarm`)
 */
export type UnaskedPages = Pick<TrajectoryRepository, 'list' | 'get'>;

const always: Optimization<unknown> = {
  enabled: true,
  settings: {},
  failed(error) {
    throw error;
  },
};

/**
 * Reads the optimised way whatever the flags say: the original one keeps nothing that could be loaded early.
 * @param ways those of requests
 * @source product contract, Optimisations (`index_prewarm`)
 */
export function createUnaskedPages(ways: Omit<TrajectoryRepositoryOptions, 'onEvent'>): UnaskedPages {
  const pages = createTrajectoryRepository({ ...ways, nativeQuery: always, analysisByIds: always, onEvent() {} });
  return {
    list: (query) =>
      pages.list({ ...query, isUnasked: true }).catch((error: unknown) => {
        // No client gets it either: there is nothing to load.
        if (error instanceof Problem && error.code === 'PAGE_TOO_LARGE') return { rows: [], total: 0 };
        throw error;
      }),
    get: pages.get,
  };
}
