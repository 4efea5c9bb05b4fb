import { cp } from 'node:fs/promises';
import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { createRandom } from '../makers/random.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { type Service, startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import { type MadeEvents, makeEvents } from './event-maker.js';

const writers = 32;

interface Query {
  name: string;
  address(made: MadeEvents, turn: number): string;
}

const events = (query: Record<string, string>) => `/memory/events?${new URLSearchParams(query)}`;
const queries: Query[] = [
  { name: '7 days', address: () => events({ range: '7d' }) },
  {
    name: '7 days of one canvas',
    address: ({ canvases }, turn) => events({ range: '7d', canvas_path: `course/${turn % canvases}.canvas` }),
  },
  {
    name: '30 days of one session',
    address: ({ sessions }, turn) => events({ range: '30d', session_id: `session-${sessions - 1 - (turn % 50)}` }),
  },
];

/** The ids on a page, to be compared. */
const idsOf = (body: Buffer) =>
  (JSON.parse(body.toString()).data as { event_id: string }[]).map((event) => event.event_id);

async function ask(client: Client, query: Query, made: MadeEvents, from: number, times: number): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const answer = expectStatus(await client.request('GET', query.address(made, from + i)), [200], query.name);
    milliseconds.push(answer.milliseconds);
  }
  return milliseconds;
}

async function append(client: Client, times: number, label: string): Promise<number[]> {
  const headers = { 'content-type': 'application/json' };
  return Promise.all(
    Array.from({ length: times }, async (_, i) => {
      const timestamp = new Date().toISOString();
      const body = Buffer.from(JSON.stringify({ event_id: `${label}-${i}`, event_type: 'appended', timestamp }));
      const answer = await client.request('POST', '/memory/events', { headers, body });
      return expectStatus(answer, [201], 'POST /memory/events').milliseconds;
    }),
  );
}

interface Filled {
  optimized: Service;
  baseline: Service;
  made: MadeEvents;
  eventsPerSecond: number;
}

/** Two services over the same events, one of them without partitions. */
async function fill(context: BenchContext, count: number): Promise<Filled> {
  const folder = path.join(context.folder, `events-${count}`);
  const filling = await startService(path.join(folder, 'optimized'), 'optimized');
  const client = createClient(filling.origin, 1);
  let storingMs = 0;
  const made = await makeEvents(count, Date.now(), 11, async (body) => {
    const headers = { 'content-type': 'application/x-ndjson' };
    const answer = expectStatus(
      await client.request('POST', '/memory/events/batch', { headers, body }),
      [201],
      'batch',
    );
    storingMs += answer.milliseconds;
    context.note(`events: ${formatNumber(Math.round((storingMs / 1000) * 10) / 10)} s of storing`);
  });
  client.close();
  await filling.stop();
  const copied = path.join(folder, 'baseline', 'data', 'events');
  await cp(path.join(folder, 'optimized', 'data', 'events'), copied, { recursive: true });
  return {
    optimized: await startService(path.join(folder, 'optimized'), 'optimized'),
    baseline: await startService(path.join(folder, 'baseline'), 'optimized', ['temporal_partitions']),
    made,
    eventsPerSecond: count / (storingMs / 1000),
  };
}

async function expectSameAnswers(one: Client, other: Client, made: MadeEvents): Promise<void> {
  for (const query of queries) {
    const addresses = [one, other].map((client) => client.request('GET', query.address(made, 3)));
    const [a, b] = (await Promise.all(addresses)).map(({ body }) => idsOf(body));
    // The range ends now: an event may have left it between the two.
    const common = Math.min(a?.length ?? 0, b?.length ?? 0);
    const isSame =
      Math.abs((a?.length ?? 0) - (b?.length ?? 0)) <= 1 && a?.slice(0, common).join() === b?.slice(0, common).join();
    if (!isSame) throw new Error(`${query.name}: both ways expected to answer the same`);
  }
}

/**
 * Learning events over HTTP: queries of the last days beside a scan of all, and appends.
 * @source issue "a 7-day query over a million events in a year p95 <= 15 ms and >= 10 x faster than the scan"
 */
export async function benchEventSpeed(context: BenchContext, count: number): Promise<Section> {
  context.note(`events: storing ${formatNumber(count)}`);
  const { optimized, baseline, made, eventsPerSecond } = await fill(context, count);
  const clients = { optimized: createClient(optimized.origin, writers), baseline: createClient(baseline.origin, 1) };
  await expectSameAnswers(clients.optimized, clients.baseline, made);
  const figures: Figure[] = [];
  const rows: string[][] = [];
  const random = createRandom(5);
  const perRound = context.quick ? 5 : 50;
  const scansPerRound = context.quick || count > 200_000 ? 1 : 3;
  for (const [index, query] of queries.entries()) {
    context.note(`events: ${query.name}`);
    const turn = random.integer(0, 1000);
    await ask(clients.optimized, query, made, turn, 3);
    const rounds = await interleave(context.quick ? 1 : 5, {
      optimized: (round) => ask(clients.optimized, query, made, turn + round * perRound, perRound),
      baseline: (round) => ask(clients.baseline, query, made, turn + round * perRound, scansPerRound),
    });
    const judged = index < 2;
    figures.push({
      measure: `${query.name}: p95`,
      unit: 'ms',
      rounds: rounds.map((round) => quantile(round.optimized, 0.95)),
      perRound: `${perRound} requests`,
      ...(judged ? { asked: { relation: 'at most', value: 15 } as const } : {}),
    });
    figures.push({
      measure: `${query.name}: times faster than a scan of all events (p50)`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map((round) => median(round.baseline) / median(round.optimized)),
      perRound: `${perRound} requests, ${scansPerRound} of the scan`,
      ...(judged ? { asked: { relation: 'at least', value: 10 } as const } : {}),
    });
    for (const way of ['optimized', 'baseline'] as const) {
      const all = rounds.flatMap((round) => round[way]);
      rows.push([`${query.name}, ${way}`, ...[0.5, 0.95].map((q) => formatNumber(quantile(all, q)))]);
    }
  }
  context.note('events: appends');
  const alone: number[] = [];
  for (let i = 0; i < (context.quick ? 10 : 200); i++)
    alone.push(...(await append(clients.optimized, 1, `alone-${i}`)));
  const together: number[] = [];
  const startedAt = performance.now();
  for (let i = 0; i < (context.quick ? 2 : 40); i++) {
    together.push(...(await append(clients.optimized, writers, `together-${i}`)));
  }
  const perSecond = together.length / ((performance.now() - startedAt) / 1000);
  for (const [name, samples] of [
    ['append, one at a time', alone],
    [`append, ${writers} at a time`, together],
  ] as const) {
    figures.push({
      measure: `${name}: p50`,
      unit: 'ms',
      rounds: [median(samples)],
      perRound: `${samples.length} requests`,
    });
    rows.push([name, ...[0.5, 0.95].map((q) => formatNumber(quantile(samples, q)))]);
  }
  for (const client of Object.values(clients)) client.close();
  await optimized.stop();
  await baseline.stop();
  return {
    title: `Memory: ${formatNumber(count)} learning events`,
    how:
      `Events spread evenly over a year, stored as lines of JSON at ${formatNumber(eventsPerSecond)} a second; pages of 100, one ` +
      `client, one request after another; the baseline is the same service without temporal_partitions. ${writers} appends at ` +
      `a time: ${formatNumber(perSecond)} a second, each durable when answered.`,
    figures,
    tables: [{ heading: ['milliseconds', 'p50', 'p95'], rows }],
  };
}
