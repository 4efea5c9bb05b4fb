import { describe, expect, it } from 'vitest';
import { batchSchema, jobOf } from '../../src/agents/batch.js';

const invocations = [{ agent_type: 'basic-decomposition', canvas_path: 'a.canvas' }];
const neverRuns = () => Promise.reject(new Error('nothing is to run'));

const batch = (members: object[]) =>
  batchSchema.parse({ invocations: members.map((member) => ({ ...invocations[0], ...member })) });

describe('what the calls of a batch depend on', () => {
  it('is kept once, however often it is named', () => {
    const { tasks } = jobOf(batch([{ id: 'a' }, { depends_on: [0, 'a', 0] }]), neverRuns);
    expect(tasks.map(({ dependsOn }) => dependsOn)).toEqual([[], ['a']]);
  });

  it('is refused beyond a number, and where there is no such place in the list', () => {
    const many = (count: number) => Array.from({ length: count }, () => 'x');
    expect(() => batch([{ depends_on: many(500) }])).not.toThrow();
    const tooMany = Array.from({ length: 11 }, () => ({ depends_on: many(455) }));
    expect(() => batch(tooMany)).toThrow(/at most 5000 entries of depends_on/);
    expect(() => jobOf(batch([{ id: '5' }, { depends_on: [5] }]), neverRuns)).toThrow(
      expect.objectContaining({
        code: 'JOB_DEPENDENCY_UNKNOWN',
        faults: [expect.objectContaining({ pointer: '/invocations/1/depends_on' })],
      }),
    );
  });
});

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
