/**
 * The two ways of each optimisation of reading, put together once: what requests read through, what compares it, and what
 * says which state their answers belong to.
 */
import type { Database, IndexSwitch, Table } from '../../../lance/index.js';
import { isOn, type Optimization } from '../../../optimization.js';
import { createBaselineAnalysisLookup } from '../../analysis/analysis-lookup.baseline.js';
import { createAnalysisLookup } from '../../analysis/analysis-lookup.js';
import { tableNames, trajectorySchema } from '../../trajectory-schema.js';
import type { RowIdCache } from '../order/row-id-cache.js';
import { keepNotes } from '../rows/kept-notes.js';
import type { KeptValues } from '../rows/kept-values.js';
import type { PageLimit } from '../rows/page-limit.js';
import { type StateName, stateName, versionOf } from '../rows/shared-version.js';
import { createBaselineReader } from '../trajectory-reader.baseline.js';
import { createTrajectoryReader } from '../trajectory-reader.js';
import type { TrajectoryRepositoryOptions } from '../trajectory-repository.js';
import { createIndexBlame } from './index-blame.js';
import { compareIndexes } from './index-comparison.js';
import { createLookAtVersion } from './look-at-version.js';
import { createLookLookup } from './look-lookup.js';
import { createLookReader } from './look-reader.js';

/**
 * The tables, what is kept of them, and the flags.
 * @source trajectory-optimization 2.2
 */
export interface ReadingWaysOptions {
  database: Database;
  table: Table;
  analysis: Table;
  indexes: IndexSwitch;
  rowIds: RowIdCache;
  kept: KeptValues;
  limit: PageLimit;
  nativeQuery: Optimization<unknown>;
  analysisById: Optimization<unknown>;
  scalarIndexes: Optimization<unknown>;
  onRowIds(found: 'hit' | 'miss'): void;
}

/**
 * `state` names what answers are made from; `switched` is called after each switch of a flag: what a way answered before
 * is not given again once it is back.
 * @source product contract, Optimisations; trajectory-optimization 2.2
 */
export interface ReadingWays {
  ways: Omit<TrajectoryRepositoryOptions, 'onEvent'>;
  state: StateName;
  switched(): void;
}

/** @source product contract, Optimisations; trajectory-optimization 2.2 */
export function createReadingWays(options: ReadingWaysOptions): ReadingWays {
  const { database, table, analysis, indexes, rowIds, kept, limit, onRowIds } = options;
  const { nativeQuery, analysisById, scalarIndexes } = options;
  const lookOf = (of: Table) => createLookReader(of, limit);
  const byIds = createAnalysisLookup(analysis);
  const lookByIds = createLookLookup(analysis);
  const blame = createIndexBlame(scalarIndexes);
  const flags = [nativeQuery, analysisById, scalarIndexes];
  const effects = () => flags.map(isOn).join();
  let last = effects();
  let switches = 0;
  return {
    ways: {
      ...compareIndexes({
        table,
        reader: createTrajectoryReader({ table, rowIds, kept, indexes, limit, onRowIds }),
        scalarIndexes,
        blame,
      }),
      baselineReader: createBaselineReader(table, limit),
      lookReader: lookOf(table),
      lookAtVersion: createLookAtVersion(() => database.openTable(tableNames.trajectories, trajectorySchema), lookOf),
      nativeQuery,
      analysisLookup: keepNotes({ table: analysis, find: byIds }),
      baselineAnalysisLookup: createBaselineAnalysisLookup(analysis),
      lookAnalysisLookup: lookByIds,
      isOfAnalysisIndexes: (ids, difference) =>
        blame({ indexed: () => byIds(ids), unindexed: () => lookByIds(ids), difference }),
      analysisByIds: analysisById,
      tableVersion: async () => versionOf(table),
      analysisVersion: async () => versionOf(analysis),
    },
    state: stateName([table, analysis], flags, () => switches),
    switched() {
      // It counts the switches that it sees.
      indexes.generation();
      if (effects() !== last) switches += 1;
      last = effects();
    },
  };
}
