import path from 'node:path';
import {
  createIndexSwitch,
  openDatabase,
  refuseBegun,
  rememberVersion,
  type TableDamage,
  withIndexSwitch,
} from '../lance/index.js';
import type { Logger } from '../logger.js';
import { isOn, type Optimization } from '../optimization.js';
import type { InBackground } from '../scheduler/index.js';
import type { Analysis, AnalysisRow } from './analysis/analysis.js';
import { type AnalysisImport, createAnalysisImport } from './analysis/analysis-import.js';
import { createAnalysisStore } from './analysis/analysis-store.js';
import { trajectoryNotFound } from './errors.js';
import type { ExportQuery, ExportScan } from './export/export-scan.js';
import { type OpenScan, openScanInThread } from './export/export-thread.js';
import { createExports, type Exports } from './export/exports.js';
import type { NamedCache } from './query/cache/named-cache.js';
import { createQueryCache, type QueryCacheSettings } from './query/cache/query-cache.js';
import { createReadingWays } from './query/comparing/reading-ways.js';
import { createRowIdCache } from './query/order/row-id-cache.js';
import { createKeptValues } from './query/rows/kept-values.js';
import { createPageLimit, defaultMaxPageBytes } from './query/rows/page-limit.js';
import { createTrajectoryRepository, type TrajectoryRepository } from './query/trajectory-repository.js';
import { openSumsFile } from './questions/changes/sums-file.js';
import { createFigures, type Figures } from './questions/figures.js';
import { createQuestionRepository, type QuestionRepository } from './questions/question-repository.js';
import { createRecords, type Records, type RecordsOptions } from './records/records.js';
import { openLargestRecord } from './store/largest-record.js';
import { createPrewarm, type PrewarmStep } from './store/prewarm.js';
import { prewarmSteps, type Rehearsal } from './store/prewarm-steps.js';
import { damageText, storeDetail } from './store/store-detail.js';
import { createUnaskedPages, type UnaskedPages } from './store/unasked-pages.js';
import { createUpkeep } from './store/upkeep.js';
import { createVersionLeases } from './store/version-leases.js';
import { analysisIndexes, trajectoryIndexes } from './store/wanted-indexes.js';
import { boundedQueue } from './store/write-queue.js';
import { createWriteTurns, type WriteTurns } from './store/write-turns.js';
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
  /** How a page is asked for over HTTP when all else is loaded; not at all when left out. */
  rehearsal?: Rehearsal;
  /** Where each step of loading waits for its turn; at once when left out. */
  inBackground?: InBackground;
  /** Waited for before each step of upkeep that takes long; nothing is waited for when left out. */
  whenQuiet?(): Promise<void>;
  /** Bytes of records that a page may hold; 64 MiB when left out. */
  maxPageBytes?: number;
  /** Waited for, in a turn of `exclusively`, before stored rows are replaced or deleted. */
  overriding?: RecordsOptions['overriding'];
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
  /** What a rehearsed request reads. */
  unasked: UnaskedPages;
  importAnalysis: AnalysisImport;
  /** The caches that an operator may look at and clear. */
  caches: readonly NamedCache[];
  figures: Figures;
  exports: Exports;
  questions: QuestionRepository;
  /** For people: what was wrong with the tables when they were opened, and how far loading them is. */
  detail(): { detail?: string };
  /** Runs a write that may bring new ids, by another thread too, with no other such write beside it. */
  exclusively: WriteTurns['exclusively'];
  /** To be waited for before an import begins. */
  settle: WriteTurns['settle'];
  /** Moves to the newest version of the tables. Cheap: call it after each commit made elsewhere. */
  refresh(): Promise<void>;
  /** Refreshes, then builds and updates indexes and compacts where that is due. Call it after an import. Never throws. */
  maintain(): Promise<void>;
  /** Tell it when a flag is switched: what was kept is not given again, and indexes are built or dropped. */
  switched(): void;
  close(): Promise<void>;
}

