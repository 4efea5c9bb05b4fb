import { expect, test } from 'vitest';
import { createSingleFlight } from '../../../../src/trajectories/query/cache/single-flight.js';

test('equal work that is asked for at once runs once, other work by itself, and later work anew', async () => {
  const flight = createSingleFlight<string>();
  const runs: string[] = [];
  const work = (key: string) => flight.run(key, async () => `${key}${runs.push(key)}`);
  expect(await Promise.all([work('a'), work('b'), work('a')])).toEqual(['a1', 'b2', 'a1']);
  expect(await work('a')).toBe('a3');
});

test('a failure reaches all who wait for it and nobody after them', async () => {
  const flight = createSingleFlight<string>();
  const failing = () => Promise.reject(new Error('broken'));
  const both = await Promise.allSettled([flight.run('a', failing), flight.run('a', failing)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await flight.run('a', async () => 'fine')).toBe('fine');
});
