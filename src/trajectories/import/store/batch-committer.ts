import { listLiteral, stringLiteral, type Table } from '../../../lance/index.js';
import type { BatchComparison } from './batch-comparison.js';
import { OwnIds } from './own-ids.js';
import type { KeptFields, TrajectoryRow } from './row.js';
import { lookUpEach } from './row-lookup.baseline.js';
import { lookUpTogether, type StoredRow } from './row-lookup.js';
import { singleRowWriter } from './row-writer.baseline.js';
import { batchRowWriter, type RowWriter } from './row-writer.js';

/**
 * Brings batches of rows into the table, in the order given and one after the other. Each commit is atomic: after a
 * crash the table holds a beginning of the rows given, so an import taken up again can tell its own rows.
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
  /** Rows of this import that an earlier, interrupted run has committed. */
  committedBefore: number;
  /** Epoch seconds, for rows that replace others. */
  importedAt: number;
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
  private nextSeq: number | undefined;
  /** Rows of an earlier run that have not been met again yet. */
  private toRecognise: number;
  private committed: number;
  /** What has answered wrongly is not asked again in this import. */
  private readonly distrusted = new Set<ImportFlag>();

  private readonly ownIds: OwnIds;

  constructor(private readonly options: BatchCommitterOptions) {
    this.ownIds = new OwnIds(options.trajectories, options.importId);
    this.toRecognise = options.committedBefore;
    this.committed = options.committedBefore;
  }

  /** @throws what the database throws when the original way fails too */
  async commit(rows: readonly TrajectoryRow[]): Promise<BatchOutcome> {
    const { trajectories, analysis, skipDuplicateCheck, onConflict } = this.options;
    await trajectories.checkoutLatest();
    await analysis.checkoutLatest();
    if (skipDuplicateCheck) {
      const known = Math.min(this.toRecognise, rows.length);
      this.toRecognise -= known;
      await this.write('add', rows.slice(known));
      return { imported: rows.length, skipped: 0 };
    }
    if (onConflict === 'replace') {
      await this.write('replace', await this.replacing(rows));
      return { imported: rows.length, skipped: 0 };
    }
    const { fresh, recognised } = await this.withoutKnown(rows);
    await this.write('add', fresh);
    return { imported: fresh.length + recognised, skipped: rows.length - fresh.length - recognised };
  }

  /** Leaves out ids that the table or an earlier row of the batch has. */
  private async withoutKnown(rows: readonly TrajectoryRow[]): Promise<{ fresh: TrajectoryRow[]; recognised: number }> {
    const { importId } = this.options;
    const stored = await this.lookUp(rows.map((row) => row.trajectory_id));
    const seen = new Set<string>();
    const fresh: TrajectoryRow[] = [];
    let recognised = 0;
    for (const row of rows) {
      const before = stored.get(row.trajectory_id);
      if (before) {
        if (before.importId !== importId || this.toRecognise === 0) continue;
        this.toRecognise -= 1;
        recognised += 1;
      } else if (!seen.has(row.trajectory_id)) {
        seen.add(row.trajectory_id);
        fresh.push(row);
      }
    }
    return { fresh, recognised };
  }

  /** The last row of each id, with what the rows before it hand on. */
  private async replacing(rows: readonly TrajectoryRow[]): Promise<TrajectoryRow[]> {
    const stored = await this.lookUp(rows.map((row) => row.trajectory_id));
    const latest = new Map<string, TrajectoryRow>();
    for (const row of rows) {
      const kept: KeptFields | undefined = latest.get(row.trajectory_id) ?? stored.get(row.trajectory_id)?.kept;
      if (kept) {
        const { created_at, tags, notes, is_bookmarked } = kept;
        Object.assign(row, { created_at, tags, notes, is_bookmarked, updated_at: this.options.importedAt });
      }
      latest.set(row.trajectory_id, row);
    }
    return [...latest.values()];
  }

  private async lookUp(ids: readonly string[]): Promise<Map<string, StoredRow>> {
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
    await this.judge(rows);
    this.nextSeq ??= await firstFreeSeq(this.options.trajectories);
    for (const row of rows) row.seq = this.nextSeq++;
    const { batchImport, onFallback, comparison } = this.options;
    if (!batchImport || this.distrusted.has('batch_import')) return this.run(singleRowWriter, 'row', how, rows);
    const commit = () => this.run(batchRowWriter, 'batch', how, rows);
    try {
      if (!comparison) await commit();
      else if (!(await comparison.agreesOnRows(how, rows, commit))) this.distrusted.add('batch_import');
    } catch (error) {
      onFallback('batch_import', error);
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
    await writer[how](trajectories, rows, (count) => {
      const now = performance.now();
      if (how === 'add') this.committed += count;
      onCommit({ rows: count, durationSeconds: (now - startedAt) / 1000, variant });
      startedAt = now;
    });
  }

  /** After a failed add: its rows, or none when the commit was made and only its answer was lost. */
  private async notWritten(rows: readonly TrajectoryRow[]): Promise<readonly TrajectoryRow[]> {
    const { trajectories, importId } = this.options;
    await trajectories.checkoutLatest();
    const count = await trajectories.countRows(`import_id = ${stringLiteral(importId)}`);
    if (count < this.committed + rows.length) return rows;
    this.committed = count;
    return [];
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

/**
 * Above every `seq` of the table, and above what another writer would take at this moment: microseconds since 1970
 * are never overtaken by a thousand rows a millisecond.
 */
async function firstFreeSeq(table: Table): Promise<number> {
  const last = await table
    .query()
    .select(['seq'])
    .orderBy({ columnName: 'seq', ascending: false, nullsFirst: false })
    .limit(1)
    .toArray();
  return Math.max(Date.now() * 1000, Number(last[0]?.seq ?? -1) + 1);
}
