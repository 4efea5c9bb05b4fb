import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { type Journal, type JournalOptions, openJournal } from '../../../src/canvases/journal/journal.js';
import type { JournalEvent } from '../../../src/canvases/journal/journal-event.js';
import type { Problem } from '../../../src/errors.js';
import { temporaryFolder } from '../../support/folder.js';
import { CountingFiles } from './counting-files.js';

async function open(folder: string, options: Partial<JournalOptions> = {}) {
  const opened = await openJournal({ folder, etagOf, ...options });
  onTestFinished(() => opened.journal.close().catch(() => {}));
  return opened;
}

const put = (journal: Journal, name: string, text: string | Buffer, previousEtag?: string) => {
  const bytes = Buffer.from(text);
  return journal.append({ kind: 'put', path: name, bytes, etag: etagOf(bytes), previousEtag });
};
const etag = (text: string) => etagOf(Buffer.from(text));
const nodes = (count: number, moved = 0) =>
  JSON.stringify({
    nodes: Array.from({ length: count }, (_, i) => ({
      id: `n${i}`,
      type: 'text',
      text: `节点 ${i}`,
      x: i === 7 ? moved : i,
    })),
  });
const sizeOf = async (folder: string) => {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  return bytes;
};

test('what was appended comes back until its file is said to hold it', async () => {
  const folder = path.join(await temporaryFolder(), 'data', 'journal');
  const first = await open(folder);
  expect(first.recovered).toEqual([]);
  await put(first.journal, 'a.canvas', 'a1', etag('a0'));
  await put(first.journal, 'a.canvas', 'a2', etag('a1'));
  await put(first.journal, 'b.canvas', 'b1');
  await put(first.journal, 'c.canvas', 'c1');
  await first.journal.append({ kind: 'delete', path: 'c.canvas', previousEtag: etag('c1') });
  first.journal.checkpoint('b.canvas', etag('b1'));
  expect(first.journal.pendingCanvases).toBe(2);
  await first.journal.close();

  const second = await open(folder);
  expect(second.damage).toEqual([]);
  expect(second.recovered).toEqual([
    {
      kind: 'put',
      path: 'a.canvas',
      bytes: Buffer.from('a2'),
      etag: etag('a2'),
      knownEtags: ['a0', 'a1', 'a2'].map(etag),
      movedFrom: [],
    },
    { kind: 'delete', path: 'c.canvas', knownEtags: [etag('c1')], movedFrom: [] },
  ]);
  second.journal.checkpoint('a.canvas', etag('a2'));
  second.journal.checkpoint('c.canvas', null);
  await second.journal.close();
  expect((await open(folder)).recovered).toEqual([]);
});

test('a moved canvas comes back at its new path, its old one as deleted, and tells all paths it came from', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder);
  const bytes = Buffer.from(nodes(100));
  await put(journal, 'a.canvas', bytes);
  await journal.append({ kind: 'move', from: 'a.canvas', to: 'b.canvas', bytes, etag: etagOf(bytes) });
  await journal.append({ kind: 'move', from: 'b.canvas', to: 'c.canvas', bytes, etag: etagOf(bytes) });
  await journal.close();
  const { recovered } = await open(folder);
  expect(recovered).toEqual([
    {
      kind: 'put',
      path: 'c.canvas',
      bytes,
      etag: etagOf(bytes),
      knownEtags: [etagOf(bytes)],
      movedFrom: ['a.canvas', 'b.canvas'],
    },
    { kind: 'delete', path: 'a.canvas', knownEtags: [etagOf(bytes)], movedFrom: [] },
    { kind: 'delete', path: 'b.canvas', knownEtags: [etagOf(bytes)], movedFrom: ['a.canvas'] },
  ]);
});

test('an older version in the file does not settle a newer one, even when both have the same bytes', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder);
  await put(journal, 'a.canvas', 'one');
  await put(journal, 'a.canvas', 'two');
  const again = put(journal, 'a.canvas', 'one');
  journal.checkpoint('a.canvas', etag('one'));
  await again;
  journal.checkpoint('a.canvas', etag('never appended'));
  expect(journal.pendingCanvases).toBe(1);
  await journal.close();
  const { recovered } = await open(folder);
  expect(recovered).toMatchObject([{ path: 'a.canvas', etag: etag('one'), knownEtags: [etag('two'), etag('one')] }]);
});

