import type { Table } from '../../../lance/index.js';
import type { Optimization } from '../../../optimization.js';
import { createRowIdCache } from '../order/row-id-cache.js';
import type { TrajectoryReader } from '../page-query.js';
import { createTrajectoryReader } from '../trajectory-reader.js';
import { pageCheck } from './answer-checks.js';

/**
 * The table, the reader whose filtered pages are looked at, and the flag.
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export interface IndexComparisonOptions {
  table: Table;
  reader: TrajectoryReader;
  scalarIndexes: Optimization<unknown>;
}

/**
 * The same reader, some of whose filtered pages are read twice more afterwards: with the indexes and without them, neither
 * time with an order that is known already.
 * @source product contract, Optimisations (`scalar_indexes`, `verification.sample_rate`)
 */
export function compareIndexes({ table, reader, scalarIndexes }: IndexComparisonOptions): TrajectoryReader {
  const rowIds = createRowIdCache(() => 0);
  const indexed = createTrajectoryReader({ table, rowIds });
  const unindexed = createTrajectoryReader({ table, rowIds, usesIndexes: false });
  const check = pageCheck(async () => String(await table.version()));
  return {
    ...reader,
    async list(query, columns) {
      const page = await reader.list(query, columns);
      if (query.filter.length > 0 && scalarIndexes.enabled) {
        scalarIndexes.sample?.()?.compare({
          check,
          optimised: () => indexed.list(query, columns),
          original: () => unindexed.list(query, columns),
        });
      }
      return page;
    },
  };
}
