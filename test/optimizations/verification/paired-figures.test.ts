import fc from 'fast-check';
import { expect, it } from 'vitest';
import { meanInterval, studentT } from '../../../src/optimizations/verification/mean-interval.js';
import { Pairs } from '../../../src/optimizations/verification/paired-figures.js';
import { openTestFlags } from '../open-test-flags.js';

it("the points of Student's t are those of the tables", () => {
  for (const [degrees, point] of [
    [1, 12.706],
    [4, 2.776],
    [5, 2.571],
    [9, 2.262],
    [29, 2.045],
    [999, 1.962],
  ] as const) {
    expect(studentT(degrees)).toBeCloseTo(point, 2);
  }
});

it('an interval is that of the textbook', () => {
  const { mean, bounds } = meanInterval([4.9, 5.1, 5.2, 4.8, 5.0]) ?? {};
  expect(mean).toBeCloseTo(5);
  // s = 0.158, t = 2.776, s / sqrt(5) = 0.0707
  expect(bounds?.[0]).toBeCloseTo(4.804, 3);
  expect(bounds?.[1]).toBeCloseTo(5.196, 3);
  expect(meanInterval([])).toBeUndefined();
  expect(meanInterval([1])).toEqual({ mean: 1, bounds: undefined });
});

it('a saving is told from the pairs, with its interval, its share and the 95th percentile of both ways', () => {
  const pairs = new Pairs('ms');
  for (let i = 1; i <= 100; i++) pairs.add('ms', i / 100, 10 + i / 100);
  expect(pairs.figures()).toMatchObject({
    baseline: { count: 100, p95_ms: 10.95 },
    optimized: { count: 100, p95_ms: 0.95 },
    samples: 100,
    distinguishable: true,
    unit: 'ms',
  });
  const { saved_ms, saved_ratio, interval } = pairs.figures();
  expect(saved_ms).toBeCloseTo(10);
  expect(saved_ratio).toBeCloseTo(10 / 10.505, 4);
  expect(interval?.[0]).toBeCloseTo(10);
});

it('what costs more than it saves is distinguishable, too, and negative', () => {
  const pairs = new Pairs('ms');
  for (let i = 0; i < 50; i++) pairs.add('ms', 3 + (i % 5) / 10, 1);
  expect(pairs.figures()).toMatchObject({ distinguishable: true });
  expect(pairs.figures().saved_ms).toBeLessThan(0);
});

it('two ways that take the same are not distinguishable, in at least 19 of 20 trials', () => {
  let seed = 42;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  let told = 0;
  for (let trial = 0; trial < 400; trial++) {
    const pairs = new Pairs('ms');
    for (let i = 0; i < 40; i++) pairs.add('ms', random(), random());
    if (pairs.figures().distinguishable) told += 1;
  }
  expect(told / 400).toBeLessThan(0.08);
});

it('few pairs are never distinguishable, and none give no figures', () => {
  const pairs = new Pairs('ms');
  expect(pairs.figures()).toEqual({
    baseline: { count: 0, mean_ms: null, p95_ms: null },
    optimized: { count: 0, mean_ms: null, p95_ms: null },
    saved_ms: null,
    saved_ratio: null,
    interval: null,
    samples: 0,
    samples_missing: 10,
    distinguishable: false,
    unit: 'ms',
  });
  for (let i = 0; i < 9; i++) pairs.add('ms', 1, 100);
  expect(pairs.figures().distinguishable).toBe(false);
});

it('the interval holds the mean, and the last thousand pairs count, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.float({ min: 0, max: 1000, noNaN: true }), fc.float({ min: 0, max: 1000, noNaN: true }))),
      (given) => {
        const pairs = new Pairs('ms');
        for (const [optimised, original] of given) pairs.add('ms', optimised, original);
        const { saved_ms, interval, samples } = pairs.figures();
        expect(samples).toBe(given.length);
        if (saved_ms === null || !interval) return;
        expect(interval[0]).toBeLessThanOrEqual(saved_ms + 1e-9);
        expect(interval[1]).toBeGreaterThanOrEqual(saved_ms - 1e-9);
      },
    ),
    { numRuns: 100, seed: 3 },
  );
  const pairs = new Pairs('ms');
  for (let i = 0; i < 2500; i++) pairs.add('ms', 1, i < 1500 ? 100 : 2);
  expect(pairs.figures()).toMatchObject({ samples: 1000, baseline: { count: 2500, mean_ms: 2 }, saved_ms: 1 });
});

it('work that cannot be repeated is counted both ways, in its own unit', async () => {
  const { flags } = await openTestFlags('enabled: true\n');
  const writer = flags.optimization('batch_writer');
  for (const requests of [4, 1, 7, 4, 4, 4, 4, 4, 4, 4]) {
    writer.counted?.({ unit: 'file writes', optimised: 1, original: requests });
  }
  expect(flags.savings().batch_writer).toMatchObject({
    unit: 'file writes',
    samples: 10,
    baseline: { mean_ms: 4 },
    optimized: { mean_ms: 1 },
    saved_ms: 3,
    saved_ratio: 0.75,
    distinguishable: true,
  });
  flags.set('batch_writer', false);
  writer.counted?.({ unit: 'file writes', optimised: 1, original: 1 });
  expect(flags.savings().batch_writer.samples).toBe(10);
});
