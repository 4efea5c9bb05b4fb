import { maxListedErrors, type RunEnd } from '../import-run.js';
import type { ImportStatus, ImportTask } from './import-task.js';

/** A number with its noun. @source product contract, Trajectories (ImportResult) */
export const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** What an import that was read to its end, or not, comes to. @source product contract, Trajectories (ImportResult) */
export function verdictOf(end: Exclude<RunEnd, 'stopped'>, task: ImportTask): [ImportStatus, string] {
  const { imported_count: imported, failed_count: failed, skipped_count: skipped } = task;
  if (end === 'cancelled') return ['cancelled', `Cancelled; ${count(imported, 'record')} stored before stay`];
  if (end === 'changed') {
    return ['interrupted', `The file changed while it was read; ${count(imported, 'record')} stored before stay`];
  }
  if (imported + failed + skipped === 0) return ['completed', 'No record was found: expected trajectories as JSON'];
  if (imported + skipped === 0) return ['completed', `No record could be imported; ${failed} failed, see errors`];
  return ['completed', `${imported} imported, ${failed} failed, ${skipped} skipped`];
}

/**
 * What a client is told beside the errors.
 * @param listed how many of the errors the status lists
 * @source product contract, Trajectories (ImportResult)
 */
export function warningsFor(task: ImportTask, listed: number): string[] {
  const warnings: string[] = [];
  const unlisted = task.failed_count - listed;
  if (unlisted > 0)
    warnings.push(`${unlisted} more errors are not listed here (first ${maxListedErrors} only), see errors_url`);
  if (task.skipped_count > 0) {
    warnings.push(`${count(task.skipped_count, 'record')} skipped: the trajectory_id was stored already`);
  }
  return warnings;
}
