import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchContext } from '../bench.js';
import { makeTrajectories, type TrajectoryFile } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { forgetPeak, peakResidentBytes, residentBytes } from '../support/process-usage.js';
import { type Service, startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';

const askEveryMs = 20;
const settleMs = 500;

/**
 * One import: its speed, the memory it took above idle, and how the service answered others meanwhile.
 * @source trajectory-optimization 1; product contract, promise 6
 */
export interface ImportRun {
  rowsPerSecond: number;
  extraMebibytes: number;
  loopDelayP99Ms: number;
  healthP99Ms: number;
}

interface ImportResult {
  status: string;
  success: boolean;
  imported_count: number;
  failed_count: number;
  skipped_count: number;
}

/** Asks for `/health` all the time until told to stop: how long others wait while an import runs. */
function askHealth(origin: string): () => Promise<number[]> {
  const client = createClient(origin, 1);
  let stopped = false;
  const waits: number[] = [];
  const asking = (async () => {
    while (!stopped) {
      waits.push(expectStatus(await client.request('GET', '/health'), [200], 'GET /health').milliseconds);
      await wait(askEveryMs);
    }
  })();
  return async () => {
    stopped = true;
    await asking;
    client.close();
    return waits;
  };
}

/**
 * Imports a file over HTTP and waits until the service says that its rows are durable.
 * @throws Error when a row is missing, or the list counts another number of rows
 * @source product contract, Trajectories (`POST /api/import?wait=true`)
 */
export async function importFile(service: Service, file: TrajectoryFile): Promise<ImportRun> {
  const client = createClient(service.origin, 2);
  await wait(settleMs);
  forgetPeak(service.pid);
  const idleBytes = residentBytes(service.pid);
  await scrapeMetrics(client);
  const stopAsking = askHealth(service.origin);
  const answer = await client.request('POST', '/api/import?wait=true', {
    headers: { 'content-type': 'application/x-ndjson' },
    body: file.bytes,
  });
  const waits = await stopAsking();
  const metrics = await scrapeMetrics(client);
  const extraBytes = peakResidentBytes(service.pid) - idleBytes;

  expectStatus(answer, [200], 'POST /api/import');
  const result = JSON.parse(answer.body.toString()) as ImportResult;
  const rows = file.ids.length;
  if (result.status !== 'completed' || !result.success || result.imported_count !== rows) {
    throw new Error(`import: expected ${rows} rows completed, got ${answer.body.subarray(0, 300).toString()}`);
  }
  const list = expectStatus(await client.request('GET', '/api/trajectories?pageSize=1'), [200], 'the list');
  const { total } = JSON.parse(list.body.toString()) as { total: number };
  if (total !== rows) throw new Error(`import: expected the list to count ${rows} rows, got ${total}`);
  client.close();
  return {
    rowsPerSecond: rows / (answer.milliseconds / 1000),
    extraMebibytes: extraBytes / 2 ** 20,
    loopDelayP99Ms: (metrics.value('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000,
    healthP99Ms: quantile(waits, 0.99),
  };
}

/** Each run gets a service over an empty store, so that no run finds what another has left. */
function freshImports(folder: string, variant: Service['variant'], file: TrajectoryFile) {
  return async (round: number): Promise<ImportRun> => {
    const home = path.join(folder, `import-${variant}-${round}`);
    const service = await startService(home, variant);
    const run = await importFile(service, file);
    await service.stop();
    await rm(home, { recursive: true });
    return run;
  };
}

/**
 * Import over HTTP, beside one commit a row measured on a slice of the same kind of records.
 * @source trajectory-optimization 1; product contract, "Optimisations" (batch_import, bulk_duplicate_check)
 */
export async function benchImport(context: BenchContext): Promise<Section> {
  context.note('import');
  const records = { optimized: context.quick ? 1000 : 10_000, baseline: context.quick ? 20 : 200 };
  const rounds = await interleave(context.quick ? 1 : 3, {
    optimized: freshImports(context.folder, 'optimized', makeTrajectories(records.optimized, 1)),
    baseline: freshImports(context.folder, 'baseline', makeTrajectories(records.baseline, 1)),
  });

  const perRound = `${formatNumber(records.optimized)} records, ${records.baseline} for the baseline`;
  const row = (variant: Service['variant']) => {
    const fields = ['rowsPerSecond', 'extraMebibytes', 'loopDelayP99Ms', 'healthP99Ms'] as const;
    const middles = fields.map((field) => formatNumber(median(rounds.map((round) => round[variant][field]))));
    return [`${variant}, ${formatNumber(records[variant])} records`, ...middles];
  };
  return {
    title: 'Trajectories: import',
    how:
      `\`POST /api/import?wait=true\` of ${formatNumber(records.optimized)} generated records of about 4.9 KB into an ` +
      'empty store, until the answer says that they are durable. The baseline stores and looks up row by row; it is ' +
      `measured on ${records.baseline} records, which favours it, since its store stays small. Memory is the peak ` +
      'above the idle service just before. Loop delay is `nodejs_eventloop_lag_p99_seconds` over the import (its ' +
      'sampling step of 10 ms included); beside it, how long `GET /health` took meanwhile.',
    figures: [
      {
        measure: 'rows/s, optimized / baseline',
        unit: 'x',
        rounds: rounds.map(({ optimized, baseline }) => optimized.rowsPerSecond / baseline.rowsPerSecond),
        perRound,
        asked: { relation: 'at least', value: 8 },
      },
      {
        measure: 'memory above idle',
        unit: 'MiB',
        rounds: rounds.map(({ optimized }) => optimized.extraMebibytes),
        perRound: `${formatNumber(records.optimized)} records`,
        asked: { relation: 'at most', value: 300 },
      },
    ],
    tables: [
      {
        heading: ['medians of the rounds', 'rows/s', 'MiB above idle', 'loop delay p99 ms', 'GET /health p99 ms'],
        rows: [row('optimized'), row('baseline')],
      },
    ],
  };
}
