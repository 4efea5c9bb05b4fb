import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { openDatabase, writerCaches } from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import { atOnce, type InBackground } from '../../scheduler/index.js';
import { tableNames } from '../trajectory-schema.js';
import { alreadyFinished, spoolFailed, taskNotFound, uploadInvalid } from './errors.js';
import { createFollowers } from './following/followers.js';
import type { ImportProgress } from './following/import-progress.js';
import type { ImportEvent } from './import-events.js';
import { findImportFile } from './import-folders.js';
import { bytesWorthAThread, ImportJob } from './import-job.js';
import type { BatchImportSettings, Exclusively } from './import-run.js';
import type { StartRun } from './import-runner.js';
import { forgetOldest } from './queue/forgotten-imports.js';
import { createImportQueue } from './queue/import-queue.js';
import { type FileIdentity, identityOf, isSameFile } from './source/source.js';
import { firstFreeSeq } from './store/import-position.js';
import { spaceForUploads } from './tasks/disk-reserve.js';
import {
  type ImportOptions,
  type ImportResult,
  type ImportSummary,
  type ImportTask,
  isFinal,
  newTask,
  summaryOf,
} from './tasks/import-task.js';
import { type OverriddenRow, writeOverridden } from './tasks/overridden-rows.js';
import { spoolUpload } from './tasks/spool.js';
import { openTaskFiles } from './tasks/task-files.js';
import { createImportThreads } from './threads/import-threads.js';

/**
 * Imports from acceptance to end. What was accepted is durable and is taken up again after a crash, without doubling
 * or losing a row; `completed` means that the rows are durable too. One import runs at a time, the others wait.
 */

/** @source product contract, Trajectories (import) */
export interface ImportsOptions {
  dataDir: string;
  /** Absolute path of the database folder. */
  lanceUri: string;
  /** Folders from which files may be imported by path. */
  importDirs: string[];
  batchImport: Optimization<BatchImportSettings>;
  bulkDuplicateCheck: Optimization<unknown>;
  /** Whether rows may be found by scalar indexes; they may when left out. */
  scalarIndexes?: Optimization<unknown>;
  /** Called after commits (several may share a call), so that readers see the new rows. */
  onRowsCommitted(): void | Promise<void>;
  /** Called when an import that stored rows has ended, for the upkeep of the table; not waited for. */
  onImported?(): void;
  logger: Logger;
  onEvent(event: ImportEvent): void;
  maxUploadBytes?: number;
  /** See {@link spaceForUploads}. */
  spaceForUploads?(folder: string): Promise<number>;
  maxPending?: number;
  maxHistory?: number;
  /** Bytes of the error files of all imports that have ended. */
  maxErrorFilesBytes?: number;
  /** Runs a commit while no other part of this process writes; without it commits run at once. */
  exclusively?: Exclusively;
  /** Keeps out the commit of a writer that was lost in a turn of `exclusively`; nothing is done when left out. */
  settle?(): Promise<void>;
  /** Each import waits for its turn under its id; at once when left out. */
  inBackground?: InBackground;
  /** How runs are started that read more than a little text. */
  startRun?: StartRun;
}

/**
 * An upload that is durable but not yet accepted.
 * @source product contract, Trajectories ("POST /api/import")
 */
export interface SpooledUpload {
  taskId: string;
  file: FileIdentity;
  discard(): Promise<void>;
}

