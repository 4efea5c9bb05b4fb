import { describe, expect, it } from 'vitest';
import { settle } from '../support/manual-clock.js';
import { etagFor, openTestQueue, storageFull } from '../support/open-test-queue.js';

const open = () => openTestQueue(true);
const writesOf = (files: { work: { operation: string }[] }) => files.work.map(({ operation }) => operation);

describe('the window', () => {
  it('lets the file follow at once after a quiet time', async () => {
    const { clock, journal, put, inFile } = open();
    await put('1');
    await settle();
    expect(inFile()).toBe('1');
    expect(journal.checkpoints).toEqual([['a.canvas', etagFor('1')]]);
    await clock.advance(500);
    await put('2');
    await settle();
    expect(inFile()).toBe('2');
    expect(clock.timers).toBe(0);
  });

  it('waits for the end of a burst, and answers readers meanwhile', async () => {
    const { files, clock, put, seen, inFile } = open();
    await put('0');
    await settle();
    for (const text of ['1', '2', '3']) {
      await clock.advance(60);
      await put(text);
      expect(seen()).toBe(text);
    }
    await clock.advance(99);
    expect(inFile()).toBe('0');
    await clock.advance(1);
    expect(inFile()).toBe('3');
    expect(files.work.map(({ requests }) => requests)).toEqual([1, 3]);
  });

  it('never lets a file be behind for longer than the longest delay', async () => {
    const { clock, put, inFile } = open();
    await put('0');
    await settle();
    await clock.advance(10);
    const begun = clock.now();
    for (let save = 1; inFile() === '0'; save++) {
      await put(String(save));
      await clock.advance(50);
    }
    expect(clock.now() - begun).toBe(500);
  });

  it('writes at most an eighth of the bytes of a client that saves 20 times a second', async () => {
    const { files, clock, put } = open();
    for (let save = 0; save < 400; save++) {
      await put(String(save));
      await clock.advance(50);
    }
    await clock.advance(1000);
    expect(files.work.length).toBeLessThanOrEqual(400 * 0.12);
  });

  it('is cut short when much waits, so that memory stays bounded', async () => {
    const { files, put, queue } = openTestQueue(true, 2000);
    await put('0');
    await settle();
    await put('1');
    await settle();
    expect(files.work).toHaveLength(1);
    await put('x'.repeat(1200));
    await settle();
    expect(files.work).toHaveLength(2);
    expect(queue.backlog).toEqual({ writes: 0, bytes: 0 });
  });
});

describe('a file that cannot be written', () => {
  it('is tried again, less and less often, while readers get what was acknowledged', async () => {
    const { files, journal, clock, put, seen, inFile, logged } = open();
    for (let failure = 0; failure < 4; failure++) files.failNext(storageFull());
    await put('1');
    await settle();
    expect([seen(), inFile()]).toEqual(['1', undefined]);
    await put('2');
    await clock.advance(100 + 200 + 400 - 1);
    expect(writesOf(files)).toHaveLength(3);
    expect([seen(), inFile()]).toEqual(['2', undefined]);
    await clock.advance(1 + 800);
    expect([seen(), inFile()]).toEqual(['2', '2']);
    expect(journal.checkpoints).toEqual([['a.canvas', etagFor('2')]]);
    expect(logged.map((line) => JSON.parse(line).msg)).toEqual([
      'an acknowledged version is not in its file yet; it is kept and tried again',
      'the file could be written at last',
    ]);
    expect(files.work.at(-1)?.requests).toBe(2);
  });

  it('refuses further writes when what waits fills the memory that it may', async () => {
    const { files, put } = openTestQueue(true, 700);
    for (let failure = 0; failure < 9; failure++) files.failNext(storageFull());
    await put('x'.repeat(400));
    await expect(put('y'.repeat(400), {}, 'b.canvas')).rejects.toMatchObject({ code: 'WRITES_BACKED_UP' });
  });

  it('refuses a write of the original kind with what went wrong', async () => {
    const { files, clock, flag, put, inFile } = open();
    files.failNext(storageFull());
    files.failNext(storageFull());
    await put('1');
    await settle();
    flag.enabled = false;
    await expect(put('2')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await put('3');
    expect(inFile()).toBe('3');
    await clock.advance(1000);
    expect(inFile()).toBe('3');
  });

  it('is written over what another program put there meanwhile', async () => {
    const { files, clock, put, inFile } = open();
    files.failNext(storageFull());
    await put('1');
    files.contents.set('a.canvas', { bytes: Buffer.from('{"v":"o"}'), etag: etagFor('o'), isDurable: false });
    await clock.advance(200);
    expect(inFile()).toBe('1');
  });
});

describe('flush', () => {
  it('writes what waits without its window, and says for how many canvases', async () => {
    const { files, clock, put, queue, inFile } = open();
    await Promise.all([put('0'), put('0', {}, 'b.canvas'), put('0', {}, 'c.canvas')]);
    await settle();
    const writes = [put('1'), put('2'), put('1', {}, 'b.canvas')];
    expect(await queue.flush()).toBe(2);
    await Promise.all(writes);
    expect(clock.now()).toBe(0);
    expect(clock.timers).toBe(0);
    expect(inFile()).toBe('2');
    expect(files.work).toHaveLength(5);
    expect(await queue.flush()).toBe(0);
  });

  it('brings the newest version to a file that an older one is on its way to', async () => {
    const { files, put, queue, inFile } = open();
    files.hold();
    await put('1');
    await settle();
    await put('2');
    const flushing = queue.flush();
    files.release();
    expect(await flushing).toBe(1);
    expect(inFile()).toBe('2');
  });

  it('does not count a canvas that could not be written', async () => {
    const { files, put, queue } = open();
    files.failNext(storageFull());
    await put('1');
    expect(await queue.flush()).toBe(0);
    expect(await queue.flush()).toBe(1);
  });
});

it('a deletion reaches the file as well, and one of a canvas that never got there leaves no work', async () => {
  const { files, journal, clock, put, remove, seen, inFile } = open();
  await put('0');
  await settle();
  await remove();
  expect([seen(), inFile()]).toEqual([undefined, '0']);
  await clock.advance(200);
  expect(inFile()).toBeUndefined();
  files.hold();
  await put('1', {}, 'b.canvas');
  await clock.advance(10);
  const removed = remove({}, 'b.canvas');
  files.release();
  await removed;
  await clock.advance(200);
  expect(writesOf(files)).toEqual(['replace', 'remove', 'replace', 'remove']);
  expect(journal.checkpoints.map(([, etag]) => etag)).toEqual([etagFor('0'), null, etagFor('1'), null]);
});

it('writes nothing more once it was stopped', async () => {
  const { clock, put, queue, inFile } = open();
  await put('0');
  await settle();
  await put('1');
  queue.stop();
  await clock.advance(2000);
  expect(inFile()).toBe('0');
  expect(queue.unwritten.size).toBe(1);
  await expect(put('2')).rejects.toMatchObject({ code: 'CANVASES_CLOSED' });
  await expect(queue.unwritten.drain('a.canvas')).rejects.toThrow('not ours');
  expect(clock.timers).toBe(0);
});
