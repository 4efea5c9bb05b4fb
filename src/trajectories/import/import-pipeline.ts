import { openDatabase, withIndexSwitch, writerCaches } from '../../lance/index.js';
import { openLargestRecord } from '../store/largest-record.js';
import { normalizeTrajectory } from '../trajectory-normalizing.js';
import { analysisSchema, tableNames, trajectorySchema } from '../trajectory-schema.js';
import { fromOtherTool, isOfOtherTool } from './formats/other-tools.js';
import {
  type Exclusively,
  type ImportCounts,
  type ImportRun,
  maxListedErrors,
  type RunEnd,
  type RunReport,
  type StopRequest,
} from './import-run.js';
import { asCharacters } from './source/parsed-record.js';
import { RecordSplitter } from './source/record-splitter.js';
import { FileChanged, readSource, SourceFault } from './source/source.js';
import type { Place, TextEncoding, Wrapper } from './source/text-reader.js';
import { BatchCommitter } from './store/batch-committer.js';
import { comparisonFor } from './store/batch-comparison.js';
import { atStart, type ImportPosition, positionOf } from './store/import-position.js';
import { batchLimits, memoryInUse } from './store/memory/memory-pressure.js';
import { TextArena } from './store/memory/text-arena.js';
import { hasPlainIds, rowBytes, type TrajectoryRow, toRow } from './store/row.js';
import { createErrorFile, type ErrorFile, excerptOf, excerptOfBytes } from './tasks/error-file.js';
import { readOverridden } from './tasks/overridden-rows.js';
import { CutRows } from './text/cut-rows.js';

/**
 * One run of an import: file -> text -> records -> rows -> batches -> table. While a batch is committed the next one
 * is prepared; no more than these two are held. Committed rows stay, whatever happens after.
 */

const maxErrorLength = 500;
const progressEveryMs = 200;
const rowsBetweenCommitsOfBaseline = 100;
const rowsBetweenLooks = 250;

/**
 * @param stopRequest is asked between batches
 * @param memoryShare how much of the memory is in use, 0..1
 * @throws what the file system or the database throws; rows committed before stay
 * @source product contract, Trajectories; trajectory-optimization 1.2
 */
export async function runImport(
  run: ImportRun,
  report: (message: RunReport) => void,
  stopRequest: () => StopRequest = () => undefined,
  exclusively: Exclusively = (commit) => commit(),
  memoryShare: () => number = memoryInUse,
): Promise<RunEnd> {
  const database = await openDatabase(run.lanceUri, { caches: writerCaches });
  const open = async (name: string, schema: typeof trajectorySchema) =>
    withIndexSwitch(await database.openTable(name, schema), { isOn: () => run.usesIndexes !== false });
  const trajectories = await open(tableNames.trajectories, trajectorySchema);
  const analysis = await open(tableNames.analysis, analysisSchema);
  try {
    // While nobody else writes: what a client announces and what it does are one.
    const reached = run.resumes
      ? await exclusively(async () => {
          await trajectories.checkoutLatest();
          return positionOf(trajectories, run, await readOverridden(run.overriddenFile));
        })
      : atStart;
    const committer = new BatchCommitter({
      trajectories,
      analysis,
      importId: run.importId,
      skipDuplicateCheck: run.skipDuplicateCheck,
      onConflict: run.onConflict,
      batchImport: run.batchImport.enabled,
      bulkDuplicateCheck: run.bulkDuplicateCheck,
      importedAt: run.importedAt,
      raiseLargest: openLargestRecord(run.lanceUri).raise,
      onCommit: (commit) => report({ type: 'commit', ...commit }),
      onFallback: (flag, error) => report({ type: 'fallback', flag, error }),
      comparison: comparisonFor(run, trajectories, (checked) => report({ type: 'checked', ...checked })),
    });
    return await new ImportPipeline(run, reached, committer, report, stopRequest, exclusively, memoryShare).read();
  } finally {
    trajectories.close();
    analysis.close();
    database.close();
  }
}

class ImportPipeline {
  private readonly counts: ImportCounts;
  private rowsRead = 0;
  private readonly splitter: RecordSplitter;
  private readonly errorFile: ErrorFile;
  private newErrors: string[] = [];
  private listedErrors = 0;
  private bytesRead = 0;
  private reportedAt = 0;
  private readonly arena = new TextArena();
  private readonly cutRows: CutRows;
  private batch: TrajectoryRow[] = [];
  private batchBytes = 0;
  private currentLimits: { rows: number; bytes: number } | undefined;
  private readonly full: TrajectoryRow[][] = [];
  private committing: Promise<void> = Promise.resolve();

  constructor(
    private readonly run: ImportRun,
    /** Rows before it are in: they are read over, and left as clients have made them since. */
    private readonly reached: ImportPosition,
    private readonly committer: BatchCommitter,
    private readonly report: (message: RunReport) => void,
    private readonly stopRequest: () => StopRequest,
    private readonly exclusively: Exclusively,
    private readonly memoryShare: () => number,
  ) {
    // Rows that are not to be looked for in the table are all stored.
    const imported = run.skipDuplicateCheck || run.onConflict === 'replace' ? reached.rows : reached.stored;
    this.counts = { imported, failed: 0, skipped: reached.rows - imported };
    this.errorFile = createErrorFile(run.errorFile.path, run.errorFile.maxBytes);
    // What a replaced row hands on comes as characters, and one row's texts are all of one kind.
    const takesBytes = run.onConflict === 'skip';
    this.cutRows = new CutRows({
      importId: run.importId,
      importedAt: run.importedAt,
      encoding: takesBytes ? 'latin1' : 'utf8',
      arena: this.arena,
      source: () => this.source,
    });
    this.splitter = new RecordSplitter({
      takesBytes,
      text: (bytes, mayHoldList) => this.takeText(bytes, mayHoldList),
      record: (value, place, encoding, wrapper) => this.take(value, place, encoding, wrapper),
      fault: (reason, place, bytes) => this.fail(place, reason, bytes ? excerptOfBytes(bytes) : ''),
    });
  }

