import type { Logger } from '../../logger.js';
import { isOn, type Optimization } from '../../optimization.js';
import { type ImportProgress, progressOf } from './following/import-progress.js';
import { ShownRows } from './following/shown-rows.js';
import type { ImportEvent } from './import-events.js';
import type { BatchImportSettings, Exclusively, ImportRun, RunEnd, RunReport } from './import-run.js';
import { type StartedRun, type StartRun, startHere, ThreadLost } from './import-runner.js';
import { isSmallText } from './source/source.js';
import type { ImportFlag } from './store/batch-committer.js';
import { type ImportResult, type ImportStatus, type ImportTask, summaryOf } from './tasks/import-task.js';
import { count, verdictOf, warningsFor } from './tasks/import-verdict.js';
import type { TaskFiles } from './tasks/task-files.js';

/**
 * Less text than this is read sooner than a thread starts, and holds up no one for long.
 * @source trajectory-optimization 1.2-A
 */
export const bytesWorthAThread = 256 * 1024;
/** A wrong answer is to be found, and its flag turned off, within ten seconds. */
const compareEachMs = 5000;
const maxErrorFileBytes = 64 * 1024 * 1024;

/** What a job works with. @source product contract, Trajectories (import) */
export interface ImportJobTools {
  files: TaskFiles;
  lanceUri: string;
  batchImport: Optimization<BatchImportSettings>;
  bulkDuplicateCheck: Optimization<unknown>;
  scalarIndexes?: Optimization<unknown> | undefined;
  startRun: StartRun;
  exclusively: Exclusively;
  /** Keeps out what a writer may have left behind that was lost in its turn. */
  settle(): Promise<void>;
  /** Makes all commits made so far survive a power cut. */
  makeDurable(): Promise<void>;
  /** Above the `seq` of every row there is. */
  firstFreeSeq(): Promise<number>;
  onRowsCommitted(): void | Promise<void>;
  onImported(): void;
  /** Counts have changed. */
  onMoved(): void;
  /** The task is final. */
  onEnded(): void;
  logger: Logger;
  onEvent(event: ImportEvent): void;
}

/**
 * One import: its task as it is kept on disk, its listed errors, and its run while there is one. The task is final on
 * disk only after its rows are durable; until then a new process starts it again.
 * @source product contract, Trajectories (ImportResult) and Settled details
 */
export class ImportJob {
  /** Resolves when the import has ended for good, or when this process gives it up to the next one. */
  readonly ended: Promise<void>;
  private resolveEnded: () => void = () => {};
  private errors: string[] | undefined = [];
  private started: StartedRun | undefined;
  private stopping: 'cancelled' | 'stopped' | undefined;
  /** Rows of it may be in the table: also those whose commit nobody told of any more. */
  private mayHaveStored: boolean;
  private ending: Promise<void> | undefined;
  /** What is committed is made durable while the rest is read. Stays when it has failed: that is the end's to tell. */
  private flushing: Promise<void> | undefined;
  private readonly shown: ShownRows;
  private readonly startedAt = performance.now();
  private runStartedAt: number | undefined;

  constructor(
    readonly task: ImportTask,
    private readonly resumes: boolean,
    private readonly tools: ImportJobTools,
  ) {
    this.mayHaveStored = resumes;
    this.shown = new ShownRows({ show: () => tools.onRowsCommitted(), logger: tools.logger });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    if (task.completed_at !== null) {
      this.errors = undefined;
      this.resolveEnded();
    }
  }

  async result(): Promise<ImportResult> {
    const errors = this.errors ?? (await this.tools.files.errors(this.task.task_id));
    const { task_id, failed_count, warnings } = this.task;
    const errors_url = failed_count > 0 ? `/api/import/errors/${task_id}` : null;
    return { ...summaryOf(this.task), errors: [...errors], errors_url, warnings: [...warnings] };
  }

  progress(): ImportProgress {
    const seconds = this.runStartedAt === undefined ? undefined : (performance.now() - this.runStartedAt) / 1000;
    return progressOf(this.task, this.task.completed_at === null ? seconds : undefined);
  }

  /** Asks the run to end at the next batch. */
  stop(request: 'cancelled' | 'stopped'): void {
    this.stopping = request;
    this.started?.stop(request);
  }

  /** Leaves the import to the next process. */
  leave(): void {
    this.resolveEnded();
  }

  /** Never throws: what goes wrong is the import's status. */
  async run(): Promise<void> {
    const { task, tools } = this;
    task.status = 'processing';
    task.message = 'Reading';
    this.runStartedAt = performance.now();
    let verdict: [ImportStatus, string];
    try {
      const end = await this.runOnce();
      if (end === 'stopped') {
        await this.flushing?.catch(() => {});
        return this.leave();
      }
      verdict = verdictOf(end, task);
    } catch (error) {
      tools.logger.error({ err: error, taskId: task.task_id }, 'an import failed');
      const stored = `${count(task.imported_count, 'record')} stored before stay`;
      verdict = ['failed', `The records could not be read or stored; ${stored}`];
    }
    await this.end(...verdict);
  }

  /** Ends the import for good, the first time: rows visible and durable first, then the task. Never throws. */
  end(status: ImportStatus, message: string): Promise<void> {
    this.ending ??= this.endAs(status, message);
    return this.ending;
  }

