import type { Worker } from 'node:worker_threads';
import { ownFile } from '../../own-file.js';
import { startWorker } from '../../worker.js';
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

/** Records die young: a small nursery saves memory and costs no time. The old generation has no limit of its own. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/**
 * What the thread is told: the run once, then that it has its turn, with what has changed of the run since, or to end at
 * the next batch.
 * @source Node.js documentation, worker_threads
 */
export type ThreadOrder =
  | { run: ImportRun }
  | { turn: Pick<ImportRun, 'usesIndexes'> }
  | Exclude<StopRequest, undefined>;

/**
 * What the thread says: reports, that it wants to commit while nobody else writes (it is answered with its turn) and has done
 * so, and how it ended.
 */
type WorkerMessage =
  | RunReport
  | { type: 'turn_wanted' }
  | { type: 'turn_over' }
  | { type: 'end'; end: RunEnd }
  | { type: 'error'; error: unknown };

/** A thread that loads what a run needs, then waits for one. */
const openThread = () => startWorker(ownFile('trajectories/import/import-worker.js'), { resourceLimits });

/**
 * Runs in a worker thread of its own.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export const startInWorker: StartRun = (run, report, exclusively) => startIn(openThread(), run, report, exclusively);

function startIn(
  worker: Worker,
  run: ImportRun,
  report: (message: RunReport) => void,
  exclusively: Exclusively = (commit) => commit(),
): StartedRun {
  const tell = (order: ThreadOrder) => worker.postMessage(order);
  let isGone = false;
  let endTurn = () => {};
  const giveTurn = () => {
    const turn = () =>
      new Promise<void>((resolve) => {
        endTurn = resolve;
        if (isGone) resolve();
        else tell({ turn: { usesIndexes: run.usesIndexes !== false } });
      });
    void exclusively(turn);
  };
  const ended = new Promise<RunEnd>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'turn_wanted') giveTurn();
      else if (message.type === 'turn_over') endTurn();
      else if (message.type === 'end') resolve(message.end);
      else if (message.type === 'error') reject(message.error);
      else report(message);
    });
    worker.on('error', (error) => reject(new ThreadLost(error)));
    worker.on('exit', (code) => {
      isGone = true;
      endTurn();
      reject(new ThreadLost(new Error(`exit code ${code}`)));
    });
  });
  tell({ run });
  return { ended, stop: tell };
}

/**
 * Threads that imports run in. One is opened ahead when a large upload comes in: loading takes a thread as long as
 * reading thousands of records takes it.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export interface ImportThreads {
  startRun: StartRun;
  /** Opens the thread of the next run, unless one waits already. One that nobody takes is closed after a while. */
  prepare(): void;
  /** Closes a thread that waits; those that run are left alone. */
  close(): void;
}

const spareMs = 30_000;

/**
 * @param open opens a thread that waits for a run
 * @source trajectory-optimization 1.2-A
 */
export function createImportThreads(open: () => Worker = openThread): ImportThreads {
  let spare: Worker | undefined;
  let tooLate: NodeJS.Timeout | undefined;

  /** Takes the thread that waits, if there is one. */
  function take(): Worker | undefined {
    clearTimeout(tooLate);
    const worker = spare;
    spare = undefined;
    return worker;
  }
  const close = () => void take()?.terminate();

  return {
    startRun(run, report, exclusively) {
      const worker = take() ?? open();
      worker.ref();
      return startIn(worker, run, report, exclusively);
    },
    prepare() {
      if (spare) return;
      const worker = open();
      const forget = () => {
        if (spare === worker) take();
      };
      worker.unref();
      worker.on('error', forget);
      worker.on('exit', forget);
      spare = worker;
      tooLate = setTimeout(close, spareMs).unref();
    },
    close,
  };
}

/**
 * Runs in this thread.
 * @source trajectory-optimization 1.1
 */
export const startHere: StartRun = (run, report, exclusively) => {
  let request: StopRequest;
  return {
    ended: runImport(run, report, () => request, exclusively),
    stop(given) {
      request = given;
    },
  };
};
