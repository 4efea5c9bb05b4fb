import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { makeTrajectories } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Section } from '../report/section.js';
import { createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { untilLoaded } from '../support/loaded.js';
import { startService } from '../support/service.js';
import { median } from '../support/statistics.js';
import { importFile } from './import-speed.js';

const warmRequests = 20;
const page = '/api/trajectories?pageSize=20&sort_by=reward&sort_order=desc';

interface Start {
  firstMs: number;
  warmMs: number;
}

/**
 * The first page that is asked for after a start, beside later ones, with `index_prewarm` on and off.
 * @source product contract, Optimisations (`index_prewarm`)
 */
export async function benchStart(context: BenchContext): Promise<Section> {
  context.note('start: filling the store');
  const records = context.quick ? 1000 : 10_000;
  const folder = path.join(context.folder, 'start');
  const importing = await startService(folder, 'optimized');
  await importFile(importing, makeTrajectories(records, 1));
  await importing.stop();

  async function start(off: readonly string[]): Promise<Start> {
    const service = await startService(folder, 'optimized', off);
    const client = createClient(service.origin, 1);
    await untilLoaded(client);
    const ask = async () => expectStatus(await client.request('GET', page), [200], `GET ${page}`).milliseconds;
    const firstMs = await ask();
    const later: number[] = [];
    for (let i = 0; i < warmRequests; i++) later.push(await ask());
    client.close();
    await service.stop();
    return { firstMs, warmMs: median(later) };
  }

  const rounds = await interleave(context.quick ? 1 : 5, {
    prewarmed: () => start([]),
    lazy: () => start(['index_prewarm']),
  });
  const perRound = `one start, ${warmRequests} later requests`;
  const row = (name: 'prewarmed' | 'lazy') => [
    name,
    ...(['firstMs', 'warmMs'] as const).map((field) => formatNumber(median(rounds.map((round) => round[name][field])))),
  ];
  return {
    title: 'Trajectories: first query after a start',
    how:
      `${formatNumber(records)} records; one sorted page of 20 asked for over HTTP right after the service has started ` +
      'and loaded what it loads, this order among others, then the same again and again (no answer is kept). The files ' +
      'are in the memory of the operating system in both cases, which favours the start without loading.',
    figures: [
      {
        measure: 'first request / later ones, prewarmed',
        unit: 'x',
        rounds: rounds.map(({ prewarmed }) => prewarmed.firstMs / prewarmed.warmMs),
        perRound,
        asked: { relation: 'at most', value: 2.5 },
      },
      {
        measure: 'first request, not prewarmed / prewarmed',
        unit: 'x',
        holds: 'high',
        rounds: rounds.map(({ prewarmed, lazy }) => lazy.firstMs / prewarmed.firstMs),
        perRound,
      },
    ],
    tables: [{ heading: ['milliseconds, medians', 'first', 'later'], rows: [row('prewarmed'), row('lazy')] }],
  };
}
