import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { ZodError } from 'zod';
import { makeFolderDurably, syncFolder, writeFileDurably } from '../../../durable-file.js';
import { type ImportTask, importTaskSchema, isFinal } from './import-task.js';

/**
 * Imports on disk, so that an accepted one outlives the process: `<id>.json` (the task), `<id>.log` (its listed
 * errors, one a line), `<id>.errors.jsonl` (all of them, with excerpts), `<id>.overridden` (its rows that clients have
 * replaced or deleted meanwhile), `spool/<id>` (an upload until it has been read). A task exists once its `.json` is
 * there, read or not; an upload without one was broken off and is removed at the next start.
 * @source product contract, Settled details ("goes on after a restart by itself")
 */
export interface TaskFiles {
  /** All tasks, oldest first; leftovers are removed. */
  load(): Promise<ImportTask[]>;
  /** Durable once resolved. */
  save(task: ImportTask): Promise<void>;
  /** Durable together with the next `save`. */
  saveErrors(taskId: string, errors: readonly string[]): Promise<void>;
  errors(taskId: string): Promise<string[]>;
  /** Where a run lists all its errors. */
  errorFilePath(taskId: string): string;
  /** That list as far as it has been written; undefined when there is none. */
  openErrorFile(taskId: string): Promise<Readable | undefined>;
  /** Size of that list; 0 when there is none. */
  errorFileBytes(taskId: string): Promise<number>;
  removeErrorFile(taskId: string): Promise<void>;
  /** Where the rows are listed that clients have replaced or deleted while the import is not finished. */
  overriddenPath(taskId: string): string;
  spoolPath(taskId: string): string;
  removeSpool(taskId: string): Promise<void>;
  /** Removes what only an import that is not finished needs. */
  removeWorkingFiles(taskId: string): Promise<void>;
  /** Forgets a task and all that belongs to it. */
  remove(taskId: string): Promise<void>;
}

/**
 * @param folder created when missing
 * @param onUnread is told the name of a task file that is damaged, or that cannot be read now; it stays, its upload too
 * @source product contract, Settled details ("goes on after a restart by itself")
 */
export async function openTaskFiles(
  folder: string,
  onUnread: (name: string, isDamaged: boolean, error: unknown) => void,
): Promise<TaskFiles> {
  const spool = path.join(folder, 'spool');
  await makeFolderDurably(spool);
  const taskPath = (taskId: string) => path.join(folder, `${taskId}.json`);
  const logPath = (taskId: string) => path.join(folder, `${taskId}.log`);
  const errorFilePath = (taskId: string) => path.join(folder, `${taskId}.errors.jsonl`);
  const overriddenPath = (taskId: string) => path.join(folder, `${taskId}.overridden`);
  const spoolPath = (taskId: string) => path.join(spool, taskId);
  const removeSpool = (taskId: string) => rm(spoolPath(taskId), { force: true });
  async function removeWorkingFiles(taskId: string): Promise<void> {
    await rm(overriddenPath(taskId), { force: true });
    await removeSpool(taskId);
  }

  async function read(name: string): Promise<ImportTask | undefined> {
    try {
      return importTaskSchema.parse(JSON.parse(await readFile(path.join(folder, name), 'utf8')));
    } catch (error) {
      onUnread(name, error instanceof SyntaxError || error instanceof ZodError, error);
      return undefined;
    }
  }

  return {
    async load() {
      const names = await readdir(folder);
      for (const name of names) if (name.endsWith('.tmp')) await rm(path.join(folder, name), { force: true });
      const taskNames = names.filter((name) => name.endsWith('.json'));
      const found = await Promise.all(taskNames.map(read));
      const tasks = found.filter((task) => task !== undefined);
      // Only a task that was read can tell that its upload is not needed any more.
      const accepted = new Set(taskNames.map((name) => path.basename(name, '.json')));
      for (const task of tasks) if (isFinal(task.status)) accepted.delete(task.task_id);
      for (const name of await readdir(spool)) if (!accepted.has(name)) await removeSpool(name);
      return tasks.sort((a, b) => a.created_at - b.created_at);
    },
    save: (task) => writeFileDurably(taskPath(task.task_id), JSON.stringify(task)),
    async saveErrors(taskId, errors) {
      if (errors.length > 0) await writeFileDurably(logPath(taskId), `${errors.join('\n')}\n`);
    },
    async errors(taskId) {
      try {
        return (await readFile(logPath(taskId), 'utf8')).split('\n').filter((line) => line !== '');
      } catch {
        return [];
      }
    },
    errorFilePath,
    async openErrorFile(taskId) {
      try {
        return (await open(errorFilePath(taskId), 'r')).createReadStream();
      } catch {
        return undefined;
      }
    },
    errorFileBytes: async (taskId) => (await stat(errorFilePath(taskId)).catch(() => undefined))?.size ?? 0,
    removeErrorFile: (taskId) => rm(errorFilePath(taskId), { force: true }),
    overriddenPath,
    spoolPath,
    removeSpool,
    removeWorkingFiles,
    async remove(taskId) {
      await rm(taskPath(taskId), { force: true });
      await rm(logPath(taskId), { force: true });
      await rm(errorFilePath(taskId), { force: true });
      await removeWorkingFiles(taskId);
      await syncFolder(folder);
    },
  };
}
