import { expect, test } from 'vitest';
import { boundedQueue, createWriteQueue } from '../../../src/trajectories/store/write-queue.js';

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

test('requests beyond those that may wait are refused, others are not, and none is once they are through', async () => {
  const queue = createWriteQueue();
  const requests = boundedQueue(queue, 3, 100);
  let compacted = () => {};
  const compaction = queue.run(() => new Promise<void>((resolve) => (compacted = resolve)));
  const waiting = ['a', 'b', 'c'].map((name) => requests.run(async () => name));
  const busy = { code: 'WRITES_BUSY', kind: 'unavailable', headers: { 'retry-after': '5' } };
  let written = false;
  const refused = requests.run(async () => {
    written = true;
  });
  await expect(refused).rejects.toMatchObject(busy);
  const another = queue.run(async () => 'upkeep');
  compacted();
  expect(await Promise.all([compaction, ...waiting, another])).toEqual([undefined, 'a', 'b', 'c', 'upkeep']);
  expect(await requests.run(async () => 'd', 1000)).toBe('d');
  expect(written).toBe(false);
});

test('large requests are refused sooner', async () => {
  const queue = createWriteQueue();
  const requests = boundedQueue(queue, 3, 100);
  let compacted = () => {};
  const compaction = queue.run(() => new Promise<void>((resolve) => (compacted = resolve)));
  const first = requests.run(async () => 'first', 80);
  await expect(requests.run(async () => {}, 21)).rejects.toMatchObject({ code: 'WRITES_BUSY' });
  const second = requests.run(() => Promise.reject(new Error('disk full')), 20);
  compacted();
  await expect(second).rejects.toThrow('disk full');
  expect([await compaction, await first, await requests.run(async () => 'third', 100)]).toEqual([
    undefined,
    'first',
    'third',
  ]);
});
