import { Gauge, type Registry } from 'prom-client';

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
 * A gauge that is asked at each scrape.
 * @source prom-client documentation, "Gauge" (collect)
 */
export function ask(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}

/**
 * Gauges of the writer's backlog, asked for at each scrape once the returned function was told where to ask.
 * @source story-17.4 AC2; product contract, Promises ("What is in memory is bounded")
 */
export function watchWrites(registry: Registry): (read: () => WriteBacklog) => void {
  let backlog = (): WriteBacklog => ({ writes: 0, bytes: 0 });
  ask(
    registry,
    'canvas_writer_pending_writes',
    'Writes that wait for their turn or are being written',
    () => backlog().writes,
  );
  ask(
    registry,
    'canvas_writer_pending_bytes',
    'Bytes of the writes that wait or are being written',
    () => backlog().bytes,
  );
  return (read) => {
    backlog = read;
  };
}

/**
 * Gauges of the imports that wait or run, asked for at each scrape once the returned function was told where to ask.
 * @source trajectory-optimization 1; product contract, Trajectories (import)
 */
export function watchImports(registry: Registry): (read: () => UnfinishedImports) => void {
  let imports = (): UnfinishedImports => ({ pending: 0, processing: 0 });
  ask(registry, 'canvas_imports_waiting', 'Imports that wait for their turn', () => imports().pending);
  ask(registry, 'canvas_imports_running', 'Imports that run', () => imports().processing);
  return (read) => {
    imports = read;
  };
}
