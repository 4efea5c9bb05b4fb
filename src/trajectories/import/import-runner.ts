import type { Worker } from 'node:worker_threads';
import { ownFile } from '../../own-file.js';
import { startWorker } from '../../worker.js';
import { WriterLost } from '../store/write-turns.js';
import { runImport } from './import-pipeline.js';
import type { Exclusively, ImportRun, RunEnd, RunReport, StopRequest } from './import-run.js';

/**
 * A run that has been started. `ended` rejects with {@link ThreadLost} when the thread itself broke, else with what
 * the file system or the database threw.
 * @source product contract, Optimisations (batch_import)
 */
export interface StartedRun {
  ended: Promise<RunEnd>;
  /** Asks the run to end at the next batch. */
  stop(request: Exclude<StopRequest, undefined>): void;
}

/** A way of starting runs. @source product contract, Optimisations (batch_import) */
export type StartRun = (run: ImportRun, report: (message: RunReport) => void, exclusively?: Exclusively) => StartedRun;

/** The worker thread ended before its run did. @source Node.js documentation, worker_threads */
export class ThreadLost extends Error {
  /** It ran out of memory: another try in this thread could take the whole process down. */
  readonly outOfMemory: boolean;

  constructor(cause: unknown) {
    super('the import thread ended early', { cause });
    this.outOfMemory = (cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  }
}

const rewrites = (run: ImportRun) => run.onConflict === 'replace';

/** Records die young: a small nursery saves memory and costs no time. The old generation has no limit of its own. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/**
 * What the thread is told: a run, once the one before it has ended; that the run has its turn,
 * with what has changed of it since; to end the run at the next batch.
 * @source Node.js documentation, worker_threads
 */
export type ThreadOrder =
  | { run: ImportRun }
  | { turn: Pick<ImportRun, 'usesIndexes'> }
  | Exclude<StopRequest, undefined>;

/**
 * What the thread says of a run: reports, that it wants to commit while nobody else writes (it is
 * answered with its turn) and has done so, and how the run ended.
 * @source Node.js documentation, worker_threads
 */
export type ThreadMessage =
  | RunReport
  | { type: 'turn_wanted' }
  | { type: 'turn_over' }
  | { type: 'end'; end: RunEnd }
  | { type: 'error'; error: unknown };

/**
 * A thread that loads what runs need, then waits for one after the other.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export const openThread = (): Worker =>
  startWorker(ownFile('trajectories/import/import-worker.js'), { resourceLimits });

/**
 * Runs in a worker thread of its own, which ends with the run.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export const startInWorker: StartRun = (run, report, exclusively) => {
  const worker = openThread();
  const started = startIn(worker, run, report, exclusively);
  const close = () => void worker.terminate();
  started.ended.then(close, close);
  return started;
};

/**
 * Runs in a thread that waits for a run, and leaves it waiting for the next.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export function startIn(
  worker: Worker,
  run: ImportRun,
  report: (message: RunReport) => void,
  exclusively: Exclusively = (commit) => commit(),
): StartedRun {
  let isOver = false;
  let isGone = false;
  let endTurn = () => {};
  let loseTurn = () => {};
  const tell = (order: ThreadOrder) => worker.postMessage(order);
  const giveTurn = () => {
    const turn = () =>
      new Promise<void>((resolve, reject) => {
        endTurn = resolve;
        loseTurn = () => reject(new WriterLost());
        if (isGone) resolve();
        else tell({ turn: { usesIndexes: run.usesIndexes !== false } });
      });
    exclusively(turn, rewrites(run)).catch(() => {});
  };
  const ended = new Promise<RunEnd>((resolve, reject) => {
    const onMessage = (message: ThreadMessage) => {
      if (message.type === 'turn_wanted') giveTurn();
      else if (message.type === 'turn_over') endTurn();
      else if (message.type === 'end') leave(() => resolve(message.end));
      else if (message.type === 'error') leave(() => reject(message.error));
      else report(message);
    };
    const onError = (error: unknown) => reject(new ThreadLost(error));
    const onExit = (code: number) => {
      isGone = true;
      // A commit that it has begun goes on without it; after a turn that is over this does nothing.
      loseTurn();
      leave(() => reject(new ThreadLost(new Error(`exit code ${code}`))));
    };
    const leave = (end: () => void) => {
      isOver = true;
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
  tell({ run });
  // A request that comes late must not reach the next run.
  return { ended, stop: (request) => !isOver && tell(request) };
}

/**
 * Runs in this thread.
 * @source trajectory-optimization 1.1
 */
export const startHere: StartRun = (run, report, exclusively) => {
  let request: StopRequest;
  return {
    ended: runImport(run, report, () => request, exclusively && ((commit) => exclusively(commit, rewrites(run)))),
    stop(given) {
      request = given;
    },
  };
};