const nothingToLoad: Optimization<unknown> = { enabled: false, settings: {}, failed() {} };

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
  const indexes = createIndexSwitch(() => isOn(options.scalarIndexes));
  const open = async (name: string, schema: typeof trajectorySchema) =>
    rememberVersion(withIndexSwitch(await database.openTable(name, schema), indexes));
  const table = await open(tableNames.trajectories, trajectorySchema);
  const analysisTable = await open(tableNames.analysis, analysisSchema);
  const sumsFile = await openSumsFile({
    file: path.join(options.lanceUri, figuresFile),
    versionPrint: (version) => database.versionPrint(tableNames.trajectories, version),
    onFailed: (error) =>
      logger.warn({ err: error }, 'the file of kept figures is of no use; the table is read instead'),
  });
  const { writes, newIds, newIdsAlone, exclusively, settle } = createWriteTurns(async () => {
    const own = await database.openTable(tableNames.trajectories, trajectorySchema);
    await refuseBegun(own).finally(() => own.close());
    await refresh();
  });

  const requests = boundedQueue(writes);
  const rowIds = createRowIdCache(() => nativeQuery.settings.row_id_cache_bytes);
  const kept = createKeptValues({ table });
  const largest = openLargestRecord(options.lanceUri);
  const limit = createPageLimit(options.maxPageBytes ?? defaultMaxPageBytes, largest);
  let cared = indexes.generation();
  const { ways, state, switched } = createReadingWays({
    ...options,
    database,
    table,
    analysis: analysisTable,
    indexes,
    rowIds,
    kept,
    limit,
    onRowIds: (found) => onEvent({ type: 'row_ids', found }),
  });
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
    writes: requests,
    newIds: newIdsAlone,
    now,
    makeDurable: async () => {
      await Promise.all([database.syncTable(tableNames.trajectories), database.syncTable(tableNames.analysis)]);
    },
  };
  const analysis = createAnalysisStore({ ...stores, writes, requests });
  const leases = { trajectories: createVersionLeases(), analysis: createVersionLeases() };
  async function refresh(): Promise<void> {
    await Promise.all([table.checkoutLatest(), analysisTable.checkoutLatest()]);
  }

  const upkeep = createUpkeep({
    database,
    tables: [
      { name: tableNames.trajectories, table, indexes: trajectoryIndexes, leases: leases.trajectories },
      { name: tableNames.analysis, table: analysisTable, indexes: analysisIndexes, leases: leases.analysis },
    ],
    scalarIndexes: options.scalarIndexes,
    writes,
    refresh,
    repair: analysis.repair,
    largest,
    exclusively: newIds.run,
    whenQuiet: options.whenQuiet ?? (async () => {}),
    logger,
    onEvent,
  });
  const unasked = createUnaskedPages(ways);
  const prewarm = createPrewarm({
    indexPrewarm: options.indexPrewarm ?? nothingToLoad,
    steps: async () => [
      ...(await prewarmSteps({ ...stores, kept, pages: unasked, rehearsal: options.rehearsal })),
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
    const scan = await start({ lanceUri: options.lanceUri, version, query, usesIndexes: indexes.isOn() }).catch(
      (error: unknown) => {
        giveBack();
        throw error;
      },
    );
    return { chunks: scan.chunks, close: () => scan.close().finally(giveBack) };
  }

  // Indexes and columns first: a compaction that is due may take a while, and waits for nobody.
  void prewarm.run().then(upkeep.run);
  return {
    ...cached,
    unasked,
    caches: [cached.cache, { name: 'row_ids', statistics: rowIds.statistics, clear: rowIds.clear }],
    async setAnalysis(trajectoryId, given) {
      const startedAt = performance.now();
      const row = await analysis.put(trajectoryId, given);
      if (!row) throw trajectoryNotFound(trajectoryId);
      onEvent({ type: 'analysis_written', durationSeconds: (performance.now() - startedAt) / 1000 });
      upkeep.afterWrite();
      return row;
    },
    records: createRecords({
      ...stores,
      overriding: options.overriding ?? (async () => {}),
      raiseLargest: largest.raise,
      onWritten: (written) => {
        onEvent({ type: 'record_written', ...written });
        upkeep.afterWrite();
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
    questions: createQuestionRepository({ trajectories: table, figures, limit }),
    importAnalysis: createAnalysisImport({
      store: analysis,
      onImported: (outcome) => {
        onEvent({ type: 'analysis_imported', ...outcome });
        if (outcome.rows > 0) void upkeep.run();
      },
    }),
    refresh,
    maintain: upkeep.run,
    switched() {
      switched();
      if (indexes.generation() === cared) return;
      cared = indexes.generation();
      void upkeep.run();
    },
    detail: () => storeDetail(damages, prewarm.progress()),
    exclusively,
    settle,
    async close() {
      await prewarm.stop();
      await upkeep.close();
      await writes.idle();
      await figures.close();
      table.close();
      analysisTable.close();
      database.close();
    },
  };
}
