import { expect, test } from 'vitest';
import { createWriteQueue } from '../../../src/trajectories/store/write-queue.js';

test('writes run one at a time, in order', async () => {
  const queue = createWriteQueue();
  const log: string[] = [];
  const write = (name: string) =>
    queue.run(async () => {
      log.push(`${name} starts`);
      await Promise.resolve();
      log.push(`${name} ends`);
      return name;
    });
  expect(await Promise.all(['a', 'b', 'c'].map(write))).toEqual(['a', 'b', 'c']);
  expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
});

test('a failed write rejects only its own caller', async () => {
  const queue = createWriteQueue();
  const failed = queue.run(() => Promise.reject(new Error('disk full')));
  const next = queue.run(async () => 'written');
  await expect(failed).rejects.toThrow('disk full');
  expect(await next).toBe('written');
});

test('idle waits for everything given so far, failures too', async () => {
  const queue = createWriteQueue();
  let written = false;
  queue.run(() => Promise.reject(new Error('x'))).catch(() => {});
  void queue.run(async () => {
    await Promise.resolve();
    written = true;
  });
  await queue.idle();
  expect(written).toBe(true);
});
