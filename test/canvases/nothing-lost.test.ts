/** What the history has when somebody else was quicker: another client, another program, or the end of the process. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../src/canvases/document/etag.js';
import { vaultLockName } from '../../src/canvases/holding/folder-lock.js';
import { openJournal } from '../../src/canvases/journal/journal.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { ManualClock } from './support/manual-clock.js';
import { openTestCanvases, variants } from './support/open-test-canvases.js';

type Opened = Awaited<ReturnType<typeof openTestCanvases>>;

const name = 'a.canvas';
const etagFor = (text: string) => etagOf(canvasBytes(text));
const put = ({ canvases }: Opened, text: string, seen?: string, to = name) =>
  canvases.put(to, canvasBytes(text), seen === undefined ? {} : { ifMatch: [etagFor(seen)] }, false);
const kept = async ({ canvases }: Opened, of = name) => (await canvases.versions(of)).map(({ etag }) => etag);
const origins = async ({ canvases }: Opened, of = name) => (await canvases.versions(of)).map(({ origin }) => origin);
const file = ({ vaultDir }: Opened, of = name) => path.join(vaultDir, of);

/** Goes on with copies of the folders, as if the process had died here. The journal may be what is copied first. */
async function afterCrash(before: Opened, enabled = true, more: Parameters<typeof openTestCanvases>[1] = {}) {
  const folder = await temporaryFolder();
  const [vaultDir, dataDir] = [path.join(folder, 'vault'), path.join(folder, 'data')];
  const notItsOwn = new Set([vaultLockName, 'vault.json']);
  const filter = (from: string) => !notItsOwn.has(path.basename(from));
  cpSync(before.vaultDir, vaultDir, { recursive: true, filter });
  cpSync(before.dataDir, dataDir, { recursive: true, filter });
  return { vaultDir, dataDir, start: () => openTestCanvases(enabled, { vaultDir, dataDir, ...more }) };
}

describe.each(variants)('versions that somebody overwrote without having seen them, $variant', ({ enabled }) => {
  it('are all in the history, also those that no file ever had', async () => {
    const opened = await openTestCanvases(enabled, { clock: new ManualClock() });
    for (const text of ['1', '2', '3']) await put(opened, text);
    await Promise.all(['4', '5', '6'].map((text) => put(opened, text)));
    expect(await kept(opened)).toEqual(['5', '4', '3', '2', '1'].map(etagFor));
    expect(new Set(await origins(opened))).toEqual(new Set(['api']));
    for (const { id, etag } of await opened.canvases.versions(name)) {
      expect(etagOf(await opened.canvases.readVersion(name, id))).toBe(etag);
    }
  });

  it('survive the end of the process', async () => {
    const before = await openTestCanvases(enabled, { clock: new ManualClock() });
    for (const text of ['1', '2', '3', '4']) await put(before, text);
    const opened = await (await afterCrash(before, enabled)).start();
    expect(await kept(opened)).toEqual(['3', '2', '1'].map(etagFor));
    await opened.canvases.close();
    expect(readdirSync(path.join(opened.dataDir, 'journal'))).toEqual([]);
  });

  it('go along with a canvas that is moved', async () => {
    const opened = await openTestCanvases(enabled, { clock: new ManualClock() });
    for (const text of ['1', '2', '3']) await put(opened, text);
    await opened.canvases.move(name, 'x/b.canvas', {});
    expect(await kept(opened, 'x/b.canvas')).toEqual(['2', '1'].map(etagFor));
    await expect(opened.canvases.versions(name)).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
  });

  it('can be restored after a deletion in the same burst', async () => {
    const opened = await openTestCanvases(enabled, { clock: new ManualClock() });
    await put(opened, '0');
    await Promise.all([put(opened, '1'), opened.canvases.delete(name, {}), put(opened, '2')]);
    expect(await kept(opened)).toEqual(['1', '0'].map(etagFor));
  });

  it('are there though it was another program that overwrote them, and a write came before anybody looked', async () => {
    for (const write of ['delete', 'put'] as const) {
      const opened = await openTestCanvases(enabled, { clock: new ManualClock() });
      await put(opened, 'ours');
      await opened.canvases.flush();
      writeFileSync(file(opened, 'theirs'), canvasBytes('theirs'));
      renameSync(file(opened, 'theirs'), file(opened));
      if (write === 'delete') await opened.canvases.delete(name, {});
      else await put(opened, 'after', 'theirs');
      await opened.canvases.flush();
      if (write === 'delete') await put(opened, 'new');
      expect(new Set(await kept(opened))).toEqual(new Set(['ours', 'theirs'].map(etagFor)));
    }
  });
});

