import { expect, it, onTestFinished } from 'vitest';
import { createResultCache } from '../../src/cache/index.js';
import type { Logger } from '../../src/logger.js';
import { openCacheTuning, tunedFlags } from '../../src/tuning/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { fixedOptimization } from '../support/optimization.js';

const noFile = {
  get: async () => undefined,
  set() {},
  clear: async () => {},
  statistics: () => ({ entries: 0, bytes: 0, maxBytes: 0 }),
  close: async () => {},
};

it('real caches of results get more room and time, and their own back', async () => {
  const clock = new ManualClock();
  const flags = tunedFlags({
    optimization: () =>
      fixedOptimization(true, { max_files: 1, max_bytes: 1, ttl_seconds: 1, max_entries: 1 }) as never,
  });
  const answers = createResultCache<object>('llm_responses', { store: noFile, onEvent() {} });
  const autoTune = {
    enabled: true,
    interval_seconds: 1,
    max_factor: 4,
    max_total_bytes: 2 ** 30,
    memory_high_ratio: 0.8,
    min_requests: 10,
    min_gain_ratio: 0.01,
  };
  const tuning = openCacheTuning({
    flags,
    caches: [answers],
    results: [answers],
    policy: { list: () => ({ all: { effective: true } }), policies: () => ({ auto_tune: autoTune }) },
    memory: { read: () => 0.1, close() {} },
    logger: { info() {}, warn() {} } as unknown as Logger,
    onEvent() {},
    clock,
  });
  onTestFinished(() => tuning.close());
  expect(Object.keys(tuning.state().caches)).toEqual(['llm_responses']);
  await clock.advance(3000);
  for (let i = 0; i < 1000; i++) await answers.getOrMake(`key ${i}`, async () => ({ i }));
  await clock.advance(1000);
  expect(answers.limits).toEqual({ maxEntries: 750, maxBytes: 32 * 1024 * 1024, ttlMs: 1_800_000 });
  expect(tuning.state().caches.llm_responses?.limits.max_entries).toMatchObject({ configured: 500, current: 750 });
  autoTune.enabled = false;
  await clock.advance(1000);
  expect(answers.limits.maxEntries).toBe(500);
  expect(answers.statistics().entries).toBe(500);
});

it('the machine tells its memory where nothing else does', () => {
  const tuning = openCacheTuning({
    flags: tunedFlags({ optimization: () => fixedOptimization(true, {}) as never }),
    caches: [],
    results: [],
    policy: { list: () => ({ all: { effective: true } }), policies: () => ({ auto_tune: {} as never }) },
    logger: {} as Logger,
    onEvent() {},
  });
  expect(tuning.state().caches).toEqual({});
  tuning.close();
});
