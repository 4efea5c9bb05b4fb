import {
  compactTable,
  createScalarIndex,
  mergeFragments,
  pruneVersions,
  readFresh,
  retryOnConflict,
  type ScalarIndex,
  type Table,
  tableCondition,
  tableLayout,
} from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { TrajectoryEvent } from '../trajectory-events.js';
import { type CareStep, needsLayout, planCare, tidyIntervalMs } from './care-plan.js';
import type { VersionLeases } from './version-leases.js';
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
  leases: Pick<VersionLeases, 'oldestMs'>;
  /** Waited for before each step that takes long. */
  whenQuiet(): Promise<void>;
  /** Makes the table's commits survive a power cut. */
  makeDurable(): Promise<unknown>;
  countVersions(): Promise<number>;
  /** Removes what old versions leave behind on disk. */
  sweep(): Promise<unknown>;
  logger: Logger;
  onEvent(event: TrajectoryEvent): void;
  /** How long a version stays at least once there is a newer one: queries that began on it are over by then. */
  keepVersionsMs?: number;
  clock?: CareClock;
}

/** Time, in milliseconds. `later` runs something once, unless it is called off before. @source Node.js documentation, timers */
export interface CareClock {
  now(): number;
  later(run: () => void, ms: number): () => void;
}

/**
 * Upkeep of one table: builds missing indexes, and keeps the number of its pieces, its old versions and so its size on
 * disk within bounds (see {@link planCare}), at intervals that grow with the table. Whatever replaces old files is
 * durable before they go: a power cut at any moment leaves a version that can be read. Readers go on meanwhile. What is
 * left over when the writes have ended is cleared away by itself. A failure is logged and counted, never thrown:
 * without upkeep every answer is the same, only slower.
 * @source product contract, Promises 1, 4 and 6; trajectory-optimization 2.2-C
 */
export interface TableCare {
  /** Calls that arrive while one runs share the next run. */
  run(): Promise<void>;
  /** Nothing starts by itself any more; resolves when what runs has ended. */
  close(): Promise<void>;
}

/** A column that no index is on; all tables here have it. */
const unindexedColumn = 'updated_at';
const defaultKeepVersionsMs = 15_000;
const quietMs = 15_000;

const systemClock: CareClock = {
  now: Date.now,
  later(run, ms) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Starts nothing by itself before the first `run()`. @source trajectory-optimization 2.2-C */
export function createTableCare(options: TableCareOptions): TableCare {
  const { name, table, indexes, scalarIndexes, writes, logger, onEvent, clock = systemClock } = options;
  const { keepVersionsMs = defaultKeepVersionsMs } = options;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let tidiedAtMs = Number.NEGATIVE_INFINITY;
  let seenVersion: number | undefined;
  let callOff: (() => void) | undefined;
  let isClosed = false;

  async function build(missing: readonly ScalarIndex[]): Promise<void> {
    try {
      for (const index of missing) {
        await options.whenQuiet();
        if (isClosed) return;
        const startedAt = performance.now();
        await writes.run(() => retryOnConflict(() => createScalarIndex(table, index)));
        onEvent({ type: 'index_built', table: name, column: index.column, durationSeconds: secondsSince(startedAt) });
      }
    } catch (error) {
      scalarIndexes.failed(error);
      throw error;
    }
    if (missing.length > 0) await options.makeDurable();
  }

  /** Both ways first make one version without the clutter, durable; only then may the files before it go. */
  async function clearAway(how: Exclude<CareStep, { step: 'merge' }>): Promise<void> {
    if (how.step === 'tidy' && how.firstFragment !== undefined)
      await mergeFragments(table, how.firstFragment, unindexedColumn);
    else await compactTable(table);
    await options.makeDurable();
    const leasedMs = await options.leases.oldestMs(table);
    const cutoffMs = Math.min(Date.now() - keepVersionsMs, leasedMs ?? Number.POSITIVE_INFINITY);
    const removed = await pruneVersions(table, new Date(cutoffMs), unindexedColumn);
    await options.makeDurable();
    await options.sweep();
    tidiedAtMs = clock.now();
    onEvent({ type: 'versions_removed', table: name, ...removed });
  }

  async function careOnce(): Promise<void> {
    await options.whenQuiet();
    const isQuiet = (await table.version()) === seenVersion;
    const condition = await readFresh(table, () => tableCondition(table, indexes));
    if (condition.rows > 0 && scalarIndexes.enabled) await build(condition.missing);
    else if (!scalarIndexes.enabled)
      for (const index of condition.present) await writes.run(() => retryOnConflict(() => table.dropIndex(index)));
    await options.whenQuiet();
    if (isClosed) return;
    const how = await writes.run(() => step(isQuiet));
    const versions = await options.countVersions();
    onEvent({ type: 'table_measured', table: name, versions, fragments: condition.fragments, bytes: condition.bytes });
    seenVersion = await table.version();
    const isSettled = how === 'none' && isQuiet;
    if (!isSettled) lookAgain(Math.max(quietMs, tidyIntervalMs(condition.bytes) - (clock.now() - tidiedAtMs)));
  }

  /** Looks at the table and does what it needs, with no write of this process in between. */
  async function step(isQuiet: boolean): Promise<CareStep['step']> {
    const condition = await readFresh(table, () => tableCondition(table, indexes));
    const versions = await options.countVersions();
    const state = { condition, versions, sinceTidyMs: clock.now() - tidiedAtMs, isQuiet };
    const layout = needsLayout(state) ? await readFresh(table, () => tableLayout(table)) : [];
    const plan = planCare({ ...state, layout });
    if (plan.step === 'none') return plan.step;
    const startedAt = performance.now();
    if (plan.step === 'merge') {
      await mergeFragments(table, plan.firstFragment, unindexedColumn);
      await options.makeDurable();
    } else await clearAway(plan);
    onEvent({ type: 'table_optimized', table: name, task: plan.step, durationSeconds: secondsSince(startedAt) });
    return plan.step;
  }

  function lookAgain(ms: number): void {
    callOff?.();
    if (!isClosed) callOff = clock.later(() => void run(), ms);
  }

  async function careSafely(): Promise<void> {
    try {
      await careOnce();
    } catch (error) {
      logger.warn({ err: error, table: name }, 'upkeep of a table failed; queries go on without it');
      onEvent({ type: 'care_failed', table: name });
    }
  }

  function start(): Promise<void> {
    running = careSafely().finally(() => {
      running = undefined;
    });
    return running;
  }

  function run(): Promise<void> {
    if (isClosed) return running ?? Promise.resolve();
    if (!running) return start();
    next ??= running.then(() => {
      next = undefined;
      return isClosed ? undefined : start();
    });
    return next;
  }

  return {
    run,
    async close() {
      isClosed = true;
      callOff?.();
      await running;
    },
  };
}

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