/** @source product contract, Trajectories (import) */
export interface Imports {
  readonly directories: readonly string[];
  /** @throws Problem IMPORT_QUEUE_FULL, IMPORT_STOPPING and those of {@link spoolUpload}; nothing is left behind then */
  receive(upload: AsyncIterable<Buffer>, expectGzip: boolean): Promise<SpooledUpload>;
  /** Durable once resolved. @throws Problem IMPORT_UPLOAD_INVALID, IMPORT_QUEUE_FULL, IMPORT_STOPPING */
  accept(upload: SpooledUpload, options: ImportOptions): Promise<ImportResult>;
  /** @throws Problem IMPORT_FILE_NOT_FOUND and those of `accept` */
  acceptPath(given: string, options: ImportOptions): Promise<ImportResult>;
  /** @throws Problem IMPORT_TASK_NOT_FOUND */
  status(taskId: string): Promise<ImportResult>;
  /** Waits for the end; a stop of the service ends the wait early. @throws Problem IMPORT_TASK_NOT_FOUND */
  finished(taskId: string): Promise<ImportResult>;
  /** @throws Problem IMPORT_TASK_NOT_FOUND */
  progress(taskId: string): ImportProgress;
  /**
   * Calls back when there is something new to read from `progress`, a few times a second at most, and once at the end.
   * @returns stops following
   * @throws Problem IMPORT_TASK_NOT_FOUND, IMPORT_LISTENERS_FULL
   */
  follow(taskId: string, tell: () => void): () => void;
  /** All errors as JSON lines, as far as they are written; undefined without any. @throws Problem IMPORT_TASK_NOT_FOUND */
  errorFile(taskId: string): Promise<Readable | undefined>;
  /**
   * To be waited for before somebody else replaces or deletes stored rows, in a turn of `exclusively`: no unfinished
   * import stores them again.
   * @throws what the file system throws; the rows must stay then
   */
  overriding(rows: readonly OverriddenRow[]): Promise<void>;
  /** How many wait for their turn, and how many run. */
  unfinished(): { pending: number; processing: number };
  /** Newest first. */
  history(limit: number, offset: number): { data: ImportSummary[]; total: number };
  /** Committed rows stay. @throws Problem IMPORT_TASK_NOT_FOUND, IMPORT_ALREADY_FINISHED */
  cancel(taskId: string): Promise<ImportResult>;
  /** Stops after the batch that is being committed; the import goes on at the next start. */
  close(): Promise<void>;
}

const defaultMaxUploadBytes = 64 * 1024 ** 3;

/**
 * Opens the imports of a data folder and goes on with those that were not finished.
 * @throws Error when the folder or the database cannot be opened
 * @source product contract, Trajectories (import); trajectory-optimization 1
 */
