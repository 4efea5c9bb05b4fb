import { expect, it } from 'vitest';
import { TunedOptimization } from '../../src/tuning/index.js';
import { fixedOptimization } from '../support/optimization.js';

const settings = { max_bytes: 100, ttl_seconds: 60 };

it('shows the configured settings until one is tuned, and again when it is taken back', () => {
  const tuned = new TunedOptimization(fixedOptimization(true, settings));
  const limit = tuned.limit('max_bytes', 'bytes');
  expect(tuned.settings).toBe(settings);
  limit.set(200);
  expect(tuned.settings).toEqual({ max_bytes: 200, ttl_seconds: 60 });
  expect(tuned.settings, 'the same object on each use').toBe(tuned.settings);
  expect([limit.configured(), limit.current()]).toEqual([100, 200]);
  limit.set(undefined);
  expect(tuned.settings).toBe(settings);
});

it('an edit by hand holds at once: what was tuned of it is forgotten, the rest stays', () => {
  const flag = fixedOptimization(true, settings);
  const tuned = new TunedOptimization(flag);
  tuned.limit('max_bytes', 'bytes').set(200);
  tuned.limit('ttl_seconds', 'seconds').set(120);
  flag.settings = { max_bytes: 50, ttl_seconds: 60 };
  expect(tuned.settings).toEqual({ max_bytes: 50, ttl_seconds: 120 });
  flag.settings = { max_bytes: 100, ttl_seconds: 60 };
  expect(tuned.settings).toEqual({ max_bytes: 100, ttl_seconds: 120 });
});

it('hands everything else on to the flag', () => {
  const flag = fixedOptimization(true, settings);
  const counted: unknown[] = [];
  const trial = { compare() {} };
  const tuned = new TunedOptimization({
    ...flag,
    failed: flag.failed,
    get enabled() {
      return flag.enabled;
    },
    sample: (isExternal) => (isExternal ? undefined : trial),
    counted: (work) => counted.push(work),
  });
  tuned.failed('x');
  tuned.counted({ unit: 'writes', optimised: 1, original: 2 });
  expect([tuned.enabled, flag.failures, counted]).toEqual([
    true,
    ['x'],
    [{ unit: 'writes', optimised: 1, original: 2 }],
  ]);
  expect([tuned.sample(), tuned.sample(true)]).toEqual([trial, undefined]);
  expect(new TunedOptimization(flag).sample()).toBeUndefined();
  flag.enabled = false;
  expect(tuned.enabled).toBe(false);
});
