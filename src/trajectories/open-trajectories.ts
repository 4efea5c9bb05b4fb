import { openDatabase, type ScalarIndex } from '../lance/index.js';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { Analysis, AnalysisRow } from './analysis/analysis.js';
import { type AnalysisImport, createAnalysisImport } from './analysis/analysis-import.js';
import { createBaselineAnalysisLookup } from './analysis/analysis-lookup.baseline.js';
import { createAnalysisLookup } from './analysis/analysis-lookup.js';
import { createAnalysisStore } from './analysis/analysis-store.js';
import { trajectoryNotFound } from './errors.js';
import { createExports, type Exports } from './export/exports.js';
import type { NamedCache } from './query/cache/named-cache.js';
import { createQueryCache, type QueryCacheSettings } from './query/cache/query-cache.js';
import { createRowIdCache } from './query/order/row-id-cache.js';
import { createBaselineReader } from './query/trajectory-reader.baseline.js';
import { createTrajectoryReader } from './query/trajectory-reader.js';
import { createTrajectoryRepository, type TrajectoryRepository } from './query/trajectory-repository.js';
import { createFigures, type Figures } from './questions/figures.js';
import { createQuestionRepository, type QuestionRepository } from './questions/question-repository.js';
import { createRecords, type Records } from './records/records.js';
import { createTableCare } from './store/table-care.js';
import { createWriteQueue } from './store/write-queue.js';
import type { TrajectoryEvent } from './trajectory-events.js';
import { analysisSchema, tableNames, trajectorySchema } from './trajectory-schema.js';

/**
 * `native_query`: bytes of memory for the row ids of orders that were worked out.
 * @source product contract, Optimisations (`native_query`)
 */
export interface NativeQuerySettings {
  row_id_cache_bytes: number;
}

/** Where the tables are, the flags, and whom to tell. @source product contract, Optimisations (`native_query`, `analysis_by_ids`) */
export interface TrajectoriesOptions {
  /** Absolute path of the database folder. */
  lanceUri: string;
  nativeQuery: Optimization<NativeQuerySettings>;
  analysisById: Optimization<unknown>;
  queryCache: Optimization<QueryCacheSettings>;
  scalarIndexes: Optimization<unknown>;
  logger: Logger;
  onEvent(event: TrajectoryEvent): void;
  /** Epoch seconds. */
  now?(): number;
}

/**
 * The stored trajectories: reading them, their analysis rows, and the upkeep of their tables. It sees what other
 * threads or processes commit only after `refresh()`.
 * @source product contract, Trajectories
 */
