import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CanvasEvent } from '../../canvases/index.js';
import { storageSeconds } from './buckets.js';

type ServedElsewhere = 'read' | 'write' | 'file_write' | 'temporary_files_removed';
type JournalOrHistoryEvent = Exclude<CanvasEvent, { type: ServedElsewhere }>;

/**
 * What stands between an acknowledged write and its file, and what is kept of the bytes that it replaces.
 * @source story-17.4 AC2; product contract, Promises 1 and 3
 */
export function observeCanvasJournal(registry: Registry): (event: JournalOrHistoryEvent) => void {
  const registers = [registry];
  const count = (name: string, help: string) => new Counter({ name, help, registers });
  const records = count('canvas_journal_records_total', 'Records written to the journal');
  const bytes = count('canvas_journal_bytes_total', 'Bytes written to the journal');
  const syncSeconds = new Histogram({
    name: 'canvas_journal_commit_seconds',
    help: 'Time to make a group of changes durable in the journal',
    buckets: storageSeconds,
    registers,
  });
  const failures = new Counter({
    name: 'canvas_journal_failures_total',
    help: 'Groups of changes that the journal could not take',
    labelNames: ['reason'],
    registers,
  });
  const rotations = count('canvas_journal_rotations_total', 'Times that the journal went on in a new file');
  const recovered = count('canvas_journal_recovered_canvases_total', 'Canvases that the journal gave back at start');
  const damaged = count('canvas_journal_damage_bytes_total', 'Bytes of the journal that could not be read at start');
  const versions = new Counter({
    name: 'canvas_versions_kept_total',
    help: 'Versions kept in the history',
    labelNames: ['how'],
    registers,
  });
  const outsideEdits = count('canvas_outside_edits_kept_total', 'Edits of other programs that a write replaced');
  const dropped = count('canvas_versions_dropped_total', 'Versions dropped from the history');
  const missing = count('canvas_versions_missing_total', 'Versions that another program wrote over and nobody has');
  const vaultCanvases = new Gauge({ name: 'canvas_vault_canvases', help: 'Canvases in the vault', registers });
  const sweepSeconds = count('canvas_vault_sweep_seconds_total', 'Time of the main thread for looking at the vault');

  return (event) => {
    switch (event.type) {
      case 'journal_commit':
        records.inc(event.records);
        bytes.inc(event.bytes);
        if (event.synced) syncSeconds.observe(event.durationSeconds);
        break;
      case 'journal_commit_failed':
        failures.inc({ reason: event.reason });
        break;
      case 'journal_rotated':
        rotations.inc();
        break;
      case 'journal_recovered':
        recovered.inc(event.canvases);
        break;
      case 'journal_damaged':
        damaged.inc(event.lostBytes);
        break;
      case 'version_kept':
        versions.inc({ how: event.how });
        break;
      case 'outside_edit_kept':
        outsideEdits.inc();
        break;
      case 'versions_dropped':
        dropped.inc(event.count);
        break;
      case 'version_missing':
        missing.inc();
        break;
      case 'vault_swept':
        vaultCanvases.set(event.canvases);
        sweepSeconds.inc(event.busySeconds);
        break;
    }
  };
}
