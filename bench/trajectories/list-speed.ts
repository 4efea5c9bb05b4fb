import { cp } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BenchContext } from '../bench.js';
import { makeTrajectories } from '../makers/trajectory-maker.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { type Client, createClient, expectStatus } from '../support/client.js';
import { interleave } from '../support/interleave.js';
import { startService } from '../support/service.js';
import { median, quantile } from '../support/statistics.js';
import { importFile } from './import-speed.js';
import { type ListQuery, listQueries } from './list-queries.js';

/** One client asks one after another. @returns milliseconds of each */
async function ask(client: Client, query: ListQuery, firstTurn: number, times: number): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let turn = firstTurn; turn < firstTurn + times; turn++) {
    const answer = await client.request('GET', query.address(turn));
    milliseconds.push(expectStatus(answer, [200], `GET ${query.address(turn)}`).milliseconds);
  }
  return milliseconds;
}

/** @throws Error when the two answers differ, or say nothing */
async function compareAnswers(query: ListQuery, turn: number, optimized: Client, baseline: Client): Promise<void> {
  const [one, other] = await Promise.all(
    [optimized, baseline].map(async (client) => {
      const address = query.address(turn);
      const answer = expectStatus(await client.request('GET', address), [200], `GET ${address}`);
      return JSON.parse(answer.body.toString()) as { total?: number };
    }),
  );
  if (!isDeepStrictEqual(one, other)) throw new Error(`${query.name}: the baseline answers something else`);
  if (one?.total === 0) throw new Error(`${query.name}: expected rows, got none`);
}

/**
 * The list, beside the baseline over a copy of the same store.
 * @source trajectory-optimization 2; product contract, "Optimisations" (native_query, analysis_by_ids)
 */
export async function benchList(context: BenchContext): Promise<Section> {
  context.note('list: filling the store');
  const records = context.quick ? 1000 : 10_000;
  const optimizedFolder = path.join(context.folder, 'list-optimized');
  const baselineFolder = path.join(context.folder, 'list-baseline');
  const file = makeTrajectories(records, 1);
  const importing = await startService(optimizedFolder, 'optimized');
  await importFile(importing, file);
  await importing.stop();
  await cp(optimizedFolder, baselineFolder, { recursive: true });
  const services = {
    optimized: await startService(optimizedFolder, 'optimized'),
    baseline: await startService(baselineFolder, 'baseline'),
  };
  const optimized = createClient(services.optimized.origin, 1);
  const baseline = createClient(services.baseline.origin, 1);

  const times = { optimized: context.quick ? 5 : 20, baseline: context.quick ? 1 : 2 };
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const query of listQueries(file.ids)) {
    context.note(`list: ${query.name}`);
    for (const turn of [0, 1, 7]) await compareAnswers(query, turn, optimized, baseline);
    const rounds = await interleave(context.quick ? 1 : 5, {
      optimized: (round) => ask(optimized, query, round * times.optimized, times.optimized),
      baseline: (round) => ask(baseline, query, round * times.baseline, times.baseline),
    });
    const perRound = `${times.optimized} against ${times.baseline} requests`;
    figures.push({
      measure: `${query.name}: p50, baseline / optimized`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map((round) => median(round.baseline) / median(round.optimized)),
      perRound,
    });
    if (query.name === 'first page') {
      const p50s = rounds.map((round) => median(round.optimized));
      const asked = { relation: 'below', value: 10 } as const;
      figures.unshift({
        measure: 'first page: p50',
        unit: 'ms',
        rounds: p50s,
        perRound: `${times.optimized} requests`,
        asked,
      });
    }
    const all = (variant: 'optimized' | 'baseline') => rounds.flatMap((round) => round[variant]);
    const quantiles = [all('optimized'), all('baseline')].flatMap((samples) =>
      [0.5, 0.95].map((q) => quantile(samples, q)),
    );
    rows.push([query.name, ...quantiles.map(formatNumber)]);
  }
  optimized.close();
  baseline.close();
  await services.optimized.stop();
  await services.baseline.stop();
  return {
    title: 'Trajectories: list',
    how:
      `${formatNumber(records)} records; one client asks over HTTP, one request after another, parameters changing from ` +
      'request to request and no list result kept (`query_cache`, where there is one, is off). Both variants read ' +
      'copies of one store, and their answers are compared for equality on three requests of each kind. A page has 20 ' +
      'whole records.',
    figures,
    tables: [
      {
        heading: ['milliseconds', 'optimized p50', 'p95', 'baseline p50', 'p95'],
        rows,
      },
    ],
  };
}
