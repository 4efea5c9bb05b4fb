import type { Logger } from '../../../logger.js';
import type { InBackground } from '../../../scheduler/index.js';
import { importsClosed, queueFull } from '../errors.js';
import type { ImportJob } from '../import-job.js';
import { runInTurn } from './import-turn.js';

/** @source product contract, Trajectories (import) */
export interface ImportQueueOptions {
  /** How many may wait or be on their way. */
  maxPending: number;
  inBackground: InBackground;
  /** Called when an import has left the queue, cancelled ones too, before the next one begins. */
  onLeft(): Promise<void>;
  logger: Logger;
}

/**
 * Accepted imports in the order they came: one runs at a time, the others wait.
 * @source product contract, Trajectories (import); story-17.4 task 3
 */
export interface ImportQueue {
  /** Keeps a place for one that is on its way, until `add` or `release`. @throws Problem IMPORT_STOPPING, IMPORT_QUEUE_FULL */
  reserve(taskId: string): void;
  release(taskId: string): void;
  /** @throws Problem IMPORT_STOPPING */
  assertOpen(): void;
  add(job: ImportJob): void;
  /** Begins the next one, unless one runs. */
  start(): void;
  /** Ends one that has not ended; resolves when its task says so. */
  cancel(job: ImportJob): Promise<void>;
  /** To be called when imports have ended without a turn. Never throws. */
  left(): Promise<void>;
  /** How many wait for their turn, and how many run. */
  unfinished(): { pending: number; processing: number };
  /** Resolves when the one that runs has stopped after its batch; all that is left is left to the next start. */
  close(): Promise<void>;
}

/** @source product contract, Trajectories (import) */
export function createImportQueue({ maxPending, inBackground, onLeft, logger }: ImportQueueOptions): ImportQueue {
  const waiting: ImportJob[] = [];
  const reserved = new Set<string>();
  let running: Promise<void> | undefined;
  let current: ImportJob | undefined;
  let turn = new AbortController();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw importsClosed();
  }

  const left = () =>
    onLeft().catch((error) => logger.warn({ err: error }, 'the oldest imports could not be removed from the history'));

  function start(): void {
    if (running || closed) return;
    current = waiting.shift();
    if (!current) return;
    turn = new AbortController();
    running = runInTurn(current, { inBackground, signal: turn.signal, logger })
      .then(left)
      .finally(() => {
        running = undefined;
        current = undefined;
        start();
      });
  }

  return {
    assertOpen,
    reserve(taskId) {
      assertOpen();
      if (waiting.length + reserved.size >= maxPending) throw queueFull(maxPending);
      reserved.add(taskId);
    },
    release: (taskId) => void reserved.delete(taskId),
    add(job) {
      reserved.delete(job.task.task_id);
      waiting.push(job);
    },
    start,
    left,
    async cancel(job) {
      if (job !== current) {
        const place = waiting.indexOf(job);
        if (place >= 0) waiting.splice(place, 1);
        await job.end('cancelled', 'Cancelled before it began');
        await left();
      } else {
        job.stop('cancelled');
        turn.abort('cancelled');
        await job.ended;
      }
    },
    unfinished: () => ({ pending: waiting.length, processing: current ? 1 : 0 }),
    async close() {
      closed = true;
      current?.stop('stopped');
      turn.abort('stopped');
      await running;
      for (const job of waiting) job.leave();
    },
  };
}
