import { describe, expect, it } from 'vitest';
import { settle } from '../support/manual-clock.js';
import { etagFor, openTestQueue, storageFull } from '../support/open-test-queue.js';

const open = () => openTestQueue(true);

describe('an answer', () => {
  it('comes when the journal has the write, and not before', async () => {
    const { files, journal, put, seen } = open();
    files.hold();
    journal.hold();
    let isAnswered = false;
    const write = put('1').then(() => {
      isAnswered = true;
    });
    await settle();
    expect(isAnswered).toBe(false);
    expect(seen()).toBeUndefined();
    journal.release();
    await write;
    expect(seen()).toBe('1');
    expect(files.contents.size).toBe(0);
    files.release();
  });

  it('is one record for all that came while the journal was busy with the canvas', async () => {
    const { journal, put, remove, seen } = open();
    journal.hold();
    const first = put('1');
    await settle();
    const rest = [put('2'), remove(), put('3')];
    journal.release();
    expect((await Promise.all([first, ...rest])).map(({ outcome }) => outcome)).toEqual([
      'created',
      'replaced',
      'deleted',
      'created',
    ]);
    expect(journal.changes).toMatchObject([
      { kind: 'put', etag: etagFor('1'), previousEtag: undefined },
      { kind: 'put', etag: etagFor('3'), previousEtag: etagFor('1') },
    ]);
    expect(seen()).toBe('3');
  });

  it('lets one of two writers with the same If-Match win', async () => {
    const { put, seen } = open();
    await put('0');
    const winner = put('1', { ifMatch: [etagFor('0')] });
    const loser = put('2', { ifMatch: [etagFor('0')] });
    await expect(loser).rejects.toMatchObject({ code: 'PRECONDITION_FAILED', extra: { etag: etagFor('1') } });
    await winner;
    expect(seen()).toBe('1');
  });

  it('a journal that fails refuses its callers, whose edits leave no trace', async () => {
    const { clock, journal, put, edit, inFile, stored, events } = open();
    await put('0');
    journal.failNext(storageFull());
    const failed = [edit((old) => `${old}x`), put('1')];
    for (const write of failed) await expect(write).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await edit((old) => `${old}y`);
    await clock.advance(1000);
    expect(inFile()).toBe('0y');
    expect(stored).toEqual(['a.canvas missing canvas', 'a.canvas canvas canvas']);
    const outcomes = events.map((event) => event.type === 'write' && event.outcome);
    expect(outcomes).toEqual(['stored', 'failed', 'failed', 'stored']);
  });

  it('a creation that fails, or is taken back, gives its name free', async () => {
    const { files, journal, clock, put, remove } = open();
    journal.failNext(storageFull());
    await expect(put('1')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(files.claimed).toEqual([]);
    await Promise.all([put('1'), remove()]);
    expect(files.claimed).toEqual([]);
    expect(journal.changes).toEqual([]);
    files.hold();
    await put('2');
    expect(files.claimed).toEqual(['a.canvas']);
    files.release();
    await clock.advance(1000);
    expect(files.claimed).toEqual([]);
  });

  it('a name that is refused, or a folder that may not be written, costs the journal nothing', async () => {
    const { files, journal, put } = open();
    files.refusedName = Object.assign(storageFull(), { code: 'CANVAS_NAME_CLASH' });
    await expect(put('1')).rejects.toMatchObject({ code: 'CANVAS_NAME_CLASH' });
    files.refusedName = undefined;
    files.refusedWrites = Object.assign(storageFull(), { code: 'VAULT_NOT_WRITABLE' });
    await expect(put('1')).rejects.toMatchObject({ code: 'VAULT_NOT_WRITABLE' });
    expect(journal.changes).toEqual([]);
  });

  it('looks at the file again once it is up to date, so an outside edit in between counts', async () => {
    const { files, clock, put, seen } = open();
    await put('0');
    await clock.advance(1000);
    files.contents.set('a.canvas', { bytes: Buffer.from('{"v":"o"}'), etag: etagFor('o'), isDurable: false });
    await expect(put('1', { ifMatch: [etagFor('0')] })).rejects.toMatchObject({ extra: { etag: etagFor('o') } });
    await put('2', { ifMatch: [etagFor('o')] });
    expect(seen()).toBe('2');
  });
});

describe('bytes that are there already', () => {
  it('cost nothing when they are known to be durable', async () => {
    const { files, journal, clock, put } = open();
    await put('1');
    await expect(put('1')).resolves.toMatchObject({ outcome: 'unchanged' });
    await clock.advance(1000);
    await expect(put('1')).resolves.toMatchObject({ outcome: 'unchanged' });
    expect(journal.changes).toHaveLength(1);
    expect(files.work).toHaveLength(1);
  });

  it('are made durable when another program wrote them', async () => {
    const { files, clock, put } = open();
    files.contents.set('a.canvas', { bytes: Buffer.from('{"v":"1"}'), etag: etagFor('1'), isDurable: false });
    await expect(put('1')).resolves.toMatchObject({ outcome: 'unchanged' });
    await clock.advance(1000);
    expect(files.work.map((work) => work.operation)).toEqual(['settle']);
  });

  it('are not written when a burst ends where it began', async () => {
    const { files, clock, put, inFile } = open();
    await put('0');
    await clock.advance(1000);
    await Promise.all([put('1'), put('0')]);
    await clock.advance(1000);
    expect(files.work).toHaveLength(1);
    expect(inFile()).toBe('0');
  });
});
