import { readEvents } from '../client/index.js';
import type { ApiClient } from './api-client.js';
import { ApiError } from './exit-codes.js';
import type { ProgressDisplay } from './progress-display.js';

/** What the service says of an import that has ended. @source product contract, Trajectories (ImportResult) */
export interface ImportResult {
  task_id: string;
  success: boolean;
  status: string;
  message: string;
  failed_count: number;
  errors: string[];
  errors_url: string | null;
}

/** @source product contract, Trajectories (import by the command line) */
export interface ImportOutcome {
  result: ImportResult;
  /** The user interrupted, and the import was cancelled. */
  wasCancelled: boolean;
}

/** @source product contract, Trajectories (import by the command line) */
export interface FollowOptions {
  client: ApiClient;
  taskId: string;
  display: ProgressDisplay;
  interrupted: AbortSignal;
}

const maxReconnects = 5;
const reconnectMs = 1000;

/**
 * Follows an import to its end; an interruption cancels it. A connection that breaks is made again a few times, since
 * the import goes on without it.
 * @throws ApiError when the service cannot be reached any more
 * @source product contract, Trajectories (import by the command line)
 */
export async function followImport(options: FollowOptions): Promise<ImportOutcome> {
  const { client, taskId, interrupted } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await endOf(options);
      if (result) return { result, wasCancelled: false };
      if (attempt === maxReconnects) throw new ApiError(`The events of import ${taskId} break off`);
    } catch (error) {
      if (interrupted.aborted) return { result: await cancelled(client, taskId), wasCancelled: true };
      if (attempt === maxReconnects) throw error;
    }
    await paused(interrupted);
  }
}

/** @returns undefined when the stream breaks off before the end */
async function endOf({ client, taskId, display, interrupted }: FollowOptions): Promise<ImportResult | undefined> {
  const stream = await client.send({ method: 'GET', path: `/api/import/events/${taskId}`, signal: interrupted });
  for await (const { event, data } of readEvents(stream)) {
    const read = JSON.parse(data);
    if (event === 'end') return read as ImportResult;
    if (event !== 'progress') continue;
    display.show({
      phase: 'import',
      bytes: read.bytes_read,
      bytesTotal: read.bytes_total,
      rows: read.imported + read.failed + read.skipped,
      rowsPerSecond: read.rows_per_second,
      etaSeconds: read.eta_seconds,
    });
  }
  return undefined;
}

/** An import that has ended meanwhile cannot be cancelled: its result stands. */
async function cancelled(client: ApiClient, taskId: string): Promise<ImportResult> {
  try {
    return await client.json({ method: 'POST', path: `/api/import/cancel/${taskId}` });
  } catch {
    return client.json({ method: 'GET', path: `/api/import/status/${taskId}` });
  }
}

function paused(interrupted: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, reconnectMs);
    interrupted.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