export interface Trajectories extends TrajectoryRepository {
  /** Stores the analysis of one trajectory; durable once resolved. @throws Problem TRAJECTORY_NOT_FOUND */
  setAnalysis(trajectoryId: string, analysis: Analysis): Promise<AnalysisRow>;
  records: Records;
  importAnalysis: AnalysisImport;
  /** The caches that an operator may look at and clear. */
  caches: readonly NamedCache[];
  figures: Figures;
  exports: Exports;
  questions: QuestionRepository;
  /** Moves to the newest version of the tables. Cheap: call it after each commit made elsewhere. */
  refresh(): Promise<void>;
  /** Refreshes, then builds and updates indexes and compacts where that is due. Call it after an import. Never throws. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

const trajectoryIndexes: readonly ScalarIndex[] = [
  ...['trajectory_id', 'data_id', 'reward', 'created_at', 'step_count', 'exec_time'].map(
    (column) => ({ column, kind: 'btree' }) as const,
  ),
  ...['agent_name', 'termination_reason', 'is_bookmarked', 'is_success'].map(
    (column) => ({ column, kind: 'bitmap' }) as const,
  ),
];
const analysisIndexes: readonly ScalarIndex[] = [{ column: 'trajectory_id', kind: 'btree' }];

/** Single-row writes leave small pieces of data behind; after so many of them it is worth looking. */
const writesBetweenCare = 20;

/**
 * Opens the tables, creating them when missing, mends what a crash left half done, and starts upkeep behind the scenes.
 * @throws Error when the folder cannot be opened or a table lacks columns
 * @source product contract, Trajectories; trajectory-optimization 2.2
 */
export async function openTrajectories(options: TrajectoriesOptions): Promise<Trajectories> {
  const { nativeQuery, logger, onEvent, now = () => Date.now() / 1000 } = options;
  const database = await openDatabase(options.lanceUri);
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const analysisTable = await database.openTable(tableNames.analysis, analysisSchema);
  const writes = createWriteQueue();

  const rowIds = createRowIdCache(() => nativeQuery.settings.row_id_cache_bytes);
  const repository = createTrajectoryRepository({
    reader: createTrajectoryReader({
      table,
      rowIds,
      onRowIds: (found) => onEvent({ type: 'row_ids', found }),
    }),
    baselineReader: createBaselineReader(table),
    nativeQuery,
    analysisLookup: createAnalysisLookup(analysisTable),
    baselineAnalysisLookup: createBaselineAnalysisLookup(analysisTable),
    analysisByIds: options.analysisById,
    onEvent,
  });
  const cached = createQueryCache({
    repository,
    dataVersion: async () => (await Promise.all([table.version(), analysisTable.version()])).join('-'),
    queryCache: options.queryCache,
    onFound: (found) => onEvent({ type: 'query_cache', found }),
  });
  const stores = {
    trajectories: table,
    analysis: analysisTable,
    writes,
    now,
    makeDurable: async () => {
      await Promise.all([database.syncTable(tableNames.trajectories), database.syncTable(tableNames.analysis)]);
    },
  };
  const analysis = createAnalysisStore(stores);
  const careOf = (name: string, indexes: readonly ScalarIndex[]) =>
    createTableCare({
      name,
      table: name === tableNames.analysis ? analysisTable : table,
      indexes,
      scalarIndexes: options.scalarIndexes,
      writes,
      logger,
      onEvent,
    });
  const cares = [careOf(tableNames.trajectories, trajectoryIndexes), careOf(tableNames.analysis, analysisIndexes)];
  const figures = createFigures({
    trajectories: table,
    analysis: analysisTable,
    onComputed: (computed) => onEvent({ type: 'figures_computed', ...computed }),
  });
  const underWay = new Set<Promise<void>>();
  let writesSinceCare = 0;

  async function refresh(): Promise<void> {
    await Promise.all([table.checkoutLatest(), analysisTable.checkoutLatest()]);
  }

  async function careForAll(): Promise<void> {
    writesSinceCare = 0;
    try {
      await refresh();
      const mended = await analysis.repair();
      if (mended > 0) logger.warn({ trajectories: mended }, 'brought is_success in step with the analysis rows');
    } catch (error) {
      logger.warn({ err: error }, 'looking for unfinished analysis writes failed');
      onEvent({ type: 'care_failed', table: tableNames.analysis });
    }
    for (const care of cares) await care.run();
  }

  function maintain(): Promise<void> {
    const done = careForAll().finally(() => underWay.delete(done));
    underWay.add(done);
    return done;
  }

  function careAfterWrites(): void {
    writesSinceCare += 1;
    if (writesSinceCare >= writesBetweenCare) void maintain();
  }

  void maintain();
  return {
    ...cached,
    caches: [cached.cache, { name: 'row_ids', statistics: rowIds.statistics, clear: rowIds.clear }],
    async setAnalysis(trajectoryId, given) {
      const startedAt = performance.now();
      const row = await analysis.put(trajectoryId, given);
      if (!row) throw trajectoryNotFound(trajectoryId);
      onEvent({ type: 'analysis_written', durationSeconds: (performance.now() - startedAt) / 1000 });
      careAfterWrites();
      return row;
    },
    records: createRecords({
      ...stores,
      onWritten: (written) => {
        onEvent({ type: 'record_written', ...written });
        careAfterWrites();
      },
    }),
    figures,
    exports: createExports({
      openSnapshot: () => database.openTable(tableNames.trajectories, trajectorySchema),
      analysisLookup: createAnalysisLookup(analysisTable),
      onExported: (outcome, error) => {
        if (error) logger.warn({ err: error, format: outcome.format }, 'an export broke off');
        onEvent({ type: 'exported', ...outcome });
      },
    }),
    questions: createQuestionRepository({ trajectories: table, figures }),
    importAnalysis: createAnalysisImport({
      store: analysis,
      onImported: (outcome) => {
        onEvent({ type: 'analysis_imported', ...outcome });
        if (outcome.rows > 0) void maintain();
      },
    }),
    refresh,
    maintain,
    async close() {
      while (underWay.size > 0) await Promise.all(underWay);
      await writes.idle();
      table.close();
      analysisTable.close();
      database.close();
    },
  };
}
