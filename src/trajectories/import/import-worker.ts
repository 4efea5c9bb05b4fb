import { parentPort } from 'node:worker_threads';
import { runImport } from './import-pipeline.js';
import type { ImportRun, StopRequest } from './import-run.js';
import type { ThreadMessage, ThreadOrder } from './import-runner.js';

/**
 * Runs imports in a thread of its own, one after the other, so that parsing never holds up the thread that answers
 * requests. It waits for a run, takes a stop request, and sends reports, then how the run ended. It asks for its turn
 * before each commit, since other writers live in another thread.
 */

const port = parentPort;
if (!port) throw new Error('expected to run as a worker thread');

let request: StopRequest;
let current: ImportRun | undefined;
let takeTurn = () => {};
let last = Promise.resolve();

const say = (message: ThreadMessage) => port.postMessage(message);

port.on('message', (order: ThreadOrder) => {
  if (typeof order !== 'object') {
    request = order;
  } else if ('run' in order) {
    request = undefined;
    last = last.then(() => carryOut(order.run));
  } else {
    if (current) Object.assign(current, order.turn);
    takeTurn();
  }
});

async function exclusively<T>(commit: () => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => {
    takeTurn = resolve;
    say({ type: 'turn_wanted' });
  });
  try {
    return await commit();
  } finally {
    say({ type: 'turn_over' });
  }
}

async function carryOut(run: ImportRun): Promise<void> {
  current = run;
  try {
    const end = await runImport(run, say, () => request, exclusively);
    say({ type: 'end', end });
  } catch (error) {
    say({ type: 'error', error });
  }
}
