import { freemem, totalmem } from 'node:os';

/** Share of memory in use above which batches are made smaller. @source product contract, Optimisations (batch_import) */
export const pressureThreshold = 0.8;

/**
 * Share of the memory that this process may use which is in use: of its own limit where one is set, else of the
 * machine.
 * @returns 0..1
 * @source product contract, Optimisations ("smaller batches when memory passes 80 %")
 */
export function memoryInUse(): number {
  const total = totalmem();
  const limit = process.constrainedMemory() ?? 0;
  if (limit > 0 && limit < total) return Math.min(1, process.memoryUsage.rss() / limit);
  return 1 - freemem() / total;
}

/**
 * How large a batch may become under the given pressure: a quarter when memory is short, never under 500 rows.
 * @source product contract, Optimisations (batch_import)
 */
export function batchLimits(
  settings: { batch_rows: number; max_batch_bytes: number },
  inUse: number,
): { rows: number; bytes: number } {
  if (inUse <= pressureThreshold) return { rows: settings.batch_rows, bytes: settings.max_batch_bytes };
  return {
    rows: Math.min(settings.batch_rows, Math.max(500, Math.floor(settings.batch_rows / 4))),
    bytes: Math.ceil(settings.max_batch_bytes / 4),
  };
}
