import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseDocument } from 'yaml';
import type { BenchContext } from '../bench.js';
import { makeCanvas } from '../makers/canvas-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { type Load, type LoadSlice, loadSlice, requestsPerSlice } from '../support/load.js';
import { scrapeMetrics } from '../support/metrics-text.js';
import { type Service, startService } from '../support/service.js';
import { median } from '../support/statistics.js';

const canvasBytes = 2000;
const fileName = 'small.canvas';
const rate = 0.01;
/** Fifty comparisons a round, so that chance evens out. */
const fewestReads = 5000;

const without = (unplugged: string) => ({
  NODE_OPTIONS: `--import ${new URL('unplugged.mjs', import.meta.url).href}`,
  UNPLUGGED: unplugged,
});

/** The services that take turns: how they compare, and their environment. */
const contestants = {
  'as shipped': { verification: {}, environment: {} },
  'comparing 1 %, however busy': {
    verification: { max_load_ratio: 1, max_time_ratio: 1, max_waiting: 1000 },
    environment: {},
  },
  'no comparisons': { verification: { sample_rate: 0 }, environment: {} },
  'no comparisons, no log': { verification: { sample_rate: 0 }, environment: without('log') },
  'no comparisons, no log, no metrics': { verification: { sample_rate: 0 }, environment: without('log metrics') },
};
type Contestant = keyof typeof contestants;
const names = Object.keys(contestants) as Contestant[];
const nothing: Contestant = 'no comparisons, no log, no metrics';

async function start(context: BenchContext, name: Contestant): Promise<Service> {
  const { verification, environment } = contestants[name];
  const folder = path.join(context.folder, name.replaceAll(/\W+/g, '-'));
  const service = await startService(folder, 'optimized', [], [], environment);
  const file = path.join(folder, 'optimization.yaml');
  const flags = parseDocument(await readFile(file, 'utf8'));
  for (const [key, value] of Object.entries({ sample_rate: rate, ...verification })) {
    flags.setIn(['verification', key], value);
  }
  await writeFile(file, flags.toString());
  const client = createClient(service.origin, 1);
  expectStatus(await client.request('POST', '/admin/reload'), [200], 'POST /admin/reload');
  client.close();
  return service;
}

async function comparisonsOf(service: Service): Promise<Record<string, number>> {
  const client = createClient(service.origin, 1);
  const metrics = await scrapeMetrics(client);
  client.close();
  const of = (result: string) => metrics.value('canvas_optimization_comparisons_total', { result }) ?? 0;
  return { equal: of('equal'), skipped: of('skipped'), dropped: of('dropped'), mismatch: of('mismatch') };
}

/**
 * What metrics, the log and comparing 1 % of the answers with the original way cost together, at reads of 2 KB.
 * @throws Error when a comparison found a difference
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export async function benchWatchingCosts(context: BenchContext): Promise<Section> {
  context.note('what watching costs: metrics, log, comparisons');
  const canvas = makeCanvas(canvasBytes, 1);
  const services = {} as Record<Contestant, Service>;
  const slices = {} as Record<Contestant, () => Promise<LoadSlice>>;
  const rounds = context.quick ? 3 : 15;
  const counts: number[] = [];
  for (const name of names) {
    const service = await start(context, name);
    services[name] = service;
    await writeFile(path.join(service.vaultDir, fileName), canvas);
    const load: Load = { url: `${service.origin}/canvas/${fileName}`, pid: service.pid, status: 200, body: canvas };
    const likely = await requestsPerSlice(load, context.quick ? 0.15 : 0.5, context.quick ? 0.3 : 2);
    const count = Math.max(likely, context.quick ? 0 : fewestReads);
    counts.push(count);
    slices[name] = () => loadSlice(load, count);
  }
  const taken = await interleave(rounds, slices);
  const rows: string[][] = [];
  for (const name of names) {
    const { equal, dropped, skipped, mismatch } = await comparisonsOf(services[name]);
    if (mismatch) throw new Error(`${name}: ${mismatch} comparisons found a difference`);
    const speed = median(taken.map((round) => round[name].requestsPerSecond));
    const micros = median(taken.map((round) => round[name].cpuMicrosPerRequest));
    rows.push([name, ...[speed, micros, equal ?? 0, dropped ?? 0, skipped ?? 0].map(formatNumber)]);
    await services[name].stop();
  }
  const ratios = (of: Contestant, measure: 'requestsPerSecond' | 'cpuMicrosPerRequest') =>
    taken.map((round) => round[of][measure] / round[nothing][measure]);
  const perRound = `${formatNumber(Math.min(...counts))} reads or more of each`;
  return {
    title: 'Watching: metrics, log, comparisons',
    how:
      `One canvas of ${canvasBytes / 1000} KB in memory, read over 16 connections; the services take turns. Compared with ` +
      'one that neither compares, nor logs, nor reports requests and reads to its metrics (unplugged when it is loaded). ' +
      'As shipped, comparisons keep to a twentieth of the time and rest while the event loop is busier than 0.9, as it is ' +
      'here; the second line compares 1 % all the same.',
    figures: (['as shipped', 'comparing 1 %, however busy'] as const).flatMap((name): Figure[] => [
      {
        measure: `reads/s, ${name} / with nothing of it`,
        unit: '',
        rounds: ratios(name, 'requestsPerSecond'),
        perRound,
        asked: { relation: 'at least', value: 0.9 },
      },
      {
        measure: `CPU for one read, ${name} / with nothing of it`,
        unit: '',
        rounds: ratios(name, 'cpuMicrosPerRequest'),
        perRound,
        asked: { relation: 'at most', value: 1.11 },
        ...(name === 'as shipped' && { holds: 'low' }),
      },
    ]),
    tables: [{ heading: ['', 'reads/s', 'CPU us/read', 'compared', 'dropped', 'skipped'], rows }],
  };
}
