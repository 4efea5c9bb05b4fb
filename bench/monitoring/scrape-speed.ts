import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { makeTrajectories } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { cpuNanoseconds } from '../support/process-usage.js';
import { type Service, startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import { importFile } from '../trajectories/import-speed.js';

/** A stream of events never ends by itself. */
const askedForMs = 1000;

/** Asks every operation of the document once or twice, rightly or wrongly, so that each has its series. */
async function askEverything(origin: string): Promise<number> {
  const document = (await (await fetch(`${origin}/openapi.json`)).json()) as { paths: Record<string, object> };
  let operations = 0;
  for (const [pattern, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      operations += 1;
      const address = `${origin}${pattern.replaceAll(/\{[^}]*\}/g, 'x')}`;
      for (const query of ['', '?unknown=1']) {
        const signal = AbortSignal.timeout(askedForMs);
        const answer = await fetch(address + query, { method: method.toUpperCase(), signal }).catch(() => undefined);
        await answer?.arrayBuffer().catch(() => undefined);
      }
    }
  }
  return operations;
}

async function scrape(client: Client): Promise<{ milliseconds: number; series: string[]; bytes: number }> {
  const answer = expectStatus(await client.request('GET', '/metrics'), [200], 'GET /metrics');
  const lines = answer.body.toString().split('\n');
  const series = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return { milliseconds: answer.milliseconds, series, bytes: answer.body.length };
}

/** @returns the series that came with so many addresses that no two requests share */
async function askManyAddresses(service: Service, addresses: number): Promise<string[]> {
  const clients = Array.from({ length: 8 }, () => createClient(service.origin, 4));
  const [client] = clients as [Client];
  const ask = async (from: number, to: number) => {
    for (let i = from; i < to; i += 8) {
      const urls = Array.from({ length: Math.min(8, to - i) }, (_, k) => addressOf(i + k));
      await Promise.all(urls.map((url, k) => (clients[k] as Client).request('GET', url)));
    }
  };
  // Some of the first answers are compared with the original way's, which has series of its own.
  const first = Math.floor(addresses / 10);
  await ask(0, first);
  const own = async () => (await scrape(client)).series.filter(isOfRequests).map((line) => line.replace(/ [^ ]*$/, ''));
  const before = new Set(await own());
  await ask(first, first + addresses);
  const after = await own();
  for (const each of clients) each.close();
  return after.filter((series) => !before.has(series));
}

/** Comparisons and the upkeep of tables bring a few series each when their time comes, whatever is asked. */
const isOfRequests = (line: string) => line.startsWith('canvas_') && !/^canvas_(?:optimization|table)_/.test(line);

const kinds = ['/canvas/c', '/api/trajectories/t', '/nowhere/n', '/agents/jobs/j', '/api/import/status/s'];
const addressOf = (i: number) => `${kinds[i % kinds.length]}-${i}${i % kinds.length === 0 ? '.canvas' : ''}`;

/**
 * `GET /metrics` of a service of which every operation was asked, over a store with records.
 * @source issue figures, "`GET /metrics` <= 5 ms with all series, series count constant under 50,000 distinct paths"
 */
export async function benchScrapes(context: BenchContext): Promise<Section> {
  context.note('monitoring: asking every operation');
  const service = await startService(path.join(context.folder, 'scrapes'), 'optimized', [], ['query_cache']);
  await importFile(service, makeTrajectories(context.quick ? 200 : 2000, 1));
  const operations = await askEverything(service.origin);
  const client = createClient(service.origin, 1);
  const perRound = context.quick ? 10 : 100;
  for (let i = 0; i < perRound; i++) await scrape(client);
  const rounds: { milliseconds: number[]; cpuMs: number }[] = [];
  for (let round = 0; round < (context.quick ? 1 : 7); round++) {
    const milliseconds: number[] = [];
    const before = cpuNanoseconds(service.pid);
    for (let i = 0; i < perRound; i++) milliseconds.push((await scrape(client)).milliseconds);
    rounds.push({ milliseconds, cpuMs: (cpuNanoseconds(service.pid) - before) / 1e6 / perRound });
  }
  const { series, bytes } = await scrape(client);
  const addresses = context.quick ? 500 : 50_000;
  context.note(`monitoring: asking ${addresses} addresses`);
  const more = await askManyAddresses(service, addresses);
  for (const series of more) context.note(`new: ${series}`);
  client.close();
  await service.stop();
  const each = `${perRound} scrapes`;
  return {
    title: 'Monitoring: a scrape',
    how:
      `One client asks \`GET /metrics\`, one after another, of a service of which all ${operations} operations were asked ` +
      `before, rightly and wrongly: ${formatNumber(series.length)} series, ${formatNumber(bytes / 1024)} KiB. Then ` +
      `${formatNumber(addresses)} addresses are asked that no two requests share, of existing and other routes; series of comparisons and of ` +
      'the upkeep of tables (a few each, when their time comes) are not counted.',
    figures: [
      {
        measure: 'GET /metrics: p50',
        unit: 'ms',
        rounds: rounds.map(({ milliseconds }) => median(milliseconds)),
        perRound: each,
        asked: { relation: 'at most', value: 5 },
      },
      {
        measure: 'GET /metrics: p99',
        unit: 'ms',
        rounds: rounds.map(({ milliseconds }) => quantile(milliseconds, 0.99)),
        perRound: each,
      },
      { measure: 'CPU time of a scrape', unit: 'ms', rounds: rounds.map(({ cpuMs }) => cpuMs), perRound: each },
      {
        measure: 'new series',
        unit: '',
        rounds: [more.length],
        perRound: `${formatNumber(addresses)} addresses`,
        asked: { relation: 'at most', value: 0 },
      },
    ],
    tables: [],
  };
}