it('what one client saves on and on, naming what it saw, is joined; what it overwrites unseen is not', async () => {
  const opened = await openTestCanvases(true, { clock: new ManualClock() });
  await put(opened, '0');
  await opened.canvases.flush();
  await put(opened, '1', '0');
  await put(opened, '2', '1');
  await put(opened, 'foreign');
  await put(opened, '3', 'foreign');
  await opened.canvases.edit(name, {}, () => canvasBytes('4'));
  expect(await kept(opened)).toEqual(['2', '0'].map(etagFor));
});

it('a client that saves blindly on and on leaves a bounded history, in which a foreign edit stays', async () => {
  const clock = new ManualClock();
  const opened = await openTestCanvases(true, { clock });
  await put(opened, 'start');
  await opened.canvases.flush();
  writeFileSync(file(opened), canvasBytes('foreign'));
  for (let i = 0; i < 200; i += 1) {
    await put(opened, `${i}`);
    if (i % 20 === 19) await clock.advance(700);
  }
  const versions = await kept(opened);
  expect(versions.length).toBeLessThanOrEqual(50);
  for (const text of ['foreign', '198', '197', '190']) expect(versions).toContain(etagFor(text));
  const packs = readdirSync(path.join(opened.dataDir, 'history'), { recursive: true }).filter((entry) =>
    /pack-/.test(String(entry)),
  );
  expect(packs.length).toBeGreaterThan(0);
  expect(packs.length).toBeLessThan(12);
});

describe('what another program overwrites', () => {
  it('is in the history although the service was started anew in between', async () => {
    const clock = new ManualClock();
    const before = await openTestCanvases(true, { clock });
    await put(before, 'ours');
    await before.canvases.flush();
    await before.canvases.close();
    writeFileSync(file(before), canvasBytes('theirs'));
    const after = await openTestCanvases(true, { vaultDir: before.vaultDir, dataDir: before.dataDir });
    expect(await kept(after)).toEqual([etagFor('ours')]);
    await put(after, 'ours again');
    expect(await kept(after)).toEqual(['theirs', 'ours'].map(etagFor));
    expect(await origins(after)).toEqual(['external', 'api']);
  });

  it('is in the history although the service was killed right after its write', async () => {
    const before = await openTestCanvases(true, { clock: new ManualClock() });
    await put(before, 'ours');
    await before.canvases.flush();
    // Its checkpoint is not waited for, but is in the journal before what is appended after it.
    await put(before, 'other', undefined, 'other.canvas');
    const crashed = await afterCrash(before);
    writeFileSync(path.join(crashed.vaultDir, name), canvasBytes('theirs'));
    const after = await crashed.start();
    expect(await kept(after)).toEqual([etagFor('ours')]);
    expect(await origins(after)).toEqual(['api']);
  });

  it.each([
    { when: 'when its versions are asked for', wait: (_clock: ManualClock, opened: Opened) => kept(opened) },
    {
      when: 'two seconds later by itself',
      async wait(clock: ManualClock, { dataDir }: Opened) {
        const entries = () => readdirSync(path.join(dataDir, 'history'), { recursive: true }).map(String);
        const versions = () => entries().filter((entry) => /\/[^.]/.test(entry) && !entry.endsWith('/path'));
        while (versions().length < 2) await clock.advance(100);
      },
    },
    { when: 'when the service stops', wait: async (_clock: ManualClock, opened: Opened) => opened.canvases.close() },
  ])('is in the history although the program had opened the file before our write, noticed $when', async ({ wait }) => {
    const clock = new ManualClock();
    const opened = await openTestCanvases(true, { clock });
    await put(opened, '1');
    await opened.canvases.flush();
    const late = await open(file(opened), 'r+');
    await put(opened, '2', '1');
    await opened.canvases.flush();
    await late.write(canvasBytes('theirs'), 0);
    await late.truncate(canvasBytes('theirs').length);
    await late.close();
    await wait(clock, opened);
    const after = await (await afterCrash(opened)).start();
    expect(new Set(await kept(after))).toEqual(new Set(['1', 'theirs'].map(etagFor)));
    expect(new Set(await origins(after))).toEqual(new Set(['api', 'external']));
    expect((await after.canvases.read(name, {})).etag).toBe(etagFor('2'));
  });

  it('is in the history although it was too much for the memory', async () => {
    const clock = new ManualClock();
    const opened = await openTestCanvases(true, { clock });
    const large = (index: number) => canvasBytes(`${index} ${'x'.repeat(1_500_000)}`);
    for (let index = 0; index < 30; index += 1) {
      await opened.canvases.put(`${index}.canvas`, large(index), {}, false);
      await opened.canvases.flush();
      if (index % 10 === 9) await clock.advance(2000);
    }
    await clock.runUntil(opened.canvases.flush());
    while (readdirSync(path.join(opened.dataDir, 'copies')).filter((entry) => !entry.startsWith('.')).length < 30) {
      await clock.advance(100);
    }
    writeFileSync(file(opened, '0.canvas'), canvasBytes('theirs'));
    expect(await kept(opened, '0.canvas')).toEqual([etagOf(large(0))]);
  });

  it('is told apart from our own after a kill, for what was in its file and for what was not', async () => {
    const before = await openTestCanvases(true, { clock: new ManualClock() });
    for (const of of ['written.canvas', 'pending.canvas']) await put(before, '1', undefined, of);
    await before.canvases.flush();
    await put(before, '2', '1', 'pending.canvas');
    const after = await (await afterCrash(before)).start();
    await put(after, '3', undefined, 'written.canvas');
    await put(after, '3', undefined, 'pending.canvas');
    expect(await origins(after, 'written.canvas')).toEqual(['api']);
    expect(await origins(after, 'pending.canvas')).toEqual(['api', 'api']);
  });
});

