import { expect, test } from 'vitest';
import { createPageLimit, noPageLimit, takenInSteps } from '../../../../src/trajectories/query/rows/page-limit.js';

const limitOf = (maxBytes: number, largest: number | undefined) => createPageLimit(maxBytes, { bytes: () => largest });

test('as many rows are read at once as four pages hold, however large they are', () => {
  expect(limitOf(1000, 100).rowsAtOnce()).toBe(40);
  expect(limitOf(1000, 2001).rowsAtOnce()).toBe(1);
  expect(limitOf(1000, 5000).rowsAtOnce()).toBe(1);
  expect(limitOf(1000, undefined).rowsAtOnce()).toBe(16);
  expect([10, 11].map(limitOf(1000, 100).fits)).toEqual([true, false]);
  expect([limitOf(1000, undefined).fits(1), noPageLimit.fits(1000)]).toEqual([false, true]);
});

/** Takes the sizes as rows, and notes how many were asked for at once. */
async function taken(sizes: number[], maxBytes: number, rowsAtOnce: number, parameter?: 'limit') {
  const steps: number[] = [];
  const take = async (some: number[]) => {
    steps.push(some.length);
    return some.some(Number.isNaN) ? undefined : some;
  };
  const limit = { ...noPageLimit, maxBytes, rowsAtOnce: () => rowsAtOnce };
  const rows = await takenInSteps(sizes, limit, take, (size) => size, parameter).catch((error: unknown) => error);
  return { steps, rows };
}

test('a page that fits in comes whole, in its order, in steps', async () => {
  expect(await taken([3, 1, 2, 4], 10, 3)).toEqual({ steps: [3, 1], rows: [3, 1, 2, 4] });
  expect(await taken([], 10, 3)).toEqual({ steps: [], rows: [] });
  expect(await taken([1, Number.NaN, 2], 10, 1)).toEqual({ steps: [1, 1], rows: undefined });
  expect(await takenInSteps([7, 8], noPageLimit, async (some) => some, Number)).toEqual([7, 8]);
});

test('a page that does not fit in is refused as soon as that is known: nothing after it is read', async () => {
  const { steps, rows } = await taken([4, 4, 4, 4, 4, 4], 10, 2);
  expect(steps).toEqual([2, 2]);
  expect(rows).toMatchObject({
    code: 'PAGE_TOO_LARGE',
    kind: 'unprocessable',
    message: expect.stringMatching(
      /at most 10 bytes together, got 12 in the first 3 of 6; ask for a smaller pageSize, or/,
    ),
    faults: [{ parameter: 'pageSize', message: expect.stringMatching(/^expected/) }],
    extra: { max_bytes: 10 },
  });
  expect((await taken([4, 4, 4], 10, 2, 'limit')).rows).toMatchObject({
    message: expect.stringMatching(/a smaller limit$/),
    faults: [{ parameter: 'limit' }],
  });
});

test('one row alone is always taken', async () => {
  expect((await taken([500], 10, 1)).rows).toEqual([500]);
});