test('a thousand appends at once share a few syncs', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const { journal } = await open(folder, { files: counting.files });
  await Promise.all(Array.from({ length: 1000 }, (_, i) => put(journal, `${i % 40}.canvas`, nodes(20, i))));
  expect(counting.syncs).toBeLessThanOrEqual(3);
  await journal.close();
  const { recovered } = await open(folder);
  expect(recovered.length).toBe(40);
  for (const found of recovered) {
    const last = 960 + Number.parseInt(found.path, 10);
    expect(found.kind === 'put' && found.bytes.toString()).toBe(nodes(20, last));
  }
});

test('moving one node of a 50 KB canvas writes some hundred bytes', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const { journal } = await open(folder, { files: counting.files, preallocateBytes: 0 });
  await put(journal, 'big.canvas', nodes(1000, 1));
  const before = counting.bytes;
  expect(before).toBeGreaterThan(50_000);
  for (let i = 2; i <= 11; i += 1) {
    await put(journal, 'big.canvas', nodes(1000, i * 10), etag(nodes(1000, (i - 1) * 10)));
    journal.checkpoint('big.canvas', etag(nodes(1000, i * 10)));
  }
  expect((counting.bytes - before) / 10).toBeLessThan(300);
});

test('once differences have cost as much as the canvas, it is written whole again, so that a replay stays short', async () => {
  const folder = await temporaryFolder();
  const commits: number[] = [];
  const onEvent = (event: JournalEvent) => {
    if (event.type === 'journal_commit') commits.push(event.bytes);
  };
  const { journal } = await open(folder, { preallocateBytes: 0, onEvent });
  const size = nodes(100).length;
  for (let i = 1; i <= 200; i += 1) await put(journal, 'a.canvas', nodes(100, i));
  const wholes = commits.flatMap((bytes, index) => (bytes > size ? index : []));
  expect(wholes.length).toBeGreaterThan(1);
  expect(wholes[1]).toBeGreaterThan(20);
  expect(commits.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(200 * 300);
});

test('more changes at once than one group takes are all kept', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const { journal } = await open(folder, { files: counting.files });
  await Promise.all(Array.from({ length: 9_000 }, (_, i) => put(journal, `${i}.canvas`, `${i}`)));
  expect(counting.syncs).toBe(3);
  await journal.close();
  expect((await open(folder)).recovered.length).toBe(9_000);
});

test('the folder stays bounded, and what is pending is carried from segment to segment', async () => {
  const folder = await temporaryFolder();
  const events: JournalEvent[] = [];
  const { journal } = await open(folder, {
    maxSegmentBytes: 100_000,
    preallocateBytes: 4096,
    onEvent: (event) => events.push(event),
  });
  await put(journal, 'stuck.canvas', 'waits for its file');
  for (let i = 0; i < 100; i += 1) {
    await put(journal, `${i}.canvas`, nodes(200, i));
    journal.checkpoint(`${i}.canvas`, etag(nodes(200, i)));
  }
  await journal.close();
  expect(events.filter(({ type }) => type === 'journal_rotated').length).toBeGreaterThan(5);
  expect(await sizeOf(folder)).toBeLessThan(120_000);
  expect((await open(folder)).recovered).toMatchObject([{ path: 'stuck.canvas' }]);
});

test('canvases that wait for ever do not make the journal write them again and again', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const { journal } = await open(folder, { files: counting.files, maxSegmentBytes: 20_000, preallocateBytes: 0 });
  let given = 0;
  for (let i = 0; i < 60; i += 1) {
    const text = nodes(100, i);
    given += text.length;
    await put(journal, `${i}.canvas`, text);
  }
  expect(counting.bytes).toBeLessThan(given * 4);
  await journal.close();
  expect((await open(folder)).recovered.length).toBe(60);
});

test('a reset leaves an empty folder, and is refused while a canvas waits for its file', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder);
  await put(journal, 'a.canvas', 'a');
  await expect(journal.reset()).rejects.toThrow('1 canvases have not reached their files');
  journal.checkpoint('a.canvas', etag('a'));
  await journal.reset();
  expect(await readdir(folder)).toEqual([]);
  await put(journal, 'b.canvas', 'b');
  await journal.close();
  expect((await open(folder)).recovered).toMatchObject([{ path: 'b.canvas' }]);
});

test('a reset right after a start whose replay is done also empties the folder', async () => {
  const folder = await temporaryFolder();
  const first = await open(folder);
  await put(first.journal, 'a.canvas', 'a');
  await first.journal.close();
  const { journal } = await open(folder);
  journal.checkpoint('a.canvas', etag('a'));
  await journal.reset();
  expect(await readdir(folder)).toEqual([]);
});