export async function openImports(options: ImportsOptions): Promise<Imports> {
  const { logger, onEvent, maxPending = 100, inBackground = atOnce } = options;
  const files = await openTaskFiles(path.join(options.dataDir, 'imports'), (file, isDamaged, err) =>
    logger.warn({ file, err }, `an import task ${isDamaged ? 'is damaged' : 'cannot be read now'} and is left out`),
  );
  const database = await openDatabase(options.lanceUri, { caches: writerCaches });
  const jobs = new Map<string, ImportJob>();
  const followers = createFollowers();
  const threads = createImportThreads();
  const queue = createImportQueue({
    maxPending,
    inBackground,
    onLeft: () => forgetOldest(jobs, files, options),
    logger,
  });

  const makeDurable = async () => void (await database.syncTable(tableNames.trajectories));

  const jobOf = (task: ImportTask, resumes: boolean) => {
    const job = new ImportJob(task, resumes, {
      files,
      lanceUri: options.lanceUri,
      batchImport: options.batchImport,
      bulkDuplicateCheck: options.bulkDuplicateCheck,
      scalarIndexes: options.scalarIndexes,
      startRun: options.startRun ?? threads.startRun,
      exclusively: options.exclusively ?? ((commit) => commit()),
      settle: async () => options.settle?.(),
      makeDurable,
      firstFreeSeq: () => firstFreeSeq(database),
      onRowsCommitted: options.onRowsCommitted,
      onImported: () => options.onImported?.(),
      onMoved: () => followers.moved(task.task_id),
      onEnded: () => followers.ended(task.task_id),
      logger,
      onEvent,
    });
    jobs.set(task.task_id, job);
    return job;
  };

  async function enqueue(
    kind: ImportTask['kind'],
    taskId: string,
    file: FileIdentity,
    given: ImportOptions,
  ): Promise<ImportResult> {
    queue.assertOpen();
    if (given.skip_duplicate_check && given.on_conflict === 'replace') {
      throw uploadInvalid('on_conflict: expected "skip" while skip_duplicate_check is true, got "replace"');
    }
    const task = newTask(kind, taskId, file, given);
    await files.save(task).catch((error) => {
      throw spoolFailed(error);
    });
    const job = jobOf(task, false);
    queue.add(job);
    onEvent({ type: 'import_accepted', bytes: file.bytes });
    const accepted = await job.result();
    queue.start();
    return accepted;
  }

  async function takeUpAgain(task: ImportTask): Promise<void> {
    if (isFinal(task.status)) return void jobOf(task, false);
    let found: FileIdentity | undefined;
    try {
      found = await identityOf(task.source.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        logger.warn({ err: error, taskId: task.task_id }, 'the file of an import cannot be read now');
        const message = 'Its file cannot be read now; the import is taken up again at the next start';
        jobOf({ ...task, status: 'pending', message }, true).leave();
        return;
      }
    }
    const isThere =
      found && (task.kind === 'upload' ? found.bytes === task.source.bytes : isSameFile(found, task.source));
    const job = jobOf({ ...task, status: 'pending', source: found && isThere ? found : task.source }, true);
    if (isThere) queue.add(job);
    else await job.end('interrupted', 'The file was gone or had changed when the service started again');
  }

  function jobFor(taskId: string): ImportJob {
    const job = jobs.get(taskId);
    if (!job) throw taskNotFound();
    return job;
  }

  for (const task of await files.load()) await takeUpAgain(task);
  await queue.left();
  queue.start();

  return {
    directories: options.importDirs,
    async receive(upload, expectGzip) {
      const taskId = randomUUID();
      queue.reserve(taskId);
      const discard = async () => {
        queue.release(taskId);
        await files.removeSpool(taskId);
      };
      try {
        const file = await spoolUpload(upload, files.spoolPath(taskId), {
          maxBytes: options.maxUploadBytes ?? defaultMaxUploadBytes,
          spaceLeft: options.spaceForUploads ?? spaceForUploads,
          expectGzip,
          largeBytes: bytesWorthAThread,
          onLarge: () => options.startRun ?? threads.prepare(),
        });
        return { taskId, file, discard };
      } catch (error) {
        queue.release(taskId);
        throw error;
      }
    },
    async accept(upload, given) {
      try {
        return await enqueue('upload', upload.taskId, upload.file, given);
      } catch (error) {
        await upload.discard();
        throw error;
      }
    },
    async acceptPath(given, importOptions) {
      const taskId = randomUUID();
      queue.reserve(taskId);
      try {
        return await enqueue('path', taskId, await findImportFile(options.importDirs, given), importOptions);
      } finally {
        queue.release(taskId);
      }
    },
    status: async (taskId) => jobFor(taskId).result(),
    async finished(taskId) {
      const job = jobFor(taskId);
      await job.ended;
      return job.result();
    },
    progress: (taskId) => jobFor(taskId).progress(),
    follow(taskId, tell) {
      jobFor(taskId);
      return followers.add(taskId, tell);
    },
    async errorFile(taskId) {
      jobFor(taskId);
      return files.openErrorFile(taskId);
    },
    overriding: (rows) => writeOverridden(rows, { files, jobs, makeDurable }),
    unfinished: queue.unfinished,
    history(limit, offset) {
      const newestFirst = [...jobs.values()].reverse();
      const data = newestFirst.slice(offset, offset + limit).map((job) => summaryOf(job.task));
      return { data, total: jobs.size };
    },
    async cancel(taskId) {
      const job = jobFor(taskId);
      if (isFinal(job.task.status)) throw alreadyFinished(job.task.status);
      await queue.cancel(job);
      return job.result();
    },
    async close() {
      await queue.close();
      threads.close();
      database.close();
    },
  };
}
