import { parentPort } from 'node:worker_threads';
import { runImport } from './import-pipeline.js';
import type { ImportRun, RunReport, StopRequest } from './import-run.js';
import type { ThreadOrder } from './import-runner.js';

/**
 * Runs one import in a thread of its own, so that parsing never holds up the thread that answers requests. It waits for
 * the run, takes a stop request, and sends reports, then how it ended. It asks for its turn before each commit, since
 * other writers live in another thread.
 */

const port = parentPort;
if (!port) throw new Error('expected to run as a worker thread');

let request: StopRequest;
let current: ImportRun | undefined;
let takeTurn = () => {};
port.on('message', (order: ThreadOrder) => {
  if (typeof order !== 'object') {
    request = order;
  } else if ('run' in order) {
    current = order.run;
    void carryOut(order.run);
  } else {
    if (current) Object.assign(current, order.turn);
    takeTurn();
  }
});

async function exclusively<T>(commit: () => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => {
    takeTurn = resolve;
    port!.postMessage({ type: 'turn_wanted' });
  });
  try {
    return await commit();
  } finally {
    port!.postMessage({ type: 'turn_over' });
  }
}

async function carryOut(run: ImportRun): Promise<void> {
  try {
    const end = await runImport(
      run,
      (report: RunReport) => port!.postMessage(report),
      () => request,
      exclusively,
    );
    port!.postMessage({ type: 'end', end });
  } catch (error) {
    port!.postMessage({ type: 'error', error });
  }
  port!.close();
}
