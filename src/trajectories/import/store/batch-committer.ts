import { listLiteral, numberLiteral, stringLiteral, type Table } from '../../../lance/index.js';
import type { BatchComparison } from './batch-comparison.js';
import { ColumnMemory } from './memory/column-memory.js';
import { OwnIds } from './own-ids.js';
import type { KeptFields, TrajectoryRow } from './row.js';
import { lookUpEach } from './row-lookup.baseline.js';
import { lookUpTogether } from './row-lookup.js';
import { singleRowWriter } from './row-writer.baseline.js';
import { batchRowWriter, type RowWriter } from './row-writer.js';

/**
 * Brings batches of rows into the table, in the order given and one after the other. Each commit is atomic, and rows come
 * with a rising `seq`: after a crash the highest one in the table tells which beginning of the rows given is in.
 */

/** The optimisations that an import uses. @source product contract, Optimisations */
export type ImportFlag = 'batch_import' | 'bulk_duplicate_check';

/** @source product contract, Trajectories ("skip_duplicate_check, on_conflict=skip|replace") */
export interface BatchCommitterOptions {
  trajectories: Table;
  analysis: Table;
  importId: string;
  skipDuplicateCheck: boolean;
  onConflict: 'skip' | 'replace';
  batchImport: boolean;
  bulkDuplicateCheck: boolean;
  /** Epoch seconds, for rows that replace others. */
  importedAt: number;
  /** Waited for before rows are committed whose texts have up to so many bytes. */
  raiseLargest?(bytes: number): Promise<void>;
  onCommit(commit: { rows: number; durationSeconds: number; variant: 'batch' | 'row' }): void;
  onFallback(flag: ImportFlag, error: unknown): void;
  /** Looks at some batches; without it none is compared. */
  comparison?: BatchComparison | undefined;
}

/** What became of a batch; every row given counts once. @source product contract, Trajectories (ImportResult) */
export interface BatchOutcome {
  imported: number;
  skipped: number;
}

/** @source trajectory-optimization 1.2 */
export class BatchCommitter {
  /** What has answered wrongly is not asked again in this import. */
  private readonly distrusted = new Set<ImportFlag>();

  private readonly ownIds: OwnIds;
  private readonly memory = new ColumnMemory();

  constructor(private readonly options: BatchCommitterOptions) {
    this.ownIds = new OwnIds(options.trajectories, options.importId);
  }

  /**
   * @param rows each with a `seq` above all that were given before
   * @throws what the database throws when the original way fails too
   */
  async commit(rows: readonly TrajectoryRow[]): Promise<BatchOutcome> {
    const { trajectories, analysis } = this.options;
    // What does not need the other's answer is asked side by side: each asking wakes another thread.
    await Promise.all([trajectories.checkoutLatest(), analysis.checkoutLatest()]);
    const [{ how, written, skipped }] = await Promise.all([this.chosen(rows), this.judge(rows)]);
    await this.write(how, written);
    return { imported: rows.length - skipped, skipped };
  }

  /** Which rows are written, and how. */
  private async chosen(rows: readonly TrajectoryRow[]) {
    const { skipDuplicateCheck, onConflict } = this.options;
    if (skipDuplicateCheck) return { how: 'add', written: rows, skipped: 0 } as const;
    if (onConflict === 'replace') return { how: 'replace', written: await this.replacing(rows), skipped: 0 } as const;
    const written = await this.withoutKnown(rows);
    return { how: 'add', written, skipped: rows.length - written.length } as const;
  }

  /** Leaves out ids that the table or an earlier row of the batch has. */
  private async withoutKnown(rows: readonly TrajectoryRow[]): Promise<TrajectoryRow[]> {
    const known = new Set((await this.lookUp(rows.map((row) => row.trajectory_id))).keys());
    return rows.filter(({ trajectory_id }) => {
      const isFresh = !known.has(trajectory_id);
      known.add(trajectory_id);
      return isFresh;
    });
  }

