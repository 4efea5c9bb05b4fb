import { startWorker } from '../../worker.js';
import { type ImportRun, type RunEnd, type RunReport, runImport, type StopRequest } from './import-pipeline.js';

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
export type StartRun = (run: ImportRun, report: (message: RunReport) => void) => StartedRun;

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

type WorkerMessage = RunReport | { type: 'end'; end: RunEnd } | { type: 'error'; error: unknown };

/**
 * Runs in a worker thread.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export const startInWorker: StartRun = (run, report) => {
  const worker = startWorker(new URL('./import-worker.js', import.meta.url), { workerData: run, resourceLimits });
  const ended = new Promise<RunEnd>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'end') resolve(message.end);
      else if (message.type === 'error') reject(message.error);
      else report(message);
    });
    worker.on('error', (error) => reject(new ThreadLost(error)));
    worker.on('exit', (code) => reject(new ThreadLost(new Error(`exit code ${code}`))));
  });
  return { ended, stop: (request) => worker.postMessage(request) };
};

/**
 * Runs in this thread.
 * @source trajectory-optimization 1.1
 */
export const startHere: StartRun = (run, report) => {
  let request: StopRequest;
  return {
    ended: runImport(run, report, () => request),
    stop(given) {
      request = given;
    },
  };
};
