import { expect, test } from 'vitest';
import { ByteBudget } from '../../../../src/canvases/history/files/byte-budget.js';

/** Pieces of work that end when they are told to, and the order in which they began. */
function startedIn(budget: ByteBudget) {
  const began: number[] = [];
  const ends = new Map<number, () => void>();
  const begin = (bytes: number) =>
    budget.run(bytes, () => {
      began.push(bytes);
      return new Promise<void>((end) => ends.set(bytes, end));
    });
  return { began, begin, end: (bytes: number) => ends.get(bytes)!() };
}

test('work begins while there is room for it, and otherwise in the order in which it came', async () => {
  const { began, begin, end } = startedIn(new ByteBudget(100));
  const all = [40, 50, 30, 1].map((bytes) => begin(bytes));
  expect(began).toEqual([40, 50]);
  end(50);
  await all[1];
  expect(began).toEqual([40, 50, 30, 1]);
  for (const bytes of [40, 30, 1]) end(bytes);
  await Promise.all(all);
});

test('work for more than the budget is done, alone', async () => {
  const { began, begin, end } = startedIn(new ByteBudget(100));
  const all = [10, 500, 20].map((bytes) => begin(bytes));
  expect(began).toEqual([10]);
  end(10);
  await all[0];
  expect(began).toEqual([10, 500]);
  end(500);
  await all[1];
  expect(began).toEqual([10, 500, 20]);
  end(20);
  await all[2];
});

test('work that fails makes room for the next', async () => {
  const budget = new ByteBudget(10);
  const failed = budget.run(10, () => Promise.reject(new Error('no')));
  const next = budget.run(10, async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