  /** The last row of each id, in their order, with what the rows before it hand on. */
  private async replacing(rows: readonly TrajectoryRow[]): Promise<TrajectoryRow[]> {
    const stored = await this.lookUp(rows.map((row) => row.trajectory_id));
    const latest = new Map<string, TrajectoryRow>();
    for (const row of rows) {
      const kept: KeptFields | undefined = latest.get(row.trajectory_id) ?? stored.get(row.trajectory_id);
      if (kept) {
        const { created_at, tags, notes, is_bookmarked } = kept;
        Object.assign(row, { created_at, tags, notes, is_bookmarked, updated_at: this.options.importedAt });
      }
      latest.delete(row.trajectory_id);
      latest.set(row.trajectory_id, row);
    }
    return [...latest.values()];
  }

  private async lookUp(ids: readonly string[]): Promise<Map<string, KeptFields>> {
    const { trajectories, bulkDuplicateCheck, onFallback, comparison } = this.options;
    const distinct = [...new Set(ids)];
    if (!bulkDuplicateCheck || this.distrusted.has('bulk_duplicate_check')) return lookUpEach(trajectories, distinct);
    try {
      const found = await lookUpTogether(trajectories, await this.ownIds.mayBeStored(distinct));
      if ((await comparison?.agreesOnIds(distinct, found)) !== false) return found;
      this.distrusted.add('bulk_duplicate_check');
    } catch (error) {
      onFallback('bulk_duplicate_check', error);
    }
    return lookUpEach(trajectories, distinct);
  }

  private async write(how: 'add' | 'replace', rows: readonly TrajectoryRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.writeDown(how, rows);
    await this.ownIds.committed(rows.map((row) => row.trajectory_id));
  }

  private async writeDown(how: 'add' | 'replace', rows: readonly TrajectoryRow[]): Promise<void> {
    await this.options.raiseLargest?.(rows.reduce((most, { record_json }) => Math.max(most, record_json.length), 0));
    const { batchImport, onFallback, comparison } = this.options;
    if (!batchImport || this.distrusted.has('batch_import')) return this.run(singleRowWriter, 'row', how, rows);
    const commit = () => this.run(batchRowWriter, 'batch', how, rows);
    try {
      if (!comparison) await commit();
      else if (!(await comparison.agreesOnRows(how, rows, commit))) this.distrusted.add('batch_import');
    } catch (error) {
      onFallback('batch_import', error);
      // A failed commit leaves the handle on its version, whose files may be gone by now.
      await this.options.trajectories.checkoutLatest();
      await this.run(singleRowWriter, 'row', how, how === 'add' ? await this.notWritten(rows) : rows);
    }
  }

  private async run(
    writer: RowWriter,
    variant: 'batch' | 'row',
    how: 'add' | 'replace',
    rows: readonly TrajectoryRow[],
  ) {
    const { trajectories, onCommit } = this.options;
    let startedAt = performance.now();
    const tell = (count: number) => {
      const now = performance.now();
      onCommit({ rows: count, durationSeconds: (now - startedAt) / 1000, variant });
      startedAt = now;
    };
    await writer[how](trajectories, rows, tell, this.memory);
  }

  /** After a failed add: its rows, or none when the commit was made and only its answer was lost: it brings all or none. */
  private async notWritten(rows: readonly TrajectoryRow[]): Promise<readonly TrajectoryRow[]> {
    const { trajectories, importId } = this.options;
    await trajectories.checkoutLatest();
    const ofThese = `import_id = ${stringLiteral(importId)} AND seq >= ${numberLiteral(rows[0]?.seq ?? 0)}`;
    return (await trajectories.countRows(ofThese)) > 0 ? [] : rows;
  }

  /** An analysis row knows better than the reward whether a trajectory succeeded. */
  private async judge(rows: readonly TrajectoryRow[]): Promise<void> {
    const { analysis } = this.options;
    if ((await analysis.countRows()) === 0) return;
    const filter = `trajectory_id IN ${listLiteral(rows.map((row) => row.trajectory_id))}`;
    const found = await analysis.query().where(filter).select(['trajectory_id', 'is_success']).toArray();
    const verdicts = new Map(found.map((row) => [String(row.trajectory_id), Boolean(row.is_success)]));
    for (const row of rows) row.is_success = verdicts.get(row.trajectory_id) ?? row.is_success;
  }
}
