import path from 'node:path';
import { openDatabase, rememberVersion, type ScalarIndex, type TableDamage } from '../lance/index.js';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { InBackground } from '../scheduler/index.js';
import type { Analysis, AnalysisRow } from './analysis/analysis.js';
import { type AnalysisImport, createAnalysisImport } from './analysis/analysis-import.js';
import { createBaselineAnalysisLookup } from './analysis/analysis-lookup.baseline.js';
import { createAnalysisLookup } from './analysis/analysis-lookup.js';
import { createAnalysisStore } from './analysis/analysis-store.js';
import { trajectoryNotFound } from './errors.js';
import type { ExportQuery, ExportScan } from './export/export-scan.js';
import { type OpenScan, openScanInThread } from './export/export-thread.js';
import { createExports, type Exports } from './export/exports.js';
import type { NamedCache } from './query/cache/named-cache.js';
import { createQueryCache, type QueryCacheSettings } from './query/cache/query-cache.js';
import { compareIndexes } from './query/comparing/index-comparison.js';
import { createLookLookup } from './query/comparing/look-lookup.js';
import { createLookReader } from './query/comparing/look-reader.js';
import { createRowIdCache } from './query/order/row-id-cache.js';
import { keepNotes } from './query/rows/kept-notes.js';
import { createKeptValues } from './query/rows/kept-values.js';
import { stateName, versionOf } from './query/rows/shared-version.js';
import { createBaselineReader } from './query/trajectory-reader.baseline.js';
import { createTrajectoryReader } from './query/trajectory-reader.js';
import { createTrajectoryRepository, type TrajectoryRepository } from './query/trajectory-repository.js';
import { openSumsFile } from './questions/changes/sums-file.js';
import { createFigures, type Figures } from './questions/figures.js';
import { createQuestionRepository, type QuestionRepository } from './questions/question-repository.js';
import { createRecords, type Records } from './records/records.js';
import { createPrewarm, type PrewarmStep } from './store/prewarm.js';
import { prewarmSteps } from './store/prewarm-steps.js';
import { damageText, storeDetail } from './store/store-detail.js';
import { createTableCare } from './store/table-care.js';
import { createVersionLeases, type VersionLeases } from './store/version-leases.js';
import { analysisIndexes, trajectoryIndexes } from './store/wanted-indexes.js';
import { createWriteQueue, type WriteQueue } from './store/write-queue.js';
import type { TrajectoryEvent } from './trajectory-events.js';
import { analysisSchema, figuresFile, tableNames, trajectorySchema } from './trajectory-schema.js';

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
  /** How exports are started. */
  openScan?: OpenScan;
  /** Without it nothing is loaded at start. */
  indexPrewarm?: Optimization<unknown>;
  /** What is loaded at start after the tables here. */
  moreToPrewarm?(): Promise<PrewarmStep[]>;
  /** Where each step of loading waits for its turn; at once when left out. */
  inBackground?: InBackground;
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
  /** For people: what was wrong with the tables when they were opened, and how far loading them is. */
  detail(): { detail?: string };
  /** Runs a write that may bring new ids, by another thread too, with no other such write beside it; upkeep goes on. */
  exclusively: WriteQueue['run'];
  /** Moves to the newest version of the tables. Cheap: call it after each commit made elsewhere. */
  refresh(): Promise<void>;
  /** Refreshes, then builds and updates indexes and compacts where that is due. Call it after an import. Never throws. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

const nothingToLoad: Optimization<unknown> = { enabled: false, settings: {}, failed() {} };

/** Single-row writes leave small pieces of data behind; after so many of them it is worth looking. */
const writesBetweenCare = 20;

/**
 * Opens the tables, creating them when missing, mends what a crash left half done, and starts upkeep behind the scenes.
 * @throws Error when the folder cannot be opened or a table lacks columns
 * @source product contract, Trajectories; trajectory-optimization 2.2
 */
