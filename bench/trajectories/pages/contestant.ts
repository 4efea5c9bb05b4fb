import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openDatabase } from '../../../src/lance/index.js';
import type { Statistics } from '../../../src/trajectories/analysis/statistics.js';
import { createSorting } from '../../../src/trajectories/query/order/sorting.js';
import { pageText } from '../../../src/trajectories/query/page-text.js';
import type { TrajectoryFilter } from '../../../src/trajectories/query/trajectory-filter.js';
import type { ListQuery } from '../../../src/trajectories/query/trajectory-repository.js';
import { figuresFile, tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';
import { openPages } from './page-store.js';

/**
 * What is compared: one store of trajectories that answers the same questions. Pages and records are the JSON text that
 * a client would get.
 * @source product contract, promise 7
 */
export interface Contestant {
  page(query: ListQuery): Promise<Buffer>;
  count(filter: TrajectoryFilter): Promise<number>;
  get(trajectoryId: string): Promise<Buffer>;
  /**
   * Of a store that has just been opened.
   * @param isFirst whether nobody has asked for them before, in this run or another
   */
  statistics(isFirst: boolean): Promise<{ statistics: Statistics; milliseconds: number }>;
  /** Makes it forget the orders that it has worked out, where it keeps any. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * The product over a folder, without HTTP.
 * @param enabled whether its optimisations are on
 * @source product contract, Optimisations
 */
export async function openProduct(lanceUri: string, enabled: boolean): Promise<Contestant> {
  const trajectories = await openPages(lanceUri, enabled);
  await trajectories.maintain();
  const database = await openDatabase(lanceUri);
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const sorting = createSorting(table, Infinity);
  return {
    page: async (query) => pageText(await trajectories.list(query), query),
    async count(filter) {
      if (enabled) return sorting.countRows({ filter });
      const query = { filter, sortBy: 'created_at', order: 'desc', page: 1, pageSize: 1 } as const;
      return (await trajectories.list({ ...query, fields: ['trajectory_id'] })).total;
    },
    get: (trajectoryId) => trajectories.get(trajectoryId),
    async statistics(isFirst) {
      if (isFirst) await rm(path.join(lanceUri, figuresFile), { force: true });
      const fresh = await openPages(lanceUri, enabled);
      await fresh.maintain();
      const startedAt = performance.now();
      const statistics = await fresh.figures.statistics();
      const milliseconds = performance.now() - startedAt;
      await fresh.close();
      return { statistics, milliseconds };
    },
    forget() {
      for (const cache of trajectories.caches) cache.clear();
    },
    async close() {
      await trajectories.close();
      table.close();
      database.close();
    },
  };
}
