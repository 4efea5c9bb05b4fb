import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { expositionText } from '../../src/metrics/exposition.js';
import { HotCounter, HotHistogram } from '../../src/metrics/hot-series.js';

it('writes what the registry would write, to the letter', async () => {
  const registry = new Registry();
  const gauge = new Gauge({ name: 'a_gauge', help: 'A gauge', labelNames: ['x'], registers: [registry] });
  gauge.set({ x: 'y' }, 1.5);
  gauge.set({ x: 'a "quoted" \\ word\nand a line' }, Number.NaN);
  gauge.set({ x: 'high' }, Number.POSITIVE_INFINITY);
  gauge.set({ x: 'low' }, Number.NEGATIVE_INFINITY);
  const hot = new HotCounter(registry, 'b_total', 'Help with \\ and\na new line', ['cache', 'outcome']);
  hot.bind('query', 'hit').value += 3;
  hot.bind('with "quotes" \\ and\na new line', 'miss').value += 1e-7;
  new HotCounter(registry, 'c_total', 'No series', ['x']);
  new HotCounter(registry, 'd_total', 'No labels', []).bind().value += 2 ** 53;
  const seconds = new HotHistogram(registry, 'e_seconds', 'A histogram', ['endpoint'], [0.0005, 0.1, 1]);
  for (const value of [0.0005, 0.05, 0.1, 0.2, 7]) seconds.bind('/a').observe(value);
  seconds.bind('/b');
  const histogram = { name: 'g_seconds', help: 'Another', labelNames: ['x', 'y'], buckets: [0.1, 1] };
  const other = new Histogram({ ...histogram, registers: [registry] });
  other.observe({ x: 'a', y: 'b' }, 0.5);
  other.observe({ x: 'c', y: 'with "quotes"' }, 5);
  new Histogram({ ...histogram, name: 'h_seconds', labelNames: [], registers: [registry] }).observe(0.01);
  new Counter({ name: 'f_total', help: 'A counter', registers: [registry] }).inc(4);
  expect(await expositionText(registry)).toBe(await registry.metrics());
  seconds.bind('/a').observe(0.3);
  expect(await expositionText(registry)).toBe(await registry.metrics());
});

it('shows what Node tells of itself, and what is asked for at each scrape', async () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  let asked = 0;
  new Gauge({
    name: 'asked',
    help: 'Asked at each scrape',
    registers: [registry],
    async collect() {
      asked += 1;
      this.set(asked);
    },
  });
  // The collector may run in between, and has a series for each kind of its work.
  const told = (text: string) => text.split('\n').filter((line) => !line.startsWith('nodejs_gc_'));
  const names = (text: string) => told(text).map((line) => line.replace(/ \S+$/, ''));
  expect(names(await expositionText(registry))).toEqual(names(await registry.metrics()));
  expect(await expositionText(registry)).toContain('\nasked 3\n');
});