test('a full disk answers 507 and another fault 503, to the group that failed and to nobody else', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const events: JournalEvent[] = [];
  const { journal } = await open(folder, { files: counting.files, onEvent: (event) => events.push(event) });
  const failure = (promise: Promise<void>) =>
    promise.then(
      () => undefined,
      ({ code, kind }: Problem) => ({ code, kind }),
    );
  await put(journal, 'a.canvas', 'a1');
  for (const call of ['write', 'datasync', 'create'] as const) {
    if (call === 'create') counting.failures.push({ call: 'write', code: 'EIO' });
    if (call === 'create') await failure(put(journal, 'a.canvas', 'not this'));
    counting.failures.push({ call, code: 'ENOSPC' });
    const group = [put(journal, 'a.canvas', 'a2'), put(journal, 'b.canvas', 'b2')];
    expect(await Promise.all(group.map(failure))).toEqual(
      Array(2).fill({ code: 'STORAGE_FULL', kind: 'storage_full' }),
    );
    counting.failures.push({ call: 'datasync', code: 'EIO' });
    expect(await failure(put(journal, 'a.canvas', 'a3'))).toEqual({
      code: 'JOURNAL_NOT_WRITABLE',
      kind: 'unavailable',
    });
    expect(await failure(put(journal, 'c.canvas', `c ${call}`))).toBeUndefined();
  }
  expect(events.filter(({ type }) => type === 'journal_commit_failed')).toContainEqual({
    type: 'journal_commit_failed',
    records: 2,
    reason: 'full',
  });
  await journal.close();
  const { recovered } = await open(folder);
  expect(recovered.map(({ path, kind }) => [path, kind])).toEqual([
    ['a.canvas', 'put'],
    ['c.canvas', 'put'],
  ]);
  expect(recovered).toMatchObject([{ etag: etag('a1') }, { etag: etag('c create') }]);
  expect((await readdir(folder)).length).toBe(1);
});

test('a change that waits while a group fails is tried by itself', async () => {
  const folder = await temporaryFolder();
  const counting = new CountingFiles(folder);
  const { journal } = await open(folder, { files: counting.files });
  await put(journal, 'a.canvas', 'a1');
  counting.failures.push({ call: 'datasync', code: 'EIO' });
  const failing = put(journal, 'a.canvas', 'a2');
  const waiting = new Promise<void>((resolve, reject) => {
    setImmediate(() => setImmediate(() => put(journal, 'b.canvas', 'b1').then(resolve, reject)));
  });
  await expect(failing).rejects.toMatchObject({ code: 'JOURNAL_NOT_WRITABLE' });
  await waiting;
  await journal.close();
  expect((await open(folder)).recovered).toMatchObject([{ etag: etag('a1') }, { etag: etag('b1') }]);
});

test('after close a change is refused, and one with an endless name never reaches its group', async () => {
  const { journal } = await open(await temporaryFolder());
  const [fine, endless] = [put(journal, 'a.canvas', 'a'), put(journal, 'x'.repeat(20_000), 'b')];
  await expect(endless).rejects.toThrow(RangeError);
  await fine;
  await journal.close();
  await expect(put(journal, 'a.canvas', 'b')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED', kind: 'unavailable' });
});

test('commits, checkpoints and starts are reported, and a listener that throws disturbs nobody', async () => {
  const folder = await temporaryFolder();
  const events: JournalEvent[] = [];
  const onEvent = (event: JournalEvent) => {
    events.push(event);
    throw new Error('the listener is broken');
  };
  const first = await open(folder, { onEvent, preallocateBytes: 0 });
  await put(first.journal, 'a.canvas', 'a');
  first.journal.checkpoint('a.canvas', etag('a'));
  await put(first.journal, 'b.canvas', 'b');
  await first.journal.close();
  await open(folder, { onEvent });
  expect(events).toMatchObject([
    { type: 'journal_recovered', segments: 0, canvases: 0, bytes: 0 },
    { type: 'journal_rotated', carried: 0 },
    { type: 'journal_commit', records: 1, synced: true },
    { type: 'journal_commit', records: 2, synced: true },
    { type: 'journal_recovered', segments: 1, canvases: 1, bytes: await sizeOf(folder) },
  ]);
});

test('files of others in the folder are left alone', async () => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'journal-1.log.bak'), 'x');
  await mkdir(path.join(folder, 'sub'));
  const { journal } = await open(folder);
  await journal.reset();
  expect((await readdir(folder)).sort()).toEqual(['journal-1.log.bak', 'sub']);
});