  async read(): Promise<RunEnd> {
    try {
      const end = await this.readAll();
      await this.committing;
      return end;
    } finally {
      await this.committing.catch(() => {});
      await this.errorFile.close().catch(() => {});
      this.tell();
    }
  }

  private async readAll(): Promise<RunEnd> {
    try {
      const source = readSource(this.run.file, (bytes) => {
        this.bytesRead = bytes;
      });
      for await (const chunk of source) {
        this.splitter.push(chunk);
        const stop = await this.commitFull();
        if (stop) return stop;
        await this.errorFile.flush();
        if (performance.now() - this.reportedAt > progressEveryMs) this.tell();
      }
      this.splitter.end();
    } catch (error) {
      if (error instanceof FileChanged) return 'changed';
      if (!(error instanceof SourceFault)) throw error;
      this.splitter.end(error.message);
    }
    this.closeBatch();
    return (await this.commitFull()) ?? 'done';
  }

  /**
   * Starts committing each full batch once the one before it is in.
   * @returns the request that ends the run, if there is one
   */
  private async commitFull(): Promise<StopRequest> {
    for (let rows = this.full.shift(); rows; rows = this.full.shift()) {
      await this.committing;
      const stop = this.stopRequest();
      if (stop) return stop;
      this.committing = this.commit(rows);
      this.committing.catch(() => {});
    }
    return this.stopRequest();
  }

  private async commit(rows: TrajectoryRow[]): Promise<void> {
    const { imported, skipped } = await this.exclusively(() => this.committer.commit(rows));
    this.counts.imported += imported;
    this.counts.skipped += skipped;
    this.arena.release(rows.map(({ record_json }) => record_json));
    this.tell();
  }

  private take(value: unknown, place: () => Place, encoding: TextEncoding, wrapper: Wrapper | undefined): void {
    const isForeign = isOfOtherTool(value);
    const record = isForeign && encoding === 'utf8' ? fromOtherTool(value, wrapper?.()) : value;
    const normalized = normalizeTrajectory(record, this.run.importedAt);
    if (encoding === 'latin1' && (isForeign || !normalized.ok || !hasPlainIds(normalized.trajectory))) {
      // Ids are compared as characters, some rules count them, and reasons are for people.
      this.take(asCharacters(value), place, 'utf8', wrapper);
      return;
    }
    if (!normalized.ok) {
      this.fail(place(), normalized.reasons.join('; '), excerptOf(value));
      return;
    }
    const { trajectory } = normalized;
    if (trajectory.source === '') trajectory.source = this.source;
    this.add(toRow(trajectory, this.run.importId, encoding, this.arena));
  }

  /** What a record comes from that does not say so itself. */
  private get source(): string {
    return this.splitter.form === 'lines' ? 'jsonl_import' : 'json_import';
  }

  /** @returns how many records were taken; 0 when the text is to be parsed */
  private takeText(bytes: Buffer, mayHoldList: boolean): number {
    const rows = this.cutRows.of(bytes, mayHoldList) ?? [];
    for (const row of rows) this.add(row);
    return rows.length;
  }

  private add(row: TrajectoryRow): void {
    const place = this.rowsRead;
    this.rowsRead += 1;
    if (place < this.reached.rows) return;
    row.seq = this.run.firstSeq + place;
    this.batch.push(row);
    this.batchBytes += rowBytes(row);
    const limits = this.limits;
    if (this.batch.length >= limits.rows || this.batchBytes >= limits.bytes) this.closeBatch();
  }

  private closeBatch(): void {
    if (this.batch.length > 0) this.full.push(this.batch);
    this.batch = [];
    this.batchBytes = 0;
  }

  /** Looks at the memory now and then: the answer costs a system call. */
  private get limits(): { rows: number; bytes: number } {
    const { batchImport } = this.run;
    if (!batchImport.enabled) return { rows: rowsBetweenCommitsOfBaseline, bytes: batchImport.max_batch_bytes };
    const { length } = this.batch;
    if (length % rowsBetweenLooks === 1 || !this.currentLimits)
      this.currentLimits = batchLimits(batchImport, this.memoryShare());
    return this.currentLimits;
  }

  private fail(place: Place, reason: string, excerpt: string): void {
    this.counts.failed += 1;
    const message = reason.length > maxErrorLength ? `${reason.slice(0, maxErrorLength - 3)}...` : reason;
    this.errorFile.add({ place, message, excerpt });
    if (this.listedErrors === maxListedErrors) return;
    this.listedErrors += 1;
    this.newErrors.push(`${place}: ${message}`);
  }

  private tell(): void {
    this.reportedAt = performance.now();
    this.report({ type: 'progress', counts: { ...this.counts }, bytesRead: this.bytesRead, errors: this.newErrors });
    this.newErrors = [];
  }
}
