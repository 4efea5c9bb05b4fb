import { expect, test } from 'vitest';
import { onDemand } from '../src/on-demand.js';

test('nothing is made before it is asked for, and all who ask get the same', async () => {
  let made = 0;
  const thing = onDemand(async () => ({ number: ++made }));
  expect(made).toBe(0);
  const [first, second] = await Promise.all([thing(), thing()]);
  expect(first).toBe(second);
  expect(await thing()).toBe(first);
  expect(made).toBe(1);
});

test('after a failure, which everybody who waited is told, the next one tries again', async () => {
  let tries = 0;
  const thing = onDemand(async () => {
    tries += 1;
    if (tries === 1) throw new Error('not now');
    return 'made';
  });
  expect(await Promise.allSettled([thing(), thing()])).toMatchObject([
    { status: 'rejected', reason: { message: 'not now' } },
    { status: 'rejected', reason: { message: 'not now' } },
  ]);
  expect(await thing()).toBe('made');
  expect(tries).toBe(2);
});
