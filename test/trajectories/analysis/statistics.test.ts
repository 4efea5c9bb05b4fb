import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passAtK } from '../../../src/trajectories/analysis/statistics.js';

/** Exact, in whole numbers. */
function binomial(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
  return k > n ? 0n : result;
}

describe('pass@k', () => {
  test('is 1 - C(n-c,k)/C(n,k)', () => {
    const drawn = fc
      .integer({ min: 1, max: 300 })
      .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 1, max: n })));
    fc.assert(
      fc.property(drawn, ([n, c, k]) => {
        const digits = 10n ** 18n;
        const exact = 1 - Number((binomial(n - c, k) * digits) / binomial(n, k)) / Number(digits);
        expect(passAtK(n, c, k)).toBeCloseTo(exact, 10);
      }),
      { seed: 9, numRuns: 500 },
    );
  });

  test('of one attempt is the success rate, of all is whether one succeeded', () => {
    expect(passAtK(8, 2, 1)).toBeCloseTo(0.25, 12);
    expect([passAtK(8, 0, 8), passAtK(8, 1, 8), passAtK(1, 1, 1)]).toEqual([0, 1, 1]);
    expect(passAtK(1_000_000, 10, 500_000)).toBeCloseTo(1 - 2 ** -10, 4);
  });
});
