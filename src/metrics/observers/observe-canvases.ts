import { Counter, Histogram, type Registry } from 'prom-client';
import type { CanvasEvent } from '../../canvases/index.js';
import type { HotCounter } from '../hot-series.js';
import { storageSeconds } from './buckets.js';
import { observeCanvasJournal } from './observe-canvas-journal.js';
import { observeCanvasReads } from './observe-canvas-reads.js';

/**
 * Reads, the writes that clients asked for, and the file writes that these became: their ratio is what the batch
 * writer saves.
 * @source story-17.4 AC1, AC2; product contract, Monitoring ("Names")
 */
export function observeCanvases(registry: Registry, cacheRequests: HotCounter): (event: CanvasEvent) => void {
  const registers = [registry];
  const observeReads = observeCanvasReads(registry, cacheRequests);
  const writes = new Counter({
    name: 'canvas_writes_total',
    help: 'Requests to store or delete a canvas',
    labelNames: ['operation', 'outcome', 'variant'],
    registers,
  });
  const writeBytes = new Counter({
    name: 'canvas_write_bytes_total',
    help: 'Bytes that clients asked to store',
    registers,
  });
  const writeSeconds = new Histogram({
    name: 'canvas_write_seconds',
    help: 'Time from the request to store or delete a canvas until it is answered',
    labelNames: ['operation', 'variant'],
    buckets: storageSeconds,
    registers,
  });
  const fileWrites = new Counter({
    name: 'canvas_file_writes_total',
    help: 'Canvas files written, removed, or only made durable (sync)',
    labelNames: ['operation', 'outcome', 'variant'],
    registers,
  });
  const fileWriteRequests = new Counter({
    name: 'canvas_file_write_requests_total',
    help: 'Requests that the file writes carried',
    labelNames: ['variant'],
    registers,
  });
  const fileWriteBytes = new Counter({
    name: 'canvas_file_write_bytes_total',
    help: 'Bytes written to canvas files',
    labelNames: ['variant'],
    registers,
  });
  const fileWriteSeconds = new Histogram({
    name: 'canvas_file_write_seconds',
    help: 'Time to bring one file write safely to disk',
    labelNames: ['operation', 'variant'],
    buckets: storageSeconds,
    registers,
  });
  const observeJournal = observeCanvasJournal(registry);
  const temporaryFiles = new Counter({
    name: 'canvas_temporary_files_removed_total',
    help: 'Unfinished files of a dead process, removed at start',
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'read':
      case 'variant':
        observeReads(event);
        break;
      case 'write': {
        const { operation, outcome, variant } = event;
        writes.inc({ operation, outcome, variant });
        writeSeconds.observe({ operation, variant }, event.durationSeconds);
        writeBytes.inc(event.bytes);
        break;
      }
      case 'file_write': {
        const { operation, outcome, variant } = event;
        fileWrites.inc({ operation, outcome, variant });
        fileWriteRequests.inc({ variant }, event.requests);
        fileWriteBytes.inc({ variant }, event.bytes);
        fileWriteSeconds.observe({ operation, variant }, event.durationSeconds);
        break;
      }
      case 'temporary_files_removed':
        temporaryFiles.inc(event.count);
        break;
      default:
        observeJournal(event);
    }
  };
}
