import type { ImportStatus } from './tasks/import-task.js';

/**
 * What imports report, for metrics.
 * - `import_accepted`: it is durable and waits
 * - `batch_committed`: rows reached the table in one commit; `variant` tells the optimised way from the original
 * - `import_finished`: it ended for good; rows by what became of them, seconds since this process took it up
 * @source story-17.4 AC5; product contract, Monitoring ("Names")
 */
export type ImportEvent =
  | { type: 'import_accepted'; bytes: number }
  | { type: 'batch_committed'; variant: 'batch' | 'row'; rows: number; durationSeconds: number }
  | {
      type: 'import_finished';
      status: ImportStatus;
      imported: number;
      failed: number;
      skipped: number;
      bytes: number;
      durationSeconds: number;
    };
