import { describe, expect, it } from 'vitest';
import { batchSchema, jobOf } from '../../src/agents/batch.js';

const invocations = [{ agent_type: 'basic-decomposition', canvas_path: 'a.canvas' }];
const neverRuns = () => Promise.reject(new Error('nothing is to run'));

describe('the time of a batch', () => {
  it('is bounded in total, by what the client says or by half a day', () => {
    const timeoutMs = (more: object) => jobOf(batchSchema.parse({ invocations, ...more }), neverRuns).timeoutMs;
    expect(timeoutMs({})).toBe(12 * 3_600_000);
    expect(timeoutMs({ timeout_seconds: 90 })).toBe(90_000);
  });

  it.each([0, -1, 0.5, 86_401, '60', null])('is not %j', (seconds) => {
    expect(batchSchema.safeParse({ invocations, timeout_seconds: seconds }).success).toBe(false);
  });
});
