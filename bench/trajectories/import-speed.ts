import { createReadStream } from 'node:fs';
import { appendFile, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchContext } from '../bench.js';
import { makeTrajectories, type TrajectoryFile } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { type Answer, createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { cpuSeconds, forgetPeak, peakResidentBytes, residentBytes } from '../support/process-usage.js';
import { type Service, startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';

const askEveryMs = 20;
const settleMs = 500;
/** How often the metric behind `nodejs_eventloop_lag_p99_seconds` looks; what it reports has this in it. */
const lagStepMs = 20;

/**
 * One import: its speed, what it took of the processors and of memory above idle, and how the service answered others
 * meanwhile.
 * @source trajectory-optimization 1; product contract, promise 6
 */
export interface ImportRun {
  rowsPerSecond: number;
  /** Of the whole service, all its threads, until the answer. */
  cpuMicrosecondsPerRow: number;
  extraMebibytes: number;
  /** Without the pause between two looks. */
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
 * @param rowsBefore that are stored already
 * @throws Error when a row is missing, or the list counts another number of rows
 * @source product contract, Trajectories (`POST /api/import?wait=true`)
 */
export async function importFile(service: Service, file: TrajectoryFile, rowsBefore = 0): Promise<ImportRun> {
  return importUpload(service, file.ids.length, rowsBefore, (client) =>
    client.request('POST', uploadPath, { headers: uploadHeaders, body: file.bytes }),
  );
}

const uploadPath = '/api/import?wait=true';
const uploadHeaders = { 'content-type': 'application/x-ndjson' };

/** Sends a file as it is read: what this process holds does not grow with it. */
async function sendStreamed(origin: string, file: string): Promise<Answer> {
  const length = { 'content-length': (await stat(file)).size };
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const request = http.request(`${origin}${uploadPath}`, {
      method: 'POST',
      headers: { ...uploadHeaders, ...length },
    });
    request.on('error', reject);
    request.on('response', async (response) => {
      try {
        const { statusCode = 0, headers } = response;
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part);
        const milliseconds = performance.now() - startedAt;
        resolve({ status: statusCode, headers, body: Buffer.concat(parts), milliseconds });
      } catch (error) {
        reject(error);
      }
    });
    createReadStream(file, { highWaterMark: 256 * 1024 })
      .on('error', reject)
      .pipe(request);
  });
}

