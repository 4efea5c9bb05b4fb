import { expect, test } from 'vitest';
import { interleave } from '../../bench/support/interleave.js';

test('the variants take turns, in reversed order in every other round', async () => {
  const order: string[] = [];
  const slice = (name: string) => async (round: number) => {
    order.push(`${name}${round}`);
    return round;
  };
  const rounds = await interleave(3, { a: slice('a'), b: slice('b') });
  expect(order).toEqual(['a0', 'b0', 'b1', 'a1', 'a2', 'b2']);
  expect(rounds).toEqual([
    { a: 0, b: 0 },
    { a: 1, b: 1 },
    { a: 2, b: 2 },
  ]);
});
