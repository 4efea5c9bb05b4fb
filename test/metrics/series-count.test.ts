import { expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics/index.js';
import { openTestApp } from '../support/app.js';

/** Of the service itself; those of Node follow its garbage collector. */
const seriesOf = (text: string) => text.split('\n').filter((line) => line.startsWith('canvas_'));
/** What happens beside the requests, when its time comes: comparisons, the care of tables, looks at their sizes. */
const isOfUpkeep = (series: string) => /^canvas_(?:optimization|table|database)_/.test(series);
/** Comparisons of both ways happen now and then, and have their own series. */
const flags = 'verification:\n  sample_rate: 0\n  at_least_every_seconds: 0\n';

it('the number of series does not grow with 2,000 addresses that no two requests share', async () => {
  const { server } = await openTestApp({ flags, environment: { SLOW_QUERY_MS: '0' } });
  const files = ['/canvas/c-N.canvas', '/nowhere/n-N', '/agents/jobs/j-N', '/canvas/c-N.canvas/versions'];
  const kinds = [...files, ...files, '/api/trajectories/t-N'];
  const ask = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const url = (kinds[i % kinds.length] as string).replace('N', String(i));
      await server.inject({ method: i % 3 === 0 ? 'HEAD' : 'GET', url });
    }
  };
  const scrape = async () => seriesOf((await server.inject('/metrics')).body);
  await scrape();
  await ask(0, 60);
  const before = await scrape();
  await ask(60, 2060);
  const after = await scrape();
  const names = (series: string[]) => new Set(series.map((line) => line.slice(0, line.lastIndexOf(' '))));
  const grown = [...names(after)].filter((name) => !names(before).has(name));
  expect(grown.filter((name) => !isOfUpkeep(name))).toEqual([]);
  expect(after.join('\n')).not.toMatch(/[ctnj]-\d{2}/);
}, 30_000);

it('nor with 50,000 endpoints and methods, should any ever come', async () => {
  const metrics = createMetrics('1.2.3');
  const answered = (i: number) =>
    metrics.observeRequest({
      type: 'answered',
      method: i % 2 ? 'GET' : `METHOD${i}`,
      endpoint: `/e/${i}`,
      status: 200,
      durationSeconds: 0.001,
    });
  for (let i = 0; i < 10_000; i++) answered(i);
  const before = seriesOf(await metrics.text()).length;
  for (let i = 10_000; i < 50_000; i++) answered(i);
  expect(seriesOf(await metrics.text()).length).toBe(before);
  await metrics.close();
});