export async function openTrajectories(options: TrajectoriesOptions): Promise<Trajectories> {
  const { nativeQuery, logger, onEvent, now = () => Date.now() / 1000 } = options;
  const damages: TableDamage[] = [];
  const database = await openDatabase(options.lanceUri, {
    onDamage(damage) {
      damages.push(damage);
      const { table, cause, lostVersions, lostRows } = damage;
      logger.error({ err: cause, table, lostVersions, lostRows }, damageText(damage));
      onEvent({ type: 'table_recovered', table, lostVersions: lostVersions.length, lostRows });
    },
  });
  const table = rememberVersion(await database.openTable(tableNames.trajectories, trajectorySchema));
  const analysisTable = rememberVersion(await database.openTable(tableNames.analysis, analysisSchema));
  const sumsFile = await openSumsFile({
    file: path.join(options.lanceUri, figuresFile),
    versionPrint: (version) => database.versionPrint(tableNames.trajectories, version),
    onFailed: (error) =>
      logger.warn({ err: error }, 'the file of kept figures is of no use; the table is read instead'),
  });
  const writes = createWriteQueue();
  const newIds = createWriteQueue();

  const rowIds = createRowIdCache(() => nativeQuery.settings.row_id_cache_bytes);
  const kept = createKeptValues({ table });
  const ways = {
    reader: compareIndexes({
      table,
      reader: createTrajectoryReader({ table, rowIds, kept, onRowIds: (found) => onEvent({ type: 'row_ids', found }) }),
      scalarIndexes: options.scalarIndexes,
    }),
    baselineReader: createBaselineReader(table),
    lookReader: createLookReader(table),
    nativeQuery,
    analysisLookup: keepNotes({ table: analysisTable, find: createAnalysisLookup(analysisTable) }),
    baselineAnalysisLookup: createBaselineAnalysisLookup(analysisTable),
    lookAnalysisLookup: createLookLookup(analysisTable),
    analysisByIds: options.analysisById,
    tableVersion: async () => versionOf(table),
    analysisVersion: async () => versionOf(analysisTable),
  };
  const state = stateName([table, analysisTable], [nativeQuery, options.analysisById, options.scalarIndexes]);
  const cached = createQueryCache({
    repository: createTrajectoryRepository({ ...ways, onEvent }),
    unreported: createTrajectoryRepository({ ...ways, onEvent: () => {} }),
    dataVersion: state.ask,
    knownVersion: state.known,
    queryCache: options.queryCache,
    onFound: (found) => onEvent({ type: 'query_cache', found }),
  });
  const stores = {
    trajectories: table,
    analysis: analysisTable,
    writes,
    newIds,
    now,
    makeDurable: async () => {
      await Promise.all([database.syncTable(tableNames.trajectories), database.syncTable(tableNames.analysis)]);
    },
  };
  const analysis = createAnalysisStore(stores);
  const leases = { trajectories: createVersionLeases(), analysis: createVersionLeases() };
  const careOf = (name: string, of: typeof table, indexes: readonly ScalarIndex[], held: VersionLeases) =>
    createTableCare({
      name,
      table: of,
      indexes,
      scalarIndexes: options.scalarIndexes,
      writes,
      leases: held,
      makeDurable: () => database.syncTable(name),
      countVersions: () => database.countVersions(name),
      sweep: () => database.sweep(name),
      logger,
      onEvent,
    });
  const cares = [
    careOf(tableNames.trajectories, table, trajectoryIndexes, leases.trajectories),
    careOf(tableNames.analysis, analysisTable, analysisIndexes, leases.analysis),
  ];
  const prewarm = createPrewarm({
    indexPrewarm: options.indexPrewarm ?? nothingToLoad,
    steps: async () => [
      ...(await prewarmSteps(table, analysisTable, kept)),
      ...((await options.moreToPrewarm?.()) ?? []),
    ],
    ...(options.inBackground && { inBackground: options.inBackground }),
    logger,
    onProgress: (progress) => onEvent({ type: 'prewarm', ...progress }),
  });
  const figures = createFigures({
    trajectories: table,
    analysis: analysisTable,
    sumsFile,
    openTrajectories: () => database.openTable(tableNames.trajectories, trajectorySchema),
    openAnalysis: () => database.openTable(tableNames.analysis, analysisSchema),
    onFailed: (error) => logger.warn({ err: error }, 'figures could not follow the changes; everything is read'),
    onComputed: (computed) => onEvent({ type: 'figures_computed', ...computed }),
  });
  /** The version that is written down stays readable until the export has ended. */
  async function openScan(query: ExportQuery): Promise<ExportScan> {
    const version = await table.version();
    const giveBack = leases.trajectories.take(version);
    const start = options.openScan ?? openScanInThread;
    const scan = await start({ lanceUri: options.lanceUri, version, query }).catch((error: unknown) => {
      giveBack();
      throw error;
    });
    return { chunks: scan.chunks, close: () => scan.close().finally(giveBack) };
  }

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

  // Indexes and columns first: a compaction that is due may take a while, and waits for nobody.
  void prewarm.run().then(maintain);
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
      openScan,
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
    detail: () => storeDetail(damages, prewarm.progress()),
    exclusively: newIds.run,
    async close() {
      await prewarm.stop();
      await Promise.all(cares.map((care) => care.close()));
      while (underWay.size > 0) await Promise.all(underWay);
      await writes.idle();
      await figures.close();
      table.close();
      analysisTable.close();
      database.close();
    },
  };
}
