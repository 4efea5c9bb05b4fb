import type { Worker } from 'node:worker_threads';
import { openThread, type StartRun, startIn } from '../import-runner.js';

/**
 * The thread that imports run in, one after the other. It stays between them: loading what a run needs, and getting its
 * code compiled, takes a thread as long as reading thousands of records takes it.
 * @source trajectory-optimization 1.2-A; Node.js documentation, worker_threads
 */
export interface ImportThreads {
  startRun: StartRun;
  /** Opens the thread of the next run, unless one waits already. */
  prepare(): void;
  /** Closes the thread if it waits; one that runs is closed when its run has ended. */
  close(): void;
}

/**
 * @param open opens a thread that waits for runs
 * @source trajectory-optimization 1.2-A
 */
export function createImportThreads(open: () => Worker = openThread): ImportThreads {
  let waiting: Worker | undefined;
  let isClosed = false;

  function openWaiting(): Worker {
    if (waiting) return waiting;
    const worker = open();
    const forget = () => {
      if (waiting === worker) waiting = undefined;
    };
    worker.on('error', forget).on('exit', forget).unref();
    waiting = worker;
    return worker;
  }

  function keep(worker: Worker): void {
    if (isClosed || waiting) void worker.terminate();
    else {
      worker.unref();
      waiting = worker;
    }
  }

  return {
    startRun(run, report, exclusively) {
      const worker = openWaiting();
      waiting = undefined;
      worker.ref();
      const started = startIn(worker, run, report, exclusively);
      started.ended.then(
        () => keep(worker),
        () => void worker.terminate(),
      );
      return started;
    },
    prepare: () => void openWaiting(),
    close() {
      isClosed = true;
      void waiting?.terminate();
      waiting = undefined;
    },
  };
}