  private async endAs(status: ImportStatus, message: string): Promise<void> {
    const { task, tools } = this;
    await this.shown.finish();
    try {
      await this.writeDown(status, message);
      tools.logger.info({ taskId: task.task_id, status: task.status, outcome: task.message }, 'import ended');
    } catch (error) {
      tools.logger.error({ err: error, taskId: task.task_id }, 'the end of an import could not be made durable');
      task.status = 'failed';
      task.message = 'The end could not be written to disk; the import is taken up again at the next start';
    }
    this.resolveEnded();
    tools.onEnded();
    if (this.mayHaveStored) tools.onImported();
    tools.onEvent({
      type: 'import_finished',
      status: task.status,
      imported: task.imported_count,
      failed: task.failed_count,
      skipped: task.skipped_count,
      bytes: task.bytes_read,
      durationSeconds: (performance.now() - this.startedAt) / 1000,
    });
  }

  private async writeDown(status: ImportStatus, message: string): Promise<void> {
    const { task, tools } = this;
    const errors = this.errors ?? [];
    await this.flushing;
    if (this.mayHaveStored) await tools.makeDurable();
    await tools.files.saveErrors(task.task_id, errors);
    const ended = { status, message, warnings: warningsFor(task, errors.length), completed_at: Date.now() / 1000 };
    await tools.files.save({ ...task, ...ended });
    Object.assign(task, ended);
    this.errors = undefined;
    await tools.files.removeWorkingFiles(task.task_id);
  }

  private async runOnce(): Promise<RunEnd> {
    const { batchImport, bulkDuplicateCheck, scalarIndexes, startRun, lanceUri, logger } = this.tools;
    const { task } = this;
    await this.tools.settle();
    const run: ImportRun = {
      firstSeq: await this.firstSeq(),
      overriddenFile: this.tools.files.overriddenPath(task.task_id),
      lanceUri,
      importId: task.task_id,
      file: task.source,
      importedAt: task.created_at,
      skipDuplicateCheck: task.options.skip_duplicate_check,
      onConflict: task.options.on_conflict,
      resumes: this.resumes,
      batchImport: { enabled: batchImport.enabled, ...batchImport.settings },
      bulkDuplicateCheck: bulkDuplicateCheck.enabled,
      get usesIndexes() {
        return !scalarIndexes || isOn(scalarIndexes);
      },
      // What is to be compared is chosen here, what there is to compare is known there.
      compareEachMs: (batchImport.sample?.() ?? bulkDuplicateCheck.sample?.()) && compareEachMs,
      errorFile: { path: this.tools.files.errorFilePath(task.task_id), maxBytes: maxErrorFileBytes },
    };
    if (await isSmallText(run.file, bytesWorthAThread)) return this.follow(startHere, run);
    try {
      return await this.follow(startRun, run);
    } catch (error) {
      if (!(error instanceof ThreadLost)) throw error;
      // Its last commit may be on its way still: it must not land behind what is read and told from here on.
      await this.tools.settle();
      this.mayHaveStored = true;
      this.shown.committed();
      if (error.outOfMemory) throw error;
      if (run.batchImport.enabled) batchImport.failed(error);
      logger.warn({ err: error, taskId: task.task_id }, 'the import thread was lost; going on without it');
      this.errors = [];
      run.resumes = true;
      return this.follow(startHere, run);
    }
  }

  /** The same in every run: written down before the first row gets it. */
  private async firstSeq(): Promise<number> {
    const { task, tools } = this;
    const first_seq = task.first_seq ?? (await tools.firstFreeSeq());
    if (task.first_seq === undefined) await tools.files.save({ ...task, first_seq });
    task.first_seq = first_seq;
    return first_seq;
  }

  private follow(start: StartRun, run: ImportRun): Promise<RunEnd> {
    this.started = start(run, (report) => this.take(report), this.tools.exclusively);
    if (this.stopping) this.started.stop(this.stopping);
    return this.started.ended;
  }

  private take(report: RunReport): void {
    const { task, tools } = this;
    switch (report.type) {
      case 'progress':
        task.imported_count = report.counts.imported;
        task.failed_count = report.counts.failed;
        task.skipped_count = report.counts.skipped;
        task.bytes_read = report.bytesRead;
        this.errors?.push(...report.errors);
        tools.onMoved();
        this.shown.showWhenDue();
        break;
      case 'commit':
        this.mayHaveStored ||= report.rows > 0;
        this.countSavings(report);
        tools.onEvent({ ...report, type: 'batch_committed' });
        this.shown.committed();
        this.flushAhead();
        break;
      case 'fallback':
        this.flagOf(report.flag).failed(report.error);
        break;
      case 'checked':
        this.flagOf(report.flag).checked?.(report.difference);
        break;
    }
  }

  private flushAhead(): void {
    if (this.flushing) return;
    this.flushing = this.tools.makeDurable();
    this.flushing.then(
      () => {
        this.flushing = undefined;
      },
      () => {},
    );
  }

  private flagOf(flag: ImportFlag): Optimization<unknown> {
    return flag === 'batch_import' ? this.tools.batchImport : this.tools.bulkDuplicateCheck;
  }

  /** Rows that were found twice were looked up too, but are not known here: the savings are rather larger. */
  private countSavings({ rows, variant }: Extract<RunReport, { type: 'commit' }>): void {
    if (variant !== 'batch' || rows === 0) return;
    const work = { optimised: 1, original: rows };
    this.tools.batchImport.counted?.({ unit: 'commits', ...work });
    if (!this.task.options.skip_duplicate_check) this.tools.bulkDuplicateCheck.counted?.({ unit: 'look-ups', ...work });
  }
}
