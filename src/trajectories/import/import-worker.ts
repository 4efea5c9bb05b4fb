import { parentPort, workerData } from 'node:worker_threads';
import { type ImportRun, type RunReport, runImport, type StopRequest } from './import-pipeline.js';

/**
 * Runs one import in a thread of its own, so that parsing never holds up the thread that answers requests. It gets
 * the run as `workerData`, a stop request as message, and sends reports, then how it ended.
 */

const port = parentPort;
if (!port) throw new Error('expected to run as a worker thread');

let request: StopRequest;
port.on('message', (message: StopRequest) => {
  request = message;
});
try {
  const end = await runImport(
    workerData as ImportRun,
    (report: RunReport) => port.postMessage(report),
    () => request,
  );
  port.postMessage({ type: 'end', end });
} catch (error) {
  port.postMessage({ type: 'error', error });
}
port.close();
