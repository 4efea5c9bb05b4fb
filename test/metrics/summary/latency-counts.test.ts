import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { seriesReader } from '../../../src/metrics/series-reader.js';
import {
  addedSince,
  countOf,
  latencyCounts,
  meanOf,
  noLatencies,
  quantileOf,
} from '../../../src/metrics/summary/reading/latency-counts.js';

/** A histogram as the registry keeps it, by the label `kind`. */
function testHistogram(buckets: number[]) {
  const registry = new Registry();
  const name = 'canvas_test_seconds';
  const histogram = new Histogram({ name, help: 'x', labelNames: ['kind'], buckets, registers: [registry] });
  const read = async () => latencyCounts(await seriesReader(registry)(name), ({ kind }) => String(kind));
  return { observe: (kind: string, value: number) => histogram.observe({ kind }, value), read };
}

describe('a percentile', () => {
  it('is estimated within its bucket, as Prometheus does', () => {
    const latencies = { bounds: [1, 2, 4], counts: [10, 20, 40, 40], sum: 0 };
    expect(quantileOf(latencies, 0.25)).toBe(1);
    expect(quantileOf(latencies, 0.375)).toBe(1.5);
    expect(quantileOf(latencies, 0.75)).toBe(3);
    expect(quantileOf(latencies, 0.1)).toBeCloseTo(0.4, 10);
  });

  it('is the last bound when it lies beyond, and unknown of nothing', () => {
    expect(quantileOf({ bounds: [1, 2], counts: [1, 1, 100], sum: 0 }, 0.95)).toBe(2);
    expect(quantileOf({ bounds: [1, 2], counts: [0, 0, 0], sum: 0 }, 0.95)).toBeUndefined();
    expect(quantileOf(noLatencies, 0.95)).toBeUndefined();
    expect(meanOf(noLatencies)).toBeUndefined();
  });

  it('lies in the bucket of the value that it estimates, whatever was observed', async () => {
    const buckets = [0.01, 0.1, 0.5, 1, 5];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0.0001, max: 4.9, noNaN: true }), { minLength: 1, maxLength: 40 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        async (values, share) => {
          const { observe, read } = testHistogram(buckets);
          for (const value of values) observe('a', value);
          const estimate = quantileOf((await read()).get('a') ?? noLatencies, share) as number;
          const exact = [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] as number;
          const upper = buckets.findIndex((bound) => exact <= bound);
          expect(estimate).toBeLessThanOrEqual(buckets[upper] as number);
          expect(estimate).toBeGreaterThanOrEqual(buckets[upper - 1] ?? 0);
        },
      ),
      { seed: 7, numRuns: 60 },
    );
  });
});

describe('histograms of the registry', () => {
  it('are brought together by a key, and what was added since is told', async () => {
    const { observe, read } = testHistogram([1, 10]);
    observe('a', 0.5);
    const before = (await read()).get('a');
    observe('a', 5);
    observe('a', 50);
    observe('b', 1);
    const now = await read();
    expect([...now.keys()]).toEqual(['a', 'b']);
    const added = addedSince(now.get('a') ?? noLatencies, before);
    expect(added).toEqual({ bounds: [1, 10], counts: [0, 1, 2], sum: 55 });
    expect([countOf(added), meanOf(added)]).toEqual([2, 27.5]);
    expect(addedSince(now.get('b') ?? noLatencies, undefined)).toEqual(now.get('b'));
    expect(addedSince(now.get('b') ?? noLatencies, noLatencies)).toEqual(now.get('b'));
  });

  it('leave out series without a key, and are none of a metric that there is not', async () => {
    const registry = new Registry();
    expect(await seriesReader(registry)('canvas_missing')).toEqual([]);
    const samples = [{ name: 'x_bucket', labels: { le: '+Inf' }, value: 1 }];
    expect(latencyCounts(samples, () => undefined).size).toBe(0);
  });
});
