import { openDatabase, withIndexSwitch } from '../../lance/index.js';
import { ownFile } from '../../own-file.js';
import { startWorker } from '../../worker.js';
import { createAnalysisLookup } from '../analysis/analysis-lookup.js';
import { openLargestRecord } from '../store/largest-record.js';
import { analysisSchema, tableNames, trajectorySchema } from '../trajectory-schema.js';
import { type ExportChunk, type ExportQuery, type ExportScan, openExportScan } from './export-scan.js';

/** Everything an export needs, plain enough to be sent to a worker thread. @source product contract, Trajectories ("export") */
export interface ExportRun {
  /** Absolute path of the database folder. */
  lanceUri: string;
  /** The version of the trajectories that is written down. */
  version: number;
  query: ExportQuery;
  /** False: every row is looked at, as if there were no scalar index. */
  usesIndexes?: boolean;
}

/** What the thread is told: one more chunk is wanted, or none. @source Node.js documentation, worker_threads */
export type ExportRequest = 'pull' | 'stop';

/** What the thread answers. @source Node.js documentation, worker_threads */
export type ExportAnswer =
  | { type: 'opened' | 'end' }
  | ({ type: 'chunk' } & ExportChunk)
  | { type: 'error'; error: unknown };

/** Chunks made ahead of the reader: one is sent while the next is written. */
const chunksAhead = 2;
/** Rows die young: a small nursery saves memory and costs no time. */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

/** A way of starting exports. @source product contract, Trajectories ("export") */
export type OpenScan = (run: ExportRun) => Promise<ExportScan>;

/**
 * Runs an export in this thread, on a connection of its own.
 * @source product contract, Trajectories ("export")
 */
export const openScanHere: OpenScan = async ({ lanceUri, version, query, usesIndexes = true }) => {
  const database = await openDatabase(lanceUri);
  try {
    const open = async (name: string, schema: typeof trajectorySchema) =>
      withIndexSwitch(await database.openTable(name, schema), { isOn: () => usesIndexes });
    const table = await open(tableNames.trajectories, trajectorySchema);
    await table.checkout(version);
    const analysis = await open(tableNames.analysis, analysisSchema);
    const largestRecord = openLargestRecord(lanceUri).bytes;
    const scan = await openExportScan({ table, analysisLookup: createAnalysisLookup(analysis), largestRecord }, query);
    async function close(): Promise<void> {
      await scan.close();
      analysis.close();
      database.close();
    }
    return { chunks: scan.chunks, close };
  } catch (error) {
    database.close();
    throw error;
  }
};

/**
 * Runs an export in a worker thread.
 * @throws what the database throws, or Error when the thread ends early
 * @source Node.js documentation, worker_threads
 */
export const openScanInThread: OpenScan = async (run) => {
  const worker = startWorker(ownFile('trajectories/export/export-worker.js'), { workerData: run, resourceLimits });
  const answers: ExportAnswer[] = [];
  let arrived: (() => void) | undefined;
  let hasEnded = false;

  function receive(answer: ExportAnswer): void {
    answers.push(answer);
    arrived?.();
  }

  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      hasEnded = true;
      receive({ type: 'error', error: new Error(`the export thread ended early, exit code ${code}`) });
      resolve();
    });
  });
  worker.on('message', receive);
  worker.once('error', (error) => receive({ type: 'error', error }));
  const ask = (request: ExportRequest) => worker.postMessage(request);

  async function next(): Promise<Exclude<ExportAnswer, { type: 'error' }>> {
    while (answers.length === 0) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    const answer = answers.shift()!;
    if (answer.type === 'error') throw answer.error;
    return answer;
  }

  async function* chunks(): AsyncGenerator<ExportChunk> {
    for (let i = 0; i < chunksAhead; i++) ask('pull');
    for (let answer = await next(); answer.type !== 'end'; answer = await next()) {
      if (answer.type !== 'chunk') continue;
      yield answer;
      ask('pull');
    }
  }

  await next();
  return {
    chunks,
    async close() {
      if (!hasEnded) ask('stop');
      await ended;
    },
  };
};
