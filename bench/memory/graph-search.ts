import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { createRandom, type Random } from '../makers/random.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { untilLoaded } from '../support/loaded.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { type Service, startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';

const things = '极限 矩阵 概率 梯度 向量 导数 积分 级数 群 环 域 拓扑 limit matrix gradient vector series field'.split(
  ' ',
);
const relations = '依赖 推广 举例 解释 反驳 uses extends explains'.split(' ');
const people = 'Lin Chen Wang Zhao Euler Gauss Noether Riemann Cauchy Abel'.split(' ');
const groups = 10;
const triplets = 100;
const zipfQueries = 1000;
const zipfRequests = 10_000;

const headers = { 'content-type': 'application/json' };

async function post(client: Client, address: string, body: unknown) {
  return client.request('POST', address, { headers, body: Buffer.from(JSON.stringify(body)) });
}

async function fill(service: Service, facts: number): Promise<number> {
  const client = createClient(service.origin, 1);
  const random = createRandom(1);
  const startedAt = performance.now();
  for (let done = 0; done < facts; done += triplets) {
    const told = Array.from({ length: Math.min(triplets, facts - done) }, (_, i) => ({
      source: `${random.pick(people)} ${random.integer(1, 400)}`,
      relation: random.pick(relations),
      target: `${random.pick(things)} ${done + i}`,
      fact: `${random.pick(people)} ${random.pick(relations)} ${random.pick(things)} ${random.pick(things)} ${done + i}`,
      exclusive: false,
    }));
    const body = {
      content: `lesson ${done}`,
      group_id: `group-${(done / triplets) % groups}`,
      metadata: { triplets: told },
    };
    expectStatus(await post(client, '/knowledge/add', body), [201], 'POST /knowledge/add');
  }
  client.close();
  return (performance.now() - startedAt) / 1000;
}

/** A question, another one for each number. */
const questionOf = (turn: number) =>
  `${people[turn % people.length]} ${things[(turn * 7) % things.length]} ${things[(turn * 5 + 3) % things.length]} ${turn}`;

interface Answer {
  cache: string;
  milliseconds: number;
}

async function search(client: Client, turn: number): Promise<Answer> {
  const answer = expectStatus(
    await post(client, '/knowledge/search', { query: questionOf(turn), group_ids: [`group-${turn % groups}`] }),
    [200],
    'POST /knowledge/search',
  );
  const { cache, results } = JSON.parse(answer.body.toString()) as { cache: string; results: unknown[] };
  if (results.length === 0) throw new Error('a search found nothing');
  return { cache, milliseconds: answer.milliseconds };
}

async function timesOf(client: Client, turns: readonly number[], expected: string): Promise<number[]> {
  const milliseconds: number[] = [];
  for (const turn of turns) {
    const answer = await search(client, turn);
    if (answer.cache !== expected) throw new Error(`expected a ${expected}, got a ${answer.cache}`);
    milliseconds.push(answer.milliseconds);
  }
  return milliseconds;
}

/** How often each is drawn goes with one over its place. */
function zipf(random: Random, count: number): () => number {
  const sums: number[] = [];
  let sum = 0;
  for (let place = 1; place <= count; place++) {
    sum += 1 / place;
    sums.push(sum);
  }
  return () => {
    const drawn = random.next() * sum;
    return sums.findIndex((upTo) => upTo >= drawn);
  };
}

async function callsOf(client: Client): Promise<number> {
  const metrics = await scrapeMetrics(client);
  return metrics.value('canvas_graph_provider_seconds_count', { operation: 'search' }) ?? 0;
}

/** Starts the service again and asks once it has loaded what it loads, none of it twice. */
async function start(folder: string, turn: number): Promise<{ first: number; warm: number }> {
  const service = await startService(folder, 'optimized');
  const client = createClient(service.origin, 1);
  await untilLoaded(client);
  const [first = 0] = await timesOf(client, [turn], 'miss');
  const later = Array.from({ length: 20 }, (_, i) => turn + 1 + i);
  const warm = median(await timesOf(client, later, 'miss'));
  client.close();
  await service.stop();
  return { first, warm };
}

/**
 * Searches in the graph memory over HTTP: from the cache, and asked anew.
 * @source product contract, Optimisations (`graph_cache`); story-17.4 task 4
 */
export async function benchGraphSearch(context: BenchContext, facts: number): Promise<Section> {
  context.note(`memory: storing ${formatNumber(facts)} facts`);
  const service = await startService(path.join(context.folder, `graph-${facts}`), 'optimized');
  const filledSeconds = await fill(service, facts);
  const client = createClient(service.origin, 1);
  const perRound = context.quick ? 10 : 50;
  let next = 0;
  const fresh = () => Array.from({ length: perRound }, () => next++);
  await timesOf(client, fresh(), 'miss');
  context.note('memory: searches');
  const rounds = await interleave(context.quick ? 2 : 7, {
    miss: () => timesOf(client, fresh(), 'miss'),
    hit: async () => {
      const known = Array.from({ length: perRound }, (_, i) => i);
      return timesOf(client, known, 'hit');
    },
  });

  const crowd = createClient(service.origin, 100);
  const before = await callsOf(client);
  const answers = await Promise.all(Array.from({ length: 100 }, () => search(crowd, 1_000_000)));
  const calls = (await callsOf(client)) - before;
  crowd.close();

  context.note('memory: a load in which few questions are asked often');
  const [queries, requests] = context.quick ? [50, 500] : [zipfQueries, zipfRequests];
  const draw = zipf(createRandom(3), queries);
  let hits = 0;
  for (let i = 0; i < requests; i++) if ((await search(client, 2_000_000 + draw())).cache === 'hit') hits += 1;
  client.close();
  await service.stop();

  const starts: { first: number; warm: number }[] = [];
  for (let round = 0; round < (context.quick ? 1 : 5); round++) {
    context.note('memory: the first search after a start');
    starts.push(await start(service.folder, 3_000_000 + 1000 * round));
  }

  const spread = (name: 'hit' | 'miss') => {
    const all = rounds.flatMap((round) => round[name]);
    return [
      name === 'hit' ? 'from the cache' : 'asked anew',
      ...[0.5, 0.95].map((q) => formatNumber(quantile(all, q))),
    ];
  };
  return {
    title: `Graph memory: ${formatNumber(facts)} facts`,
    how:
      `The embedded memory with built-in vectors, ${groups} groups; one client, one search of one group after another, 10 ` +
      `facts each. The facts came as ${triplets} triplets a request and were stored in ${formatNumber(filledSeconds)} s. The load: ` +
      `${formatNumber(requests)} requests for ${formatNumber(queries)} questions, drawn by Zipf's law (exponent 1). Then the ` +
      'service is started again and asked once `index_prewarm` has ended.',
    figures: [
      {
        measure: 'a search answered from the cache: p50',
        unit: 'ms',
        rounds: rounds.map(({ hit }) => median(hit)),
        perRound: `${perRound} searches`,
        asked: { relation: 'at most', value: 1 },
      },
      {
        measure: 'asked anew / from the cache',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ hit, miss }) => median(miss) / median(hit)),
        perRound: `${perRound} searches each`,
        asked: { relation: 'at least', value: 50 },
      },
      {
        measure: 'a search asked anew: p50',
        unit: 'ms',
        rounds: rounds.map(({ miss }) => median(miss)),
        perRound: `${perRound} searches`,
        asked: { relation: 'at most', value: 200 },
      },
      {
        measure: 'calls for 100 equal searches at the same time',
        unit: 'calls',
        rounds: [calls],
        perRound: `${answers.length} searches`,
        asked: { relation: 'at most', value: 1 },
      },
      {
        measure: 'hit ratio of the load',
        unit: '',
        rounds: [hits / requests],
        perRound: `${formatNumber(requests)} searches`,
        asked: { relation: 'at least', value: 0.8 },
      },
      {
        measure: 'first search after a start / later ones, all asked anew',
        unit: 'x',
        rounds: starts.map(({ first, warm }) => first / warm),
        perRound: 'one start',
        asked: { relation: 'at most', value: 2.5 },
      },
    ],
    tables: [
      { heading: ['milliseconds', 'p50', 'p95'], rows: [spread('hit'), spread('miss')] },
      {
        heading: ['milliseconds', 'first', 'later'],
        rows: starts.map(({ first, warm }, i) => [`start ${i + 1}`, formatNumber(first), formatNumber(warm)]),
      },
    ],
  };
}