test('versions that were overwritten unseen come back, also from the segment after theirs, until the history has them', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder, { maxSegmentBytes: 20_000, preallocateBytes: 0 });
  const overwrite = (text: string) => {
    const bytes = Buffer.from(text);
    return journal.append({ kind: 'put', path: 'a.canvas', bytes, etag: etagOf(bytes), keepsReplaced: true });
  };
  const texts = Array.from({ length: 30 }, (_, moved) => nodes(40, moved));
  for (const text of texts) await overwrite(text);
  for (let i = 0; i < 40; i += 1) await put(journal, 'b.canvas', Buffer.alloc(1000, `${i} `));
  expect((await readdir(folder))[0]).not.toBe('journal-00000001.log');
  const kept = journal.overwritten.get('a.canvas')!;
  expect(kept.map(({ content }) => content.toString())).toEqual(texts.slice(0, -1));
  const bytesOf = (contents: string[]) => contents.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(journal.overwrittenBytes).toBe(bytesOf(texts.slice(0, -1)));
  journal.archived('a.canvas', kept[9]!.sequence);
  expect(journal.overwrittenBytes).toBe(bytesOf(texts.slice(10, -1)));
  await put(journal, 'b.canvas', 'the last one');
  await journal.close();
  const second = await open(folder);
  expect(second.damage).toEqual([]);
  const found = second.journal.overwritten.get('a.canvas')!;
  expect(found.map(({ content }) => content.toString())).toEqual(texts.slice(10, -1));
  for (const { path: name, ...canvas } of second.recovered) {
    second.journal.checkpoint(name, canvas.kind === 'put' ? canvas.etag : null);
  }
  await expect(second.journal.reset()).rejects.toThrow('1 canvases have overwritten versions');
  expect(second.journal.overwrittenBytes).toBe(bytesOf(texts.slice(10, -1)));
  second.journal.archived('a.canvas', found.at(-1)!.sequence);
  expect(second.journal.overwrittenBytes).toBe(0);
  await second.journal.reset();
  expect(await readdir(folder)).toEqual([]);
});

test('overwritten versions go along with a move, and what reached its file is not among them', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder);
  const overwrite = (text: string, keepsReplaced = true) =>
    journal.append({ kind: 'put', path: 'a.canvas', bytes: Buffer.from(text), etag: etag(text), keepsReplaced });
  for (const text of ['1', '2', '3']) await overwrite(text);
  journal.checkpoint('a.canvas', etag('3'));
  await overwrite('4');
  await overwrite('5', false);
  await journal.append({ kind: 'move', from: 'a.canvas', to: 'b.canvas', bytes: Buffer.from('5'), etag: etag('5') });
  await journal.close();
  const { journal: again } = await open(folder);
  expect([...again.overwritten.keys()]).toEqual(['b.canvas']);
  expect(again.overwritten.get('b.canvas')?.map(({ content }) => content.toString())).toEqual(['1', '2']);
});

test('what the files were last said to hold comes back as written, at whatever path it is', async () => {
  const folder = await temporaryFolder();
  const { journal } = await open(folder);
  for (const [name, text] of [
    ['a.canvas', '1'],
    ['b.canvas', '1'],
    ['c.canvas', '1'],
    ['d.canvas', '1'],
  ] as const) {
    await put(journal, name, text);
    journal.checkpoint(name, etag(text));
  }
  await put(journal, 'a.canvas', '2', etag('1'));
  await put(journal, 'b.canvas', '2', etag('1'));
  journal.checkpoint('b.canvas', etag('2'));
  await journal.append({ kind: 'delete', path: 'c.canvas', previousEtag: etag('1') });
  journal.checkpoint('c.canvas', null);
  await journal.append({ kind: 'move', from: 'd.canvas', to: 'e.canvas', bytes: Buffer.from('1'), etag: etag('1') });
  journal.checkpoint('e.canvas', etag('1'));
  journal.checkpoint('d.canvas', null);
  await journal.close();
  const { written } = await open(folder);
  expect(written.map(({ path: name, bytes }) => `${name} ${bytes}`).sort()).toEqual([
    'a.canvas 1',
    'b.canvas 2',
    'e.canvas 1',
  ]);
});
