import { describe, expect, test } from 'vitest';
import { keepByVersion } from '../../../src/trajectories/questions/kept-by-version.js';

/** Data whose value is its version; computations end when the test says so. */
function open(isKeepable = () => true) {
  const data = { version: 1 };
  const runs: { end(): void; fail(): void }[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  const current = keepByVersion({
    version: async () => String(data.version),
    compute: async () => {
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      const { version } = data;
      try {
        await new Promise<void>((resolve, reject) =>
          runs.push({ end: resolve, fail: () => reject(new Error('broken')) }),
        );
      } finally {
        atOnce -= 1;
      }
      return version;
    },
    isKeepable,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { data, runs, current, settle, mostAtOnce: () => mostAtOnce };
}

describe('a value kept by version', () => {
  test('is worked out once for all who ask, and again when the version changes', async () => {
    const { data, runs, current, settle } = open();
    const asked = [current(), current(), current()];
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]!.end();
    expect(await Promise.all(asked)).toEqual([1, 1, 1]);
    expect(await current()).toBe(1);
    data.version = 2;
    const again = current();
    await settle();
    runs[1]!.end();
    expect([await again, await current(), runs.length]).toEqual([2, 2, 2]);
  });

  test('is never older than the moment it was asked for', async () => {
    const { data, runs, current, settle, mostAtOnce } = open();
    const before = current();
    await settle();
    data.version = 2;
    const after = [current(), current()];
    await settle();
    data.version = 3;
    after.push(current());
    await settle();
    expect(runs).toHaveLength(1);
    runs[0]!.end();
    expect(await before).toBe(1);
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]!.end();
    expect(await Promise.all(after)).toEqual([3, 3, 3]);
    expect([await current(), runs.length, mostAtOnce()]).toEqual([3, 2, 1]);
  });

  test('of data that changed meanwhile is answered and not kept', async () => {
    const { data, runs, current, settle } = open();
    const first = current();
    await settle();
    data.version = 2;
    runs[0]!.end();
    expect(await first).toBe(1);
    data.version = 1;
    const second = current();
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]!.end();
    await second;
  });

  test('that is too large is worked out each time', async () => {
    const { runs, current, settle } = open(() => false);
    for (const run of [0, 1]) {
      const asked = current();
      await settle();
      runs[run]!.end();
      expect(await asked).toBe(1);
    }
  });

  test('whose computation fails fails those who wait for it, and is tried again', async () => {
    const { data, runs, current, settle } = open();
    const first = [current(), current()].map((asked) => asked.catch((error: Error) => error.message));
    await settle();
    data.version = 2;
    const later = current();
    await settle();
    runs[0]!.fail();
    expect(await Promise.all(first)).toEqual(['broken', 'broken']);
    await settle();
    runs[1]!.end();
    expect(await later).toBe(2);
  });
});
