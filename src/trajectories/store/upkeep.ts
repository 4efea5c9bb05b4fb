import type { Database, ScalarIndex, Table } from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { AnalysisStore } from '../analysis/analysis-store.js';
import type { TrajectoryEvent } from '../trajectory-events.js';
import { tableNames } from '../trajectory-schema.js';
import { type LargestRecord, measureRecords } from './largest-record.js';
import { createTableCare } from './table-care.js';
import type { VersionLeases } from './version-leases.js';
import type { WriteQueue } from './write-queue.js';

/** One table that is looked after. @source trajectory-optimization 2.2-C */
export interface CaredTable {
  name: string;
  table: Table;
  indexes: readonly ScalarIndex[];
  leases: VersionLeases;
}

/** The tables, and whom to tell. @source trajectory-optimization 2.2-C */
export interface UpkeepOptions {
  database: Database;
  tables: readonly CaredTable[];
  scalarIndexes: Optimization<unknown>;
  writes: WriteQueue;
  /** Moves to the newest version of the tables. */
  refresh(): Promise<void>;
  repair: AnalysisStore['repair'];
  largest: LargestRecord;
  /** Runs work while no writer of new ids does. */
  exclusively: WriteQueue['run'];
  /** Waited for before each step that takes long. */
  whenQuiet(): Promise<void>;
  logger: Logger;
  onEvent(event: TrajectoryEvent): void;
}

/**
 * Looks after all tables, one after the other: mends what a crash left half done between them, then each table's own
 * care. Nothing of it is thrown.
 * @source product contract, Trajectories; trajectory-optimization 2.2-C
 */
export interface Upkeep {
  run(): Promise<void>;
  /** Runs it now and then. */
  afterWrite(): void;
  /** Resolves when what runs has ended. */
  close(): Promise<void>;
}

/** Single-row writes leave small pieces of data behind; after so many of them it is worth looking. */
const writesBetweenCare = 20;

/** Starts nothing by itself before the first `run()`. @source trajectory-optimization 2.2-C */
export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { database, tables, scalarIndexes, writes, logger, onEvent } = options;
  const cares = tables.map(({ name, table, indexes, leases }) =>
    createTableCare({
      name,
      table,
      indexes,
      scalarIndexes,
      writes,
      leases,
      whenQuiet: options.whenQuiet,
      makeDurable: () => database.syncTable(name),
      countVersions: () => database.countVersions(name),
      sweep: () => database.sweep(name),
      logger,
      onEvent,
    }),
  );
  const underWay = new Set<Promise<void>>();
  let writesSinceCare = 0;
  let isClosing = false;

  async function careForAll(): Promise<void> {
    writesSinceCare = 0;
    try {
      await options.refresh();
      const mended = await options.repair();
      if (mended > 0) logger.warn({ trajectories: mended }, 'brought is_success in step with the analysis rows');
    } catch (error) {
      logger.warn({ err: error }, 'looking for unfinished analysis writes failed');
      onEvent({ type: 'care_failed', table: tableNames.analysis });
    }
    await measure();
    for (const care of cares) await care.run();
  }

  /** Where it fails, large pages go on being read in small steps. */
  async function measure(): Promise<void> {
    const table = tables.find(({ name }) => name === tableNames.trajectories)?.table;
    if (!table) return;
    await measureRecords(table, options.largest, options.exclusively, () => isClosing).catch((error: unknown) =>
      logger.warn({ err: error }, 'how large records are could not be found out'),
    );
  }

  function run(): Promise<void> {
    const done = careForAll().finally(() => underWay.delete(done));
    underWay.add(done);
    return done;
  }

  return {
    run,
    afterWrite() {
      writesSinceCare += 1;
      if (writesSinceCare >= writesBetweenCare) void run();
    },
    async close() {
      isClosing = true;
      await Promise.all(cares.map((care) => care.close()));
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
