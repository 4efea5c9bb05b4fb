import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../bench.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { startChild } from '../support/child.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';

const canvases = 50;
const atOnce = 50;
const jsonBody = { 'content-type': 'application/json' };

interface Called {
  success: boolean;
  result: { answer: { questions: { hint: string }[] } } | null;
}

const text = (id: string, x: number) => ({
  id,
  type: 'text',
  text: `关于 ${id} 的笔记`,
  x,
  y: 0,
  width: 250,
  height: 60,
});

/** Canvases of some notes each, so that an agent has surroundings to read and others' cards to keep clear of. */
async function storeCanvases(client: Client): Promise<void> {
  for (let index = 0; index < canvases; index++) {
    const nodes = Array.from({ length: 20 }, (_, at) => text(`n${at}`, at * 300));
    const edges = nodes.slice(1).map(({ id }, at) => ({ id: `e${at}`, fromNode: 'n0', toNode: id }));
    const body = Buffer.from(JSON.stringify({ nodes, edges }));
    expectStatus(
      await client.request('PUT', `/canvas/${index}.canvas`, { headers: jsonBody, body }),
      [201],
      'a canvas',
    );
  }
}

let asked = 0;

/** No two calls are equal, so that each one asks the model. */
const invocation = (index: number) => ({
  agent_type: 'basic-decomposition',
  canvas_path: `${index % canvases}.canvas`,
  target_node_id: `n${index % 20}`,
  parameters: { dry_run: false, instructions: `call ${asked++}` },
});

/** Milliseconds that the model took, as it says itself. */
const modelMs = ({ result }: Called) => Number(result?.answer.questions.at(-1)?.hint);

/** One call: its milliseconds beyond the model's own. */
async function ownShare(client: Client, index: number): Promise<number> {
  const body = Buffer.from(JSON.stringify(invocation(index)));
  const answer = await client.request('POST', '/agents/invoke', { headers: jsonBody, body });
  expectStatus(answer, [200], 'an agent');
  return answer.milliseconds - modelMs(JSON.parse(answer.body.toString('utf8')));
}

/** Callers that each send the next call when the last is answered; the first calls, which all come in one instant, apart. */
async function callersAtWork(client: Client, callsEach: number): Promise<{ first: number[]; later: number[] }> {
  const callers = Array.from({ length: atOnce }, async (_, index) => {
    const shares: number[] = [];
    for (let call = 0; call <= callsEach; call++) shares.push(await ownShare(client, index));
    return shares;
  });
  const shares = await Promise.all(callers);
  return { first: shares.map((each) => each[0] as number), later: shares.flatMap((each) => each.slice(1)) };
}

interface BatchRound {
  startedP95Seconds: number;
  errorRatio: number;
  loopDelayP99Ms: number;
  seconds: number;
}

/** One batch, as a job; what each call took once it had begun. */
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
  return {
    startedP95Seconds:
      quantile(
        results.map(({ execution_time_ms: ms }) => ms),
        0.95,
      ) / 1000,
    errorRatio: results.filter(({ success }) => !success).length / results.length,
    loopDelayP99Ms: (metrics.value('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000,
    seconds: answer.milliseconds / 1000,
  };
}

/**
 * Calls of agents against a model that takes 1 s, give or take half.
 * @source issue figures ("our own share of an agent call", "200 invocations", "Event-loop delay")
 */
export async function benchAgentCalls({ folder, quick, note }: BenchContext): Promise<Section> {
  const [rounds, batchSize, callsEach] = quick ? [1, 40, 1] : [5, 200, 6];
  await mkdir(folder, { recursive: true });
  const model = await startChild({
    nodeArguments: ['--import', 'tsx', fileURLToPath(new URL('model-server.ts', import.meta.url))],
    environment: {},
    logFile: path.join(folder, 'model.log'),
  });
  const environment = { OPENAI_BASE_URL: `${model.origin}/v1`, OPENAI_MODEL: 'bench' };
  const service = await startService(folder, 'optimized', [], [], environment);
  const client = createClient(service.origin, atOnce);
  const shares: Awaited<ReturnType<typeof callersAtWork>>[] = [];
  const batches: BatchRound[] = [];
  try {
    await storeCanvases(client);
    note('agents: the scheduler learns what the model takes');
    await runBatch(client, batchSize);
    for (let round = 0; round < rounds; round++) {
      note(`agents: round ${round + 1} of ${rounds}`);
      shares.push(await callersAtWork(client, callsEach));
      batches.push(await runBatch(client, batchSize));
    }
  } finally {
    client.close();
  }
  await service.stop();
  await model.stop();
  return {
    title: 'Agents: what the service adds to the model',
    how:
      'A chat server of its own process answers after 1 s, give or take half (seeded), and says how long it took; the ' +
      'rest of a call is ours: reading the canvas, waiting for a slot, the way to the model, checking the answer, ' +
      'placing the cards, writing the canvas durably, and the way back to the client. No two calls are equal. ' +
      `There are ${atOnce} callers, each of whom sends the next call when the last is answered, so that ${atOnce} calls ` +
      'are under way all the time; their first calls, which all come in one instant, are a row of their own. Before ' +
      'them goes one batch, from which the scheduler learns what the model takes. A ' +
      'batch is one job; a call is timed from its start.',
    figures: [
      {
        measure: `own share of a call, ${atOnce} under way, p95`,
        unit: 'ms',
        rounds: shares.map(({ later }) => quantile(later, 0.95)),
        perRound: `${atOnce * callsEach} calls`,
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
        rows: (['later', 'first'] as const).map((which) => [
          which === 'later' ? `own share, ${atOnce} under way` : `own share, ${atOnce} in one instant`,
          ...[0.5, 0.95].map((share) => formatNumber(median(shares.map((each) => quantile(each[which], share))))),
        ]),
      },
      {
        heading: ['batch', 'median s'],
        rows: [[`${batchSize} calls`, formatNumber(median(batches.map(({ seconds }) => seconds)))]],
      },
    ],
  };
}
