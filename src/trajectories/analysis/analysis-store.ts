import {
  listLiteral,
  numberLiteral,
  readFresh,
  retryOnConflict,
  scanBatches,
  stringLiteral,
  type Table,
} from '../../lance/index.js';
import type { WriteQueue } from '../store/write-queue.js';
import type { Analysis, AnalysisRow } from './analysis.js';
import { analysisTable } from './analysis-columns.js';
import { alignVerdicts } from './verdict-alignment.js';

/** Both tables and what writing to them needs. @source product contract, Trajectories ("PUT /api/trajectories/{id}/analysis") */
export interface AnalysisStoreOptions {
  trajectories: Table;
  analysis: Table;
  writes: WriteQueue;
  /** The same for single rows, where those may be refused. */
  requests?: WriteQueue;
  /** Epoch seconds. */
  now(): number;
  /** Makes both tables' commits survive a power cut. */
  makeDurable(): Promise<void>;
}

/**
 * Writes analysis rows, and keeps the trajectories' `is_success` column in step with them, so that its filter and
 * totals need no join. The analysis rows go first: what a crash leaves between the two, `repair` finds and mends. So it
 * does with trajectories that another thread was storing at the same time, by verdicts it had read before.
 * @source product contract, Trajectories ("total is exact for every filter, is_success included")
 */
export interface AnalysisStore {
  /** Stores or replaces the row; durable once resolved. @returns undefined when there is no such trajectory @throws Problem WRITES_BUSY */
  put(trajectoryId: string, analysis: Analysis): Promise<AnalysisRow | undefined>;
  /**
   * Stores or replaces at most {@link maxBatchRows} rows, also of trajectories that are not there yet. Not durable
   * before `makeDurable`. @returns number of ids that no trajectory has
   */
  putBatch(rows: ReadonlyMap<string, Analysis>): Promise<number>;
  /** Makes what was put survive a power cut. */
  makeDurable(): Promise<void>;
  /** Brings `is_success` in step with the newest analysis rows. @returns number of trajectories mended */
  repair(): Promise<number>;
}

/**
 * Rows of one commit: twice as many cost far less than twice as much, and hold up other writes for longer.
 * @source product contract, Trajectories ("POST /api/analysis/import")
 */
export const maxBatchRows = 5000;
/** A crash can leave behind no more than the write that was under way. */
const repairedRows = maxBatchRows;
/** A thread that read verdicts before a batch has stored its trajectories by then. */
const unsettledSeconds = 60;

/**
 * Rows since `since` (epoch seconds) that may have crossed trajectories on their way into the table: those that another
 * thread stores until `until`, by verdicts it had read before. `version` is the trajectories' after this store's last
 * commit; `isDisturbed`: others have committed between this store's commits.
 */
interface Unsettled {
  since: number;
  until: number;
  version: number;
  isDisturbed: boolean;
}

/** A store over tables that are open already. @source product contract, Trajectories ("PUT /api/trajectories/{id}/analysis") */
export function createAnalysisStore(options: AnalysisStoreOptions): AnalysisStore {
  const { trajectories, analysis, writes, requests = writes, now, makeDurable } = options;
  /** A run before this one may have ended between the two writes. */
  let mayBeCrashed = true;
  let unsettled: Unsettled | undefined;

  async function store(rows: AnalysisRow[]): Promise<void> {
    const table = analysisTable(rows);
    await retryOnConflict(() =>
      analysis.mergeInsert('trajectory_id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(table),
    );
  }

  /** What the analysis rows say now, among the given ids. */
  async function verdictsOf(ids: readonly string[]): Promise<Map<string, boolean>> {
    const where = `trajectory_id IN ${listLiteral(ids)}`;
    const rows = await readFresh(analysis, () =>
      analysis.query().where(where).select(['trajectory_id', 'is_success']).toArrow(),
    );
    const [found, verdicts] = [rows.getChild('trajectory_id'), rows.getChild('is_success')];
    return new Map(Array.from({ length: rows.numRows }, (_, i) => [String(found?.get(i)), verdicts?.get(i) === true]));
  }

  async function settleLater(updatedAt: number, commits: number): Promise<void> {
    const version = await trajectories.version();
    const known = unsettled ?? { since: updatedAt, version: version - commits, isDisturbed: false };
    unsettled = {
      since: Math.min(known.since, updatedAt),
      until: updatedAt + unsettledSeconds,
      version,
      isDisturbed: known.isDisturbed || version !== known.version + commits,
    };
  }

  async function newestIds(): Promise<string[]> {
    const newest = analysis
      .query()
      .select(['trajectory_id', 'updated_at'])
      .orderBy({ columnName: 'updated_at', ascending: false, nullsFirst: false })
      .limit(repairedRows);
    return idsOf(await newest.toArrow());
  }

  async function* idsSince(updatedAt: number): AsyncGenerator<string[]> {
    const since = analysis
      .query()
      .where(`updated_at >= ${numberLiteral(updatedAt)}`)
      .select(['trajectory_id']);
    let ids: string[] = [];
    for await (const batch of scanBatches(since)) {
      ids.push(...idsOf(batch));
      for (; ids.length >= maxBatchRows; ids = ids.slice(maxBatchRows)) yield ids.slice(0, maxBatchRows);
    }
    yield ids;
  }

  async function mend(slices: AsyncIterable<string[]> | Iterable<string[]>): Promise<number> {
    let mended = 0;
    for await (const ids of slices) {
      if (ids.length === 0) continue;
      mended += await writes.run(async () => (await alignVerdicts(trajectories, await verdictsOf(ids))).changed);
    }
    return mended;
  }

  return {
    async put(trajectoryId, given) {
      const where = `trajectory_id = ${stringLiteral(trajectoryId)}`;
      const row = await requests.run(async () => {
        if ((await readFresh(trajectories, () => trajectories.countRows(where))) === 0) return undefined;
        const stored: AnalysisRow = { trajectory_id: trajectoryId, ...given, updated_at: now() };
        await store([stored]);
        const { commits } = await alignVerdicts(trajectories, new Map([[trajectoryId, stored.is_success]]));
        await settleLater(stored.updated_at, commits);
        return stored;
      });
      if (row) await makeDurable();
      return row;
    },
    putBatch: (given) =>
      writes.run(async () => {
        const updatedAt = now();
        const rows = Array.from(given, ([trajectory_id, row]) => ({ trajectory_id, ...row, updated_at: updatedAt }));
        await store(rows);
        const verdicts = new Map(rows.map((row) => [row.trajectory_id, row.is_success]));
        const { unmatched, commits } = await alignVerdicts(trajectories, verdicts);
        await settleLater(updatedAt, commits);
        return unmatched;
      }),
    makeDurable,
    async repair() {
      let mended = mayBeCrashed ? await mend([await newestIds()]) : 0;
      mayBeCrashed = false;
      const looked = unsettled;
      if (looked) {
        const isOver = now() > looked.until;
        await trajectories.checkoutLatest();
        const version = await trajectories.version();
        if (looked.isDisturbed || version !== looked.version) mended += await mend(idsSince(looked.since));
        if (unsettled === looked) unsettled = isOver ? undefined : { ...looked, version, isDisturbed: false };
      }
      if (mended > 0) await makeDurable();
      return mended;
    },
  };
}

function idsOf(rows: { numRows: number; getChild(name: string): { get(i: number): unknown } | null }): string[] {
  const ids = rows.getChild('trajectory_id');
  return Array.from({ length: rows.numRows }, (_, i) => String(ids?.get(i)));
}