it('versions overwritten unseen are in the history before a start answers anybody, when many megabytes are left', async () => {
  const before = await openTestCanvases(true, { clock: new ManualClock() });
  const large = (index: number) => canvasBytes(`${index} ${'x'.repeat(11_500_000)}`);
  for (let index = 0; index < 4; index += 1) await before.canvases.put(name, large(index), {}, false);
  const packsIn = (dataDir: string) =>
    readdirSync(path.join(dataDir, 'history'), { recursive: true }).filter((entry) => /pack-[^/]+$/.test(`${entry}`));
  expect(packsIn(before.dataDir)).toEqual([]);
  const crashed = await afterCrash(before, true, { clock: new ManualClock() });
  const { dataDir } = await crashed.start();
  expect(packsIn(dataDir)).toHaveLength(1);
});

it('an outside file that stays no JSON is told once, with the ETag of its bytes', async () => {
  const clock = new ManualClock();
  const opened = await openTestCanvases(true, { clock });
  await put(opened, '1');
  await opened.canvases.flush();
  const told: unknown[] = [];
  opened.canvases.changes.subscribe((change) => told.push(change));
  writeFileSync(file(opened), '{"nodes": [');
  const waiting = clock.timers;
  // Hints come by the machine's clock; the look once it is still comes by this one.
  while (clock.timers <= waiting) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
  clock.letPass(10_000);
  while (told.length === 0) await clock.advance(1100);
  await clock.advance(5000);
  expect(told).toEqual([
    expect.objectContaining({ kind: 'changed', origin: 'external', etag: etagOf(Buffer.from('{"nodes": [')) }),
  ]);
});

