import { expect, test } from 'vitest';
import type { OverwrittenVersion } from '../../../src/canvases/journal/pending-canvases.js';
import { OverwrittenVersions } from '../../../src/canvases/writing/overwritten-versions.js';
import { createLogger } from '../../../src/logger.js';
import { ManualClock } from '../support/manual-clock.js';

const text = 'a.canvas';

function open() {
  const clock = new ManualClock();
  const waiting: OverwrittenVersion<Buffer>[] = [];
  const kept: string[][] = [];
  const failures: Error[] = [];
  const disk = { isReady: Promise.resolve() };
  const journal = {
    get overwritten() {
      return new Map(waiting.length > 0 ? [[text, waiting]] : []);
    },
    archived: (_path: string, sequence: number) => {
      waiting.splice(0, waiting.filter((version) => version.sequence <= sequence).length);
    },
  };
  const history = {
    keepAll: async (_path: string, versions: readonly { bytes: Buffer }[]) => {
      const failure = failures.shift();
      if (failure) throw failure;
      await disk.isReady;
      kept.push(versions.map(({ bytes }) => bytes.toString()));
    },
  };
  const logger = createLogger('silent');
  const versions = new OverwrittenVersions({ journal, history, drain: async () => {}, clock, logger });
  let sequence = 0;
  const overwrite = (content: string) => {
    sequence += 1;
    waiting.push({ etag: `"${content}"`, sequence, content: Buffer.from(content), replacedAtMs: sequence });
    versions.noticed(text);
  };
  return { clock, kept, failures, disk, versions, overwrite, waiting };
}

test('are brought over together once their canvas is quiet', async () => {
  const { clock, kept, overwrite, versions } = open();
  for (const content of ['1', '2', '3']) {
    overwrite(content);
    await clock.advance(1500);
  }
  expect(kept).toEqual([]);
  expect(versions.bytesOf(text, '"2"')?.toString()).toBe('2');
  await clock.advance(500);
  expect(kept).toEqual([['1', '2', '3']]);
  expect(versions.bytesOf(text, '"2"')).toBeUndefined();
  expect(clock.timers).toBe(0);
});

test('those that come while a slow disk takes earlier ones are brought over after them, by themselves', async () => {
  const { clock, kept, disk, overwrite } = open();
  let end = () => {};
  disk.isReady = new Promise((resolve) => {
    end = resolve;
  });
  overwrite('1');
  await clock.advance(2000);
  overwrite('2');
  await clock.advance(5000);
  end();
  await clock.advance(2000);
  expect(kept).toEqual([['1'], ['2']]);
  expect(clock.timers).toBe(0);
});

test('are brought over at once when they are many, in few goes', async () => {
  const { clock, kept, overwrite } = open();
  for (let i = 0; i < 200; i += 1) {
    overwrite(String(i));
    if (i % 10 === 9) await clock.advance(1);
  }
  await clock.advance(2000);
  expect(kept.flat()).toHaveLength(200);
  expect(kept.length).toBeLessThanOrEqual(4);
});

test('of all canvases those that take the most go first; too many are those of more than 32 MB', async () => {
  const version = (sequence: number, bytes: number) => ({
    etag: `"${sequence}"`,
    sequence,
    content: Buffer.alloc(bytes),
    replacedAtMs: sequence,
  });
  const mebibyte = 1024 * 1024;
  const overwritten = new Map<string, ReturnType<typeof version>[]>([
    ...Array.from({ length: 5 }, (_, i): [string, ReturnType<typeof version>[]] => [`small ${i}`, [version(1, 10)]]),
    ['largest', [version(3, 20 * mebibyte)]],
    ['large', [version(4, 6 * mebibyte), version(5, 6 * mebibyte)]],
  ]);
  const order: string[] = [];
  const versions = new OverwrittenVersions({
    journal: { overwritten, archived: (path) => void overwritten.delete(path) },
    history: { keepAll: async (path) => void order.push(path) },
    drain: async () => {},
    clock: new ManualClock(),
    logger: createLogger('silent'),
  });
  expect(versions.areTooMany).toBe(true);
  // Four at a time.
  await versions.archiveTooMany();
  expect(versions.areTooMany).toBe(false);
  expect(order.slice(0, 2)).toEqual(['largest', 'large']);
  expect(order).toHaveLength(4);
  await versions.archiveTooMany();
  expect(order).toHaveLength(4);
  await versions.archiveAll();
  expect(new Set(order).size).toBe(7);
});

test('stay in the journal when the history cannot take them, and are tried again', async () => {
  const { clock, kept, failures, overwrite, versions, waiting } = open();
  failures.push(new Error('no room'), new Error('no room'));
  overwrite('1');
  await clock.advance(2000);
  await expect(versions.archive(text)).rejects.toThrow('no room');
  expect(waiting).toHaveLength(1);
  await clock.advance(10_000);
  expect(kept).toEqual([['1']]);
  versions.stop();
  expect(clock.timers).toBe(0);
});