async function importUpload(
  service: Service,
  rows: number,
  rowsBefore: number,
  send: (client: ReturnType<typeof createClient>) => Promise<Answer>,
): Promise<ImportRun> {
  const client = createClient(service.origin, 2);
  await wait(settleMs);
  forgetPeak(service.pid);
  const idleBytes = residentBytes(service.pid);
  await scrapeMetrics(client);
  const stopAsking = askHealth(service.origin);
  const cpuBefore = cpuSeconds(service.pid);
  const answer = await send(client);
  const cpu = cpuSeconds(service.pid) - cpuBefore;
  const waits = await stopAsking();
  const metrics = await scrapeMetrics(client);
  const extraBytes = peakResidentBytes(service.pid) - idleBytes;

  expectStatus(answer, [200], 'POST /api/import');
  const result = JSON.parse(answer.body.toString()) as ImportResult;
  if (result.status !== 'completed' || !result.success || result.imported_count !== rows) {
    throw new Error(`import: expected ${rows} rows completed, got ${answer.body.subarray(0, 300).toString()}`);
  }
  const list = expectStatus(await client.request('GET', '/api/trajectories?pageSize=1'), [200], 'the list');
  const { total } = JSON.parse(list.body.toString()) as { total: number };
  const expected = rowsBefore + rows;
  if (total !== expected) throw new Error(`import: expected the list to count ${expected} rows, got ${total}`);
  client.close();
  return {
    rowsPerSecond: rows / (answer.milliseconds / 1000),
    cpuMicrosecondsPerRow: (cpu / rows) * 1e6,
    extraMebibytes: extraBytes / 2 ** 20,
    loopDelayP99Ms: Math.max(0, (metrics.value('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000 - lagStepMs),
    healthP99Ms: quantile(waits, 0.99),
  };
}

/**
 * Each run gets a service over an empty store, so that no run finds what another has left. The second import of the same
 * process finds its thread started and its code compiled, as all but the first after a start do.
 */
function freshImports(folder: string, variant: Service['variant'], ...files: TrajectoryFile[]) {
  return async (round: number): Promise<ImportRun[]> => {
    const home = path.join(folder, `import-${variant}-${round}`);
    const service = await startService(home, variant);
    const runs: ImportRun[] = [];
    let rows = 0;
    for (const file of files) {
      runs.push(await importFile(service, file, rows));
      rows += file.ids.length;
    }
    await service.stop();
    await rm(home, { recursive: true });
    return runs;
  };
}

const shownFields = [
  'rowsPerSecond',
  'cpuMicrosecondsPerRow',
  'extraMebibytes',
  'loopDelayP99Ms',
  'healthP99Ms',
] as const satisfies readonly (keyof ImportRun)[];
const recordsPerPiece = 10_000;
/** What is asked for at these sizes: rows a second. */
const askedRowsPerSecond: Record<number, number> = { 10000: 9000, 100000: 10_000, 1000000: 8000 };
const defaultSizes = [100_000];

/** One import of this many records, made piece by piece on disk, so that a million fit. */
async function importAtSize(context: BenchContext, records: number): Promise<ImportRun> {
  context.note(`import of ${formatNumber(records)} records`);
  const file = path.join(context.folder, `import-${records}.jsonl`);
  for (let made = 0; made < records; made += recordsPerPiece) {
    const piece = makeTrajectories(Math.min(recordsPerPiece, records - made), 1 + made / recordsPerPiece);
    await appendFile(file, piece.bytes);
  }
  const home = path.join(context.folder, `import-size-${records}`);
  const service = await startService(home, 'optimized');
  const run = await importUpload(service, records, 0, () => sendStreamed(service.origin, file));
  await service.stop();
  await rm(home, { recursive: true });
  await rm(file);
  return run;
}

/**
 * Import over HTTP, beside one commit a row measured on a slice of the same kind of records.
 * @source trajectory-optimization 1; product contract, "Optimisations" (batch_import, bulk_duplicate_check)
 */
export async function benchImport(context: BenchContext): Promise<Section> {
  context.note('import');
  const records = { optimized: context.quick ? 1000 : 10_000, baseline: context.quick ? 20 : 200 };
  const taken = await interleave(context.quick ? 1 : 3, {
    optimized: freshImports(
      context.folder,
      'optimized',
      makeTrajectories(records.optimized, 1),
      makeTrajectories(records.optimized, 2),
    ),
    baseline: freshImports(context.folder, 'baseline', makeTrajectories(records.baseline, 1)),
  });
  const firsts = taken.map(({ optimized }) => optimized[0] as ImportRun);
  const seconds = taken.map(({ optimized }) => optimized[1] as ImportRun);
  const baselines = taken.map(({ baseline }) => baseline[0] as ImportRun);

  const sizes: { size: number; run: ImportRun }[] = [];
  const given = context.rows?.length ? context.rows : context.quick ? [] : defaultSizes;
  for (const size of context.isCheck ? [] : given) sizes.push({ size, run: await importAtSize(context, size) });

  const perRound = `${formatNumber(records.optimized)} records`;
  const row = (name: string, runs: readonly ImportRun[]) => {
    const middles = shownFields.map((field) => formatNumber(median(runs.map((run) => run[field]))));
    return [name, ...middles];
  };
  const sized = ({ size, run }: (typeof sizes)[number]) =>
    row(`optimized, ${formatNumber(size)} records, one run`, [run]);
  const figuresOf = (name: string, runs: readonly ImportRun[], rows: number, perRound: string): Figure[] => {
    const leastRows = askedRowsPerSecond[rows];
    return [
      {
        measure: `${name}: rows/s`,
        unit: '',
        rounds: runs.map(({ rowsPerSecond }) => rowsPerSecond),
        perRound,
        ...(leastRows !== undefined && { asked: { relation: 'at least', value: leastRows } }),
      },
      {
        measure: `${name}: memory above idle`,
        unit: 'MiB',
        rounds: runs.map(({ extraMebibytes }) => extraMebibytes),
        perRound,
        asked: { relation: 'at most', value: 256 },
      },
      {
        measure: `${name}: main loop delay, p99`,
        unit: 'ms',
        rounds: runs.map(({ loopDelayP99Ms }) => loopDelayP99Ms),
        perRound,
        asked: { relation: 'below', value: 10 },
      },
    ];
  };
  return {
    title: 'Trajectories: import',
    how:
      `\`POST /api/import?wait=true\` of ${formatNumber(records.optimized)} generated records of about 4.9 KB into an ` +
      'empty store, until the answer says that they are durable. The baseline stores and looks up row by row; it is ' +
      `measured on ${records.baseline} records, which favours it, since its store stays small. Memory is the peak ` +
      'above the idle service just before. CPU is that of the whole service, all threads together, a row. Loop delay ' +
      `is \`nodejs_eventloop_lag_p99_seconds\` over the import, less its step of ${lagStepMs} ms (an import of two seconds ` +
      'is a hundred looks, so that p99 is the longest); beside it, how long `GET /health` took meanwhile. The first import ' +
      'after a start loads the import thread and its code; the second finds both.',
    figures: [
      {
        measure: 'rows/s, optimized / baseline',
        unit: 'x',
        holds: 'high',
        rounds: firsts.map((first, round) => first.rowsPerSecond / (baselines[round] as ImportRun).rowsPerSecond),
        perRound: `${perRound}, ${records.baseline} for the baseline`,
        asked: { relation: 'at least', value: 8 },
      },
      ...figuresOf('first import', firsts, records.optimized, perRound),
      ...figuresOf('second import', seconds, records.optimized, perRound),
      ...sizes.flatMap(({ size, run }) => figuresOf(`${formatNumber(size)} records`, [run], size, 'one run')),
    ],
    tables: [
      {
        heading: ['medians of the rounds', 'rows/s', 'CPU us', 'MiB above idle', 'loop delay p99 ms', '/health p99 ms'],
        rows: [
          row(`first import, ${perRound}`, firsts),
          row(`second import, ${perRound}`, seconds),
          row(`baseline, ${records.baseline} records`, baselines),
          ...sizes.map(sized),
        ],
      },
    ],
  };
}
