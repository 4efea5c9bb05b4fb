import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../bench.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { type ChildServer, startChild } from '../support/child.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import {
  atOnce,
  type Called,
  type CallersAtWork,
  callersAtWork,
  invocation,
  jsonBody,
  storeCanvases,
} from './callers.js';

/** The service looks at its event loop so often, and its figures have this pause in them (docs/metrics.md). */
const pauseBetweenLooksMs = 20;

interface BatchRound {
  startedP95Seconds: number;
  errorRatio: number;
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  seconds: number;
}

/** One batch, as a job; what each call took once it had begun, and how late the event loop was meanwhile. */
async function runBatch(client: Client, size: number): Promise<BatchRound> {
  await scrapeMetrics(client);
  const body = Buffer.from(
    JSON.stringify({ invocations: Array.from({ length: size }, (_, index) => invocation(index)) }),
  );
  const answer = await client.request('POST', '/agents/batch', { headers: jsonBody, body });
  expectStatus(answer, [200], 'a batch');
  const metrics = await scrapeMetrics(client);
  const { results } = JSON.parse(answer.body.toString('utf8')) as {
    results: (Called & { execution_time_ms: number })[];
  };
  const delayMs = (which: 'p99' | 'max') =>
    Math.max(0, (metrics.value(`nodejs_eventloop_lag_${which}_seconds`) ?? Number.NaN) * 1000 - pauseBetweenLooksMs);
  return {
    startedP95Seconds:
      quantile(
        results.map(({ execution_time_ms: ms }) => ms),
        0.95,
      ) / 1000,
    errorRatio: results.filter(({ success }) => !success).length / results.length,
    loopDelayP99Ms: delayMs('p99'),
    loopDelayMaxMs: delayMs('max'),
    seconds: answer.milliseconds / 1000,
  };
}

interface Rounds {
  shares: CallersAtWork[];
  relayed: CallersAtWork[];
  batches: BatchRound[];
}

const script = (name: string) => ['--import', 'tsx', fileURLToPath(new URL(name, import.meta.url))];

/** The same callers through a server that only passes on, before the service is there and has work of its own. */
async function relayRounds(
  folder: string,
  model: ChildServer,
  [rounds, callsEach]: [number, number],
): Promise<CallersAtWork[]> {
  const server = await startChild({
    nodeArguments: [...script('relay-server.ts'), model.origin],
    environment: {},
    logFile: path.join(folder, 'relay.log'),
  });
  const client = createClient(server.origin, atOnce);
  const relayed: CallersAtWork[] = [];
  // The first time is for the engine to compile.
  for (let round = -1; round < rounds; round++) {
    const worked = await callersAtWork(client, { server, model }, callsEach);
    if (round >= 0) relayed.push(worked);
  }
  client.close();
  await server.kill();
  return relayed;
}

async function measure({ folder, quick, note }: BenchContext, batchSize: number): Promise<Rounds> {
  const [rounds, callsEach] = quick ? [1, 1] : [9, 6];
  await mkdir(folder, { recursive: true });
  const model = await startChild({
    nodeArguments: script('model-server.ts'),
    environment: {},
    logFile: path.join(folder, 'model.log'),
  });
  note('agents: the least that a server in between takes');
  const relayed = await relayRounds(folder, model, [quick ? 1 : 3, quick ? 1 : 4]);
  const environment = { OPENAI_BASE_URL: `${model.origin}/v1`, OPENAI_MODEL: 'bench' };
  const service = await startService(folder, 'optimized', [], [], environment);
  const client = createClient(service.origin, atOnce);
  const shares: CallersAtWork[] = [];
  const batches: BatchRound[] = [];
  try {
    await storeCanvases(client);
    note('agents: the scheduler learns what the model takes');
    await runBatch(client, batchSize);
    for (let round = 0; round < rounds; round++) {
      note(`agents: round ${round + 1} of ${rounds}`);
      shares.push(await callersAtWork(client, { server: service, model }, callsEach));
      batches.push(await runBatch(client, batchSize));
    }
  } finally {
    client.close();
  }
  await service.stop();
  await model.stop();
  return { shares, relayed, batches };
}

const shareRow = (name: string, rounds: readonly CallersAtWork[], which: 'later' | 'first') => [
  name,
  ...[0.5, 0.95].map((share) => formatNumber(median(rounds.map((each) => quantile(each[which], share))))),
];

