import { expect, it } from 'vitest';
import { settle } from '../support/manual-clock.js';
import { openTestQueue } from '../support/open-test-queue.js';

it('keeps the order of a canvas when the flag is flipped while writes wait', async () => {
  const { files, journal, clock, flag, queue, put, inFile } = openTestQueue(true);
  const writes = [put('0'), put('1')];
  flag.enabled = false;
  writes.push(put('2'), put('3'));
  flag.enabled = true;
  writes.push(put('4'));
  await Promise.all(writes);
  await clock.advance(1000);
  expect(inFile()).toBe('4');
  expect(files.overlaps).toBe(0);
  expect(files.work).toHaveLength(4);
  expect(journal.changes).toHaveLength(3);
  expect(queue.backlog).toEqual({ writes: 0, bytes: 0 });
});

it('with the flag off, a write is in the file when it is answered, and so is what the journal had', async () => {
  const { files, clock, flag, put, inFile } = openTestQueue(true);
  await put('0');
  await settle();
  await put('1');
  flag.enabled = false;
  await put('2');
  expect(inFile()).toBe('2');
  expect(files.work).toHaveLength(3);
  expect(clock.timers).toBe(0);
});

it('refuses more than it may keep in memory, but never a single write', async () => {
  const { journal, events, queue, put, clock } = openTestQueue(true, 1000);
  journal.hold();
  const large = put('x'.repeat(5000));
  expect(queue.backlog).toMatchObject({ writes: 1, bytes: 5520 });
  await expect(put('y', {}, 'b.canvas')).rejects.toMatchObject({
    code: 'WRITES_BACKED_UP',
    headers: { 'retry-after': '1' },
  });
  journal.release();
  await large;
  await clock.advance(1000);
  await put('y', {}, 'b.canvas');
  expect(events.map((event) => event.type === 'write' && event.outcome)).toEqual(['refused', 'stored', 'stored']);
});

it('counts the body of an edit that waits', async () => {
  const { journal, queue, put, edit } = openTestQueue(true, 10_000);
  await put('0');
  await queue.flush();
  journal.hold();
  const large = edit(() => '1', {}, 'a.canvas', 9000);
  await expect(edit(() => '2', {}, 'a.canvas', 9000)).rejects.toMatchObject({ code: 'WRITES_BACKED_UP' });
  expect(queue.backlog.bytes).toBe(9512);
  journal.release();
  await large;
});

it('counts what the journal keeps for a history that does not take it', async () => {
  const { journal, queue, put } = openTestQueue(true, 1000);
  journal.overwrittenBytes = 900;
  expect(queue.backlog).toEqual({ writes: 0, bytes: 900 });
  await expect(put('1')).rejects.toMatchObject({ code: 'WRITES_BACKED_UP' });
  journal.overwrittenBytes = 0;
  await put('1');
});

it('close during flush stores everything that was accepted, and refuses what comes after', async () => {
  const { files, clock, queue, put, inFile } = openTestQueue(true);
  await put('0');
  const writes = [put('1'), put('2', {}, 'b.canvas')];
  files.hold();
  const flushing = queue.flush();
  await settle();
  writes.push(put('3'));
  const closing = queue.close();
  await expect(put('late')).rejects.toMatchObject({ code: 'CANVASES_CLOSED' });
  files.release();
  await Promise.all([flushing, closing, ...writes]);
  expect(inFile()).toBe('3');
  expect(clock.now()).toBe(0);
  await queue.close();
});

it('carries a write out originally when the batch writer itself breaks', async () => {
  const { journal, clock, flag, events, put, inFile } = openTestQueue(true);
  const fault = new TypeError('a fault of ours');
  journal.failNext(fault);
  await expect(put('1')).resolves.toMatchObject({ outcome: 'created' });
  expect(flag.failures).toEqual([fault]);
  expect(inFile()).toBe('1');
  await clock.advance(300);
  expect(events.map((event) => event.type)).toEqual(['write']);
});
