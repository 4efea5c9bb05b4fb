import type { ImportJob } from '../import-job.js';
import { isFinal } from '../tasks/import-task.js';
import type { TaskFiles } from '../tasks/task-files.js';

/** How much is kept of imports that have ended. @source product contract, Promises 6 */
export interface HistoryLimits {
  maxHistory?: number;
  /** Of the error files of all of them. */
  maxErrorFilesBytes?: number;
}

/**
 * Forgets imports that have ended, the oldest first, beyond a number; of the others the oldest error files go, beyond a
 * number of bytes.
 * @param jobs oldest first
 * @throws NodeJS.ErrnoException
 * @source product contract, Promises 6
 */
export async function forgetOldest(
  jobs: Map<string, ImportJob>,
  files: TaskFiles,
  { maxHistory = 1000, maxErrorFilesBytes = 1024 ** 3 }: HistoryLimits,
): Promise<void> {
  const ended = [...jobs.values()].map((job) => job.task).filter((task) => isFinal(task.status));
  const kept = Math.max(0, ended.length - maxHistory);
  for (const { task_id } of ended.slice(0, kept)) {
    jobs.delete(task_id);
    await files.remove(task_id);
  }
  let bytes = 0;
  for (const { task_id, failed_count } of ended.slice(kept).reverse()) {
    if (failed_count === 0) continue;
    bytes += await files.errorFileBytes(task_id);
    if (bytes > maxErrorFilesBytes) await files.removeErrorFile(task_id);
  }
}
