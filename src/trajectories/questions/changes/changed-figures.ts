import { readFresh, type Table } from '../../../lance/index.js';
import type { FailureFigures } from '../../analysis/failures/failure-figures.js';
import { FailureRows, failureColumns } from '../../analysis/failures/failure-rows.js';
import type { Statistics } from '../../analysis/statistics.js';
import { type QuestionFigures, questionColumns } from '../question-figures.js';
import { QuestionSums } from './question-sums.js';
import { createRowMirror, type RowMirror, type RowSink } from './row-mirror.js';
import type { SumsFile } from './sums-file.js';

/**
 * Figures from what has changed since they were asked for last. Calls must not overlap.
 * @source trajectory-optimization 2.2
 */
export interface ChangedFigures<T> {
  /** @returns the figures, and the number of rows read for them. @throws what the database throws */
  figures(): Promise<{ figures: T; rows: number }>;
  close(): Promise<void>;
}

/** Statistics that need no rows, beside the figures of questions. @source product contract, Trajectories ("/api/analysis/stats") */
export interface ChangedQuestions extends ChangedFigures<QuestionFigures> {
  /** The statistics over all attempts, when the run before has left those of just this version. */
  knownStatistics(version: number): Statistics | undefined;
}

/** A table as others use it, and how to open a handle of it that can be put on one version. @source LanceDB documentation, "Versioning" */
export interface OpenableTable {
  table: Table;
  open(): Promise<Table>;
}

/** Texts of questions that are gone are let go of once there are so many more of them than of those that are left. */
const maxAbandonedQuestions = 10_000;

/**
 * @param file where the rows are kept between runs, if anywhere
 * @source product contract, Trajectories ("/api/analysis/stats", "/api/questions")
 */
export function createChangedQuestions(trajectories: OpenableTable, file?: SumsFile): ChangedQuestions {
  const sums = new QuestionSums();
  const mirror = createVersionMirror(trajectories, questionColumns, sums);
  let unsavedRows = 0;
  let savedVersion: number | undefined;
  let saving: Promise<void> | undefined;

  async function restore(): Promise<void> {
    const kept = await file?.load();
    if (!kept) return;
    sums.hold(kept.rows);
    mirror.restore(kept.version, kept.rows.rowIds);
    savedVersion = kept.version;
  }
  let restoring: Promise<void> | undefined;
  function restored(): Promise<void> {
    restoring ??= restore();
    return restoring;
  }
  let isHeadUsed = false;

  /** The rows must not change meanwhile. */
  async function save(): Promise<void> {
    const { version } = mirror;
    const { held } = sums;
    if (!file || version === undefined || version === savedVersion || held.codes.length < file.leastRows) return;
    unsavedRows = 0;
    await file.save(version, held);
    savedVersion = version;
  }

  return {
    knownStatistics(version) {
      if (!file?.head?.statistics || file.head.version !== version) return undefined;
      isHeadUsed = true;
      return file.head.statistics;
    },
    async figures() {
      await restored();
      await saving;
      const rows = await mirror.advance();
      const figures = sums.figures();
      unsavedRows += rows;
      if (figures.ids.size > 2 * figures.attempts.filter(Boolean).length + maxAbandonedQuestions) mirror.forget();
      else if (file && unsavedRows >= file.leastRows) {
        saving = save().finally(() => {
          saving = undefined;
        });
      }
      return { figures, rows };
    },
    async close() {
      await saving;
      try {
        // The file follows the changes of a run that used it, if only its head.
        if (isHeadUsed && (await trajectories.table.version()) !== file?.head?.version) await restored();
        if (mirror.version !== undefined) {
          await mirror.advance();
          sums.figures();
          await save();
        }
      } finally {
        mirror.close();
      }
    },
  };
}

/** @source product contract, Trajectories ("/api/analysis/failures/distribution") */
export function createChangedFailures(
  trajectories: OpenableTable,
  analysis: OpenableTable,
): ChangedFigures<FailureFigures> {
  const kept = new FailureRows();
  const mirrors = [
    createVersionMirror(trajectories, failureColumns.trajectories, kept.trajectories),
    createVersionMirror(analysis, failureColumns.analysis, kept.analysis),
  ];
  return {
    async figures() {
      if (kept.isFull) for (const mirror of mirrors) mirror.forget();
      const rows = [];
      for (const mirror of mirrors) rows.push(await mirror.advance());
      return { figures: await kept.figures(), rows: rows[0]! + rows[1]! };
    },
    async close() {
      for (const mirror of mirrors) mirror.close();
    },
  };
}

/** A mirror of the version that the handle of others stands on, on a handle that does not move meanwhile. */
function createVersionMirror({ table, open }: OpenableTable, columns: readonly string[], sink: RowSink) {
  let own: { table: Table; mirror: RowMirror } | undefined;
  let restored: { version: number; rowIds: BigUint64Array } | undefined;
  let standsOn: number | undefined;

  async function advanceTo(version: number): Promise<number> {
    if ((restored?.version ?? standsOn) === version) return 0;
    if (!own) {
      const opened = await open();
      own = { table: opened, mirror: createRowMirror(opened, columns, sink) };
      if (restored) own.mirror.restore(restored.rowIds);
      restored = undefined;
    }
    standsOn = undefined;
    await own.table.checkout(version);
    const rows = await own.mirror.advance();
    standsOn = version;
    return rows;
  }

  return {
    advance: () => readFresh(table, async () => advanceTo(await table.version())),
    /** The version that the sink is in step with. */
    get version() {
      return restored?.version ?? standsOn;
    },
    /** The sink holds these rows of a version before. */
    restore(version: number, rowIds: BigUint64Array) {
      restored = { version, rowIds };
    },
    forget() {
      [restored, standsOn] = [undefined, undefined];
      if (own) own.mirror.forget();
      else sink.clear();
    },
    close() {
      own?.table.close();
      own = undefined;
    },
  };
}
