import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, quantile, spread } from '../../bench/support/statistics.js';

test('the median is the middle sample, or lies half-way between the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 10])).toBe(3);
  expect(median([7])).toBe(7);
});

test('numbers are ordered by value, not by their text', () => {
  expect(median([100, 20, 3])).toBe(20);
});

test('quantiles are interpolated between neighbours', () => {
  expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
  expect(quantile([10, 20], 0.95)).toBeCloseTo(19.5);
  expect(quantile([1, 2, 3], 0)).toBe(1);
  expect(quantile([1, 2, 3], 1)).toBe(3);
});

test('no samples have no median', () => {
  expect(median([])).toBeNaN();
});

test('few rounds are told by their extremes, five or more by their quartiles', () => {
  expect(spread([3, 1, 2])).toEqual({ low: 1, high: 3, kind: 'min..max' });
  expect(spread([100, 1, 2, 3, 4])).toEqual({ low: 2, high: 4, kind: 'quartiles' });
});

test('a quantile lies among the samples, grows with its share, and leaves them as they were', () => {
  const samples = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
  const share = fc.double({ noNaN: true, min: 0, max: 1 });
  fc.assert(
    fc.property(samples, share, share, (values, one, other) => {
      const before = [...values];
      const low = quantile(values, Math.min(one, other));
      const high = quantile(values, Math.max(one, other));
      expect(low).toBeGreaterThanOrEqual(Math.min(...values));
      expect(high).toBeLessThanOrEqual(Math.max(...values));
      expect(high - low).toBeGreaterThanOrEqual(-1e-6);
      expect(values).toEqual(before);
    }),
    { seed: 1 },
  );
});
