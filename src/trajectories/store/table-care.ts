import {
  createScalarIndex,
  optimizeTable,
  readFresh,
  retryOnConflict,
  type ScalarIndex,
  type Table,
  type TableCondition,
  tableCondition,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { TrajectoryEvent } from '../trajectory-events.js';
import type { WriteQueue } from './write-queue.js';

/** The table, the indexes it should have, and whom to tell. @source trajectory-optimization 2.2-C */
export interface TableCareOptions {
  name: string;
  table: Table;
  indexes: readonly ScalarIndex[];
  /** While it is off, no index is built and those that are there are dropped. */
  scalarIndexes: Optimization<unknown>;
  /** Upkeep never runs beside this process's own writes: they would displace it. */
  writes: WriteQueue;
  logger: Logger;
  onEvent(event: TrajectoryEvent): void;
}

/**
 * Upkeep of one table: builds missing indexes, and compacts once the indexes miss more than a tenth of the rows,
 * more than a tenth lies in small pieces (so that the work stays in proportion to what was added), or the pieces are
 * too many. Readers go on meanwhile. A failure is logged and counted, never thrown: without
 * indexes every answer is the same, only slower.
 * @source product contract, Promises 4; trajectory-optimization 2.2-C
 */
export interface TableCare {
  /** Calls that arrive while one runs share the next run. */
  run(): Promise<void>;
}

const maxUnindexedRatio = 0.1;
const maxScatteredRatio = 0.1;
const fewFragments = 4;
/** Single-row updates each leave a piece behind that every query then opens; rewriting a large table is dear. */
const maxFragments = (rows: number) => Math.max(50, rows / 2000);
const keepVersionsMs = 10 * 60_000;

/** Starts nothing by itself: call `run()`. @source trajectory-optimization 2.2-C */
export function createTableCare(options: TableCareOptions): TableCare {
  const { name, table, indexes, scalarIndexes, writes, logger, onEvent } = options;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function build(missing: readonly ScalarIndex[]): Promise<void> {
    try {
      for (const index of missing) {
        const startedAt = performance.now();
        await writes.run(() => retryOnConflict(() => createScalarIndex(table, index)));
        onEvent({ type: 'index_built', table: name, column: index.column, durationSeconds: secondsSince(startedAt) });
      }
    } catch (error) {
      scalarIndexes.failed(error);
      throw error;
    }
  }

  async function careOnce(): Promise<void> {
    try {
      const condition = await readFresh(table, () => tableCondition(table, indexes));
      if (condition.rows === 0) return;
      if (scalarIndexes.enabled) await build(condition.missing);
      else for (const index of condition.present) await writes.run(() => retryOnConflict(() => table.dropIndex(index)));
      if (!isDue(condition)) return;
      const startedAt = performance.now();
      await writes.run(() => optimizeTable(table, keepVersionsMs));
      onEvent({ type: 'table_optimized', table: name, durationSeconds: secondsSince(startedAt) });
    } catch (error) {
      logger.warn({ err: error, table: name }, 'upkeep of a table failed; queries go on without it');
      onEvent({ type: 'care_failed', table: name });
    }
  }

  function start(): Promise<void> {
    running = careOnce().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    run() {
      if (!running) return start();
      next ??= running.then(() => {
        next = undefined;
        return start();
      });
      return next;
    },
  };
}

/** A compaction leaves two pieces where the indexes lagged behind: that is no reason for another. */
const isDue = ({ rows, unindexedRatio, scatteredRatio, fragments }: TableCondition) =>
  unindexedRatio > maxUnindexedRatio ||
  (scatteredRatio > maxScatteredRatio && fragments > fewFragments) ||
  fragments > maxFragments(rows);

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
