import type { Registry } from 'prom-client';
import { askedGauges, type Watch } from './asked-gauges.js';

/**
 * What waits to be written to canvas files now.
 * @source story-17.4 AC2
 */
export interface WriteBacklog {
  writes: number;
  bytes: number;
}

/**
 * Imports that have not ended, by their status.
 * @source product contract, Trajectories (ImportResult)
 */
export interface UnfinishedImports {
  pending: number;
  processing: number;
}

/**
 * The writer's backlog.
 * @source story-17.4 AC2; product contract, Promises ("What is in memory is bounded")
 */
export function watchWrites(registry: Registry): Watch<WriteBacklog> {
  return askedGauges<WriteBacklog>(
    registry,
    { writes: 0, bytes: 0 },
    {
      canvas_writer_pending_writes: [
        'Writes that wait for their turn or are being written',
        (backlog) => backlog.writes,
      ],
      canvas_writer_pending_bytes: ['Bytes of the writes that wait or are being written', (backlog) => backlog.bytes],
    },
  );
}

/**
 * The imports that wait or run.
 * @source trajectory-optimization 1; product contract, Trajectories (import)
 */
export function watchImports(registry: Registry): Watch<UnfinishedImports> {
  return askedGauges<UnfinishedImports>(
    registry,
    { pending: 0, processing: 0 },
    {
      canvas_imports_waiting: ['Imports that wait for their turn', ({ pending }) => pending],
      canvas_imports_running: ['Imports that run', ({ processing }) => processing],
    },
  );
}