const cpuRow = (name: string, rounds: readonly CallersAtWork[]) => [
  name,
  ...(['server', 'model', 'client'] as const).map((who) => formatNumber(median(rounds.map(({ cpuMs }) => cpuMs[who])))),
];

/**
 * Calls of agents against a model that takes 1 s, give or take half.
 * @source issue figures ("our own share of an agent call", "200 invocations", "Event-loop delay")
 */
export async function benchAgentCalls(context: BenchContext): Promise<Section> {
  const batchSize = context.quick ? 40 : 200;
  const { shares, relayed, batches } = await measure(context, batchSize);
  const perRound = `${shares[0]?.later.length ?? 0} calls`;
  return {
    title: 'Agents: what the service adds to the model',
    how:
      'A chat server of its own process answers after 1 s, give or take half (seeded), and says how long it took; the ' +
      'rest of a call is ours: reading the canvas, waiting for a slot, the way to the model, checking the answer, ' +
      'placing the cards, writing the canvas durably, and the way back to the client. No two calls are equal. ' +
      `There are ${atOnce} callers, each of whom sends the next call when the last is answered, so that ${atOnce} calls ` +
      'are under way all the time; their first calls, which all come in one instant, are a row of their own. Before ' +
      'them goes one batch, from which the scheduler learns what the model takes. A ' +
      'batch is one job; a call is timed from its start. The canvases grow all the time, by three cards a call. Our ' +
      "share is measured by the callers: what their process, the model's server and two shared cores add is in it, and " +
      'nothing is taken off. How much that is, the rows of a bare relay tell: the same callers through a plain ' +
      '`node:http` server that passes the question on, reads the streamed answer and parses it, and does nothing else. ' +
      `The event loop's delay is \`nodejs_eventloop_lag_*\` over the batch without the ${pauseBetweenLooksMs} ms between ` +
      'two looks, so it is how late the loop was.',
    figures: [
      {
        measure: `own share of a call, ${atOnce} under way, p95`,
        unit: 'ms',
        rounds: shares.map(({ later }) => quantile(later, 0.95)),
        perRound,
        asked: { relation: 'at most', value: 25 },
      },
      {
        measure: `the same, ${atOnce} sent in one instant, p95`,
        unit: 'ms',
        rounds: shares.map(({ first }) => quantile(first, 0.95)),
        perRound: `${atOnce} calls`,
        asked: { relation: 'at most', value: 25 },
      },
      {
        measure: `batch of ${batchSize}: p95 of a call once started`,
        unit: 's',
        rounds: batches.map(({ startedP95Seconds }) => startedP95Seconds),
        perRound: `${batchSize} calls`,
        asked: { relation: 'below', value: 2 },
      },
      {
        measure: `batch of ${batchSize}: share of failed calls`,
        unit: '',
        rounds: batches.map(({ errorRatio }) => errorRatio),
        perRound: `${batchSize} calls`,
        asked: { relation: 'at most', value: 0 },
      },
      {
        measure: `batch of ${batchSize}: event-loop delay p99`,
        unit: 'ms',
        rounds: batches.map(({ loopDelayP99Ms }) => loopDelayP99Ms),
        perRound: `${batchSize} calls`,
        asked: { relation: 'below', value: 20 },
      },
    ],
    tables: [
      {
        heading: ['medians of the rounds', 'p50 ms', 'p95 ms'],
        rows: [
          shareRow(`own share, ${atOnce} under way`, shares, 'later'),
          shareRow(`own share, ${atOnce} in one instant`, shares, 'first'),
          shareRow(`bare relay, ${atOnce} under way`, relayed, 'later'),
          shareRow(`bare relay, ${atOnce} in one instant`, relayed, 'first'),
        ],
      },
      {
        heading: ['CPU ms a call, all threads', 'server', "model's server", 'callers'],
        rows: [cpuRow('service, its work behind the scenes included', shares), cpuRow('bare relay', relayed)],
      },
      {
        heading: ['batch', 'median s', 'longest delay of the event loop, median ms'],
        rows: [
          [
            `${batchSize} calls`,
            formatNumber(median(batches.map(({ seconds }) => seconds))),
            formatNumber(median(batches.map(({ loopDelayMaxMs }) => loopDelayMaxMs))),
          ],
        ],
      },
    ],
  };
}
