import { Counter, Histogram, type Registry } from 'prom-client';
import type { ImportEvent } from '../../trajectories/index.js';
import { importSeconds, storageSeconds } from './buckets.js';

const variants = { batch: 'optimized', row: 'baseline' } as const;

/**
 * Imports as they are accepted, commit their rows and end. What an import did with each record is counted at its end.
 * @source trajectory-optimization 1; product contract, Monitoring ("Names")
 */
export function observeImports(registry: Registry): (event: ImportEvent) => void {
  const registers = [registry];
  const accepted = new Counter({
    name: 'canvas_imports_accepted_total',
    help: 'Imports accepted',
    registers,
  });
  const acceptedBytes = new Counter({
    name: 'canvas_import_accepted_bytes_total',
    help: 'Size of the files of accepted imports',
    registers,
  });
  const batches = new Histogram({
    name: 'canvas_import_batch_seconds',
    help: 'Time to commit one batch of rows to the table',
    labelNames: ['variant'],
    buckets: storageSeconds,
    registers,
  });
  const committedRows = new Counter({
    name: 'canvas_import_committed_rows_total',
    help: 'Rows committed to the table by imports',
    labelNames: ['variant'],
    registers,
  });
  const finished = new Histogram({
    name: 'canvas_import_seconds',
    help: 'Time from taking up an import to its end',
    labelNames: ['status'],
    buckets: importSeconds,
    registers,
  });
  const records = new Counter({
    name: 'canvas_import_rows_total',
    help: 'Records of ended imports by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const readBytes = new Counter({
    name: 'canvas_import_read_bytes_total',
    help: 'Bytes that ended imports had read',
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'import_accepted':
        accepted.inc();
        acceptedBytes.inc(event.bytes);
        break;
      case 'batch_committed': {
        const variant = variants[event.variant];
        batches.observe({ variant }, event.durationSeconds);
        committedRows.inc({ variant }, event.rows);
        break;
      }
      case 'import_finished':
        finished.observe({ status: event.status }, event.durationSeconds);
        records.inc({ outcome: 'imported' }, event.imported);
        records.inc({ outcome: 'failed' }, event.failed);
        records.inc({ outcome: 'skipped' }, event.skipped);
        readBytes.inc(event.bytes);
        break;
    }
  };
}