describe('a move that the end of the process cut short', () => {
  /** A vault whose journal has a move of which the files know nothing yet. */
  async function cutShort(inFiles: (vaultDir: string) => void) {
    const before = await openTestCanvases(true, { clock: new ManualClock() });
    await put(before, '0');
    await before.canvases.flush();
    await put(before, '1');
    await before.canvases.flush();
    const { vaultDir, dataDir, start } = await afterCrash(before);
    rmSync(path.join(dataDir, 'journal'), { recursive: true });
    const { journal } = await openJournal({ folder: path.join(dataDir, 'journal'), etagOf });
    const bytes = canvasBytes('1');
    await journal.append({ kind: 'move', from: name, to: 'x/b.canvas', bytes, etag: etagOf(bytes) });
    await journal.close();
    await mkdir(path.join(vaultDir, 'x'));
    inFiles(vaultDir);
    return start();
  }

  it.each([
    { when: 'before any file changed', inFiles: () => {} },
    {
      when: 'when the file had both names',
      inFiles: (vaultDir: string) => cpSync(path.join(vaultDir, name), path.join(vaultDir, 'x/b.canvas')),
    },
    {
      when: 'when the old name was gone',
      inFiles: (vaultDir: string) => renameSync(path.join(vaultDir, name), path.join(vaultDir, 'x/b.canvas')),
    },
  ])('is ended, its history with it: $when', async ({ inFiles }) => {
    const opened = await cutShort(inFiles);
    expect(existsSync(file(opened))).toBe(false);
    expect((await opened.canvases.read('x/b.canvas', {})).body).toEqual(canvasBytes('1'));
    expect(await kept(opened, 'x/b.canvas')).toEqual([etagFor('0')]);
    await expect(opened.canvases.versions(name)).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
  });

  it('keeps what another program wrote at the old name meanwhile', async () => {
    const opened = await cutShort((vaultDir) => writeFileSync(path.join(vaultDir, name), canvasBytes('theirs')));
    expect(existsSync(file(opened))).toBe(false);
    expect(await kept(opened, 'x/b.canvas')).toEqual(['theirs', '0'].map(etagFor));
  });
});

it('an acknowledged canvas reaches its file although another program takes a name like it meanwhile', async () => {
  const opened = await openTestCanvases(true, { clock: new ManualClock() });
  await put(opened, '1');
  await opened.canvases.flush();
  await put(opened, '2');
  renameSync(file(opened), file(opened, 'A.canvas'));
  await opened.canvases.flush();
  expect(readFileSync(file(opened))).toEqual(canvasBytes('2'));
  expect(readFileSync(file(opened, 'A.canvas'))).toEqual(canvasBytes('1'));
  expect(opened.canvases.pendingWrites()).toBe(0);
});

describe('a data folder', () => {
  it('that holds acknowledged changes to another vault stops the start, and says what to do', async () => {
    const before = await openTestCanvases(true, { clock: new ManualClock() });
    await put(before, '0');
    await before.canvases.flush();
    await put(before, '1');
    const dataDir = path.join(await temporaryFolder(), 'data');
    cpSync(before.dataDir, dataDir, { recursive: true });
    const vaultDir = await temporaryFolder();
    const start = openTestCanvases(true, { vaultDir, dataDir });
    await expect(start).rejects.toThrow(`belongs to the vault ${before.vaultDir}`);
    await expect(openTestCanvases(true, { vaultDir, dataDir })).rejects.toThrow('Start once with the former vault');
    expect(readdirSync(vaultDir)).toEqual([]);
  });

  it('that holds nothing unwritten begins anew with another vault, and takes up the first again', async () => {
    const first = await openTestCanvases(true);
    for (const text of ['1', '2']) await put(first, text);
    await first.canvases.close();
    const { dataDir } = first;
    const vaultDir = await temporaryFolder();
    const second = await openTestCanvases(true, { vaultDir, dataDir });
    await put(second, 'second');
    expect(await kept(second)).toEqual([]);
    await second.canvases.close();
    const again = await openTestCanvases(true, { vaultDir: first.vaultDir, dataDir });
    expect(await kept(again)).toEqual([etagFor('1')]);
  });

  it('goes along with a vault that is renamed', async () => {
    const before = await openTestCanvases(true);
    for (const text of ['1', '2']) await put(before, text);
    await before.canvases.close();
    const vaultDir = `${before.vaultDir}-renamed`;
    renameSync(before.vaultDir, vaultDir);
    const opened = await openTestCanvases(true, { vaultDir, dataDir: before.dataDir });
    expect(await kept(opened)).toEqual([etagFor('1')]);
    await opened.canvases.close();
    renameSync(vaultDir, before.vaultDir);
  });
});
