import { expect, test } from 'vitest';
import { Problem } from '../src/errors.js';
import { withFallback } from '../src/optimization.js';
import { fixedOptimization } from './support/optimization.js';

const original = () => 'original';

test('the optimised way is taken only while the flag is on', async () => {
  const flag = fixedOptimization(true, {});
  expect(await withFallback(flag, () => 'optimised', original)).toBe('optimised');
  flag.enabled = false;
  expect(await withFallback(flag, () => 'optimised', original)).toBe('original');
});

test('an optimised way that breaks is reported and answered the original way', async () => {
  const flag = fixedOptimization(true, {});
  const broken = new Error('broken');
  const answer = await withFallback(flag, () => Promise.reject(broken), original);
  expect(answer).toBe('original');
  expect(flag.failures).toEqual([broken]);
});

test('a refusal of the input is passed on and not taken for a breakage', async () => {
  const flag = fixedOptimization(true, {});
  const refusal = new Problem({ code: 'X', kind: 'missing', message: 'none' });
  await expect(withFallback(flag, () => Promise.reject(refusal), original)).rejects.toBe(refusal);
  expect(flag.failures).toEqual([]);
});
