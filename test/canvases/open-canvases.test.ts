import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { CanvasChange } from '../../src/canvases/changes/change-log.js';
import { etagOf } from '../../src/canvases/document/etag.js';
import { applyElementEdits } from '../../src/canvases/edits/canvas-editor.js';
import { checkedBytes } from '../../src/canvases/edits/checked-edit.js';
import { vaultLockName } from '../../src/canvases/holding/folder-lock.js';
import type { Canvases } from '../../src/canvases/index.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { ManualClock } from './support/manual-clock.js';
import { openTestCanvases, variants } from './support/open-test-canvases.js';

const bodyOf = async (canvases: Canvases, name: string) => (await canvases.read(name, {})).body?.toString();
const etagFor = (text: string) => etagOf(canvasBytes(text));

/** The next change of another program. */
const nextExternal = (canvases: Canvases) =>
  new Promise<CanvasChange>((resolve) => {
    const end = canvases.changes.subscribe((change) => {
      if (change.origin !== 'external') return;
      end();
      resolve(change);
    });
  });

describe.each(variants)('the history, $variant', ({ enabled }) => {
  it('has what each write replaced, and gives it back', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const put = (text: string) => canvases.put('a.canvas', canvasBytes(text), {}, false).then(() => canvases.flush());
    await put('1');
    expect(await canvases.versions('a.canvas')).toEqual([]);
    await put('2');
    writeFileSync(path.join(vaultDir, 'a.canvas'), canvasBytes('outside'));
    await put('3');
    await canvases.delete('a.canvas', {});
    await expect(bodyOf(canvases, 'a.canvas')).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
    const versions = await canvases.versions('a.canvas');
    expect(versions.map(({ etag, origin }) => [etag, origin])).toEqual([
      [etagFor('3'), 'api'],
      [etagFor('outside'), 'external'],
      [etagFor('2'), 'api'],
      [etagFor('1'), 'api'],
    ]);
    const id = versions[1]?.id ?? '';
    expect(await canvases.readVersion('a.canvas', id)).toEqual(canvasBytes('outside'));
    const restored = await canvases.restore('a.canvas', id, { ifNoneMatch: '*' });
    expect(restored).toMatchObject({ outcome: 'created', etag: etagFor('outside') });
    await expect(canvases.restore('a.canvas', id, { ifNoneMatch: '*' })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
    await expect(canvases.restore('a.canvas', 'none', {})).rejects.toMatchObject({ code: 'CANVAS_VERSION_UNKNOWN' });
    await expect(canvases.versions('b.canvas')).rejects.toMatchObject({ code: 'CANVAS_NOT_FOUND' });
  });

  it.each(['in place', 'by rename', 'by taking it away'])(
    'has the version that another program overwrote %s after it was acknowledged',
    async (way) => {
      const { canvases, vaultDir } = await openTestCanvases(enabled);
      const file = path.join(vaultDir, 'a.canvas');
      const aside = path.join(vaultDir, 'aside');
      await canvases.put('a.canvas', canvasBytes('ours'), {}, false);
      await canvases.flush();
      writeFileSync(aside, canvasBytes('outside'));
      if (way === 'in place') writeFileSync(file, canvasBytes('outside'));
      else if (way === 'by rename') renameSync(aside, file);
      else rmSync(file);
      const versions = await canvases.versions('a.canvas');
      expect(versions.map(({ etag, origin }) => [etag, origin])).toEqual([[etagFor('ours'), 'api']]);
      await canvases.put('a.canvas', canvasBytes('next'), {}, false);
      expect((await canvases.versions('a.canvas')).filter(({ etag }) => etag === etagFor('ours'))).toHaveLength(1);
    },
  );

  it('has the last version of a deleted canvas, also when it never reached its file', async () => {
    const { canvases } = await openTestCanvases(enabled);
    for (const text of ['1', '2', '3']) await canvases.put('a.canvas', canvasBytes(text), {}, false);
    const last = canvases.put('a.canvas', canvasBytes('4'), {}, false);
    await Promise.all([last, canvases.delete('a.canvas', {})]);
    const [newest] = await canvases.versions('a.canvas');
    expect(newest).toMatchObject({ etag: etagFor('4'), origin: 'api' });
    expect((await canvases.restore('a.canvas', newest?.id ?? '', {})).etag).toBe(etagFor('4'));
  });

  it('goes along when a canvas is moved, and does not list the canvas itself', async () => {
    const { canvases, vaultDir, events } = await openTestCanvases(enabled);
    await canvases.put('x/a.canvas', canvasBytes('1'), {}, false);
    await canvases.flush();
    await canvases.put('x/a.canvas', canvasBytes('2'), {}, false);
    const moved = await canvases.move('x/a.canvas', 'new/b.canvas', { ifMatch: [etagFor('2')] });
    expect(moved).toEqual({ path: 'new/b.canvas', etag: etagFor('2') });
    expect(readdirSync(path.join(vaultDir, 'x'))).toEqual([]);
    expect(await bodyOf(canvases, 'new/b.canvas')).toBe(canvasBytes('2').toString());
    expect((await canvases.versions('new/b.canvas')).map(({ etag }) => etag)).toEqual([etagFor('1')]);
    await canvases.put('new/b.canvas', canvasBytes('3'), {}, false);
    const versions = await canvases.versions('new/b.canvas');
    expect(versions.map(({ etag, origin }) => [etag, origin])).toEqual([
      [etagFor('2'), 'api'],
      [etagFor('1'), 'api'],
    ]);
    await canvases.put('NEW2/b.canvas', canvasBytes('x'), {}, false);
    const clash = canvases.move('new/b.canvas', 'new2/c.canvas', {});
    await expect(clash).rejects.toMatchObject({ code: 'CANVAS_NAME_CLASH' });
    expect(await bodyOf(canvases, 'new/b.canvas')).toBe(canvasBytes('3').toString());
    expect(events.filter((event) => event.type === 'write' && event.operation === 'move')).toHaveLength(2);
  });

  it('finds the bytes of versions for merging: current, of a burst, and earlier ones', async () => {
    const { canvases } = await openTestCanvases(enabled);
    for (const text of ['1', '2', '3']) await canvases.put('a.canvas', canvasBytes(text), {}, false);
    for (const text of ['1', '2', '3']) {
      expect(await canvases.bytesOf('a.canvas', etagFor(text))).toEqual(canvasBytes(text));
    }
    expect(await canvases.bytesOf('a.canvas', '"none"')).toBeUndefined();
    expect(await canvases.bytesOf('b.canvas', etagFor('1'))).toBeUndefined();
  });

  it('tells of each write, and of what other programs do, once', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const file = path.join(vaultDir, 'a.canvas');
    const begin = canvases.changes.position();
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    await canvases.flush();
    const external = nextExternal(canvases);
    writeFileSync(`${file}.tmp`, canvasBytes('outside'));
    renameSync(`${file}.tmp`, file);
    expect(await external).toMatchObject({ kind: 'changed', etag: etagFor('outside') });
    utimesSync(file, 1, 1);
    const made = nextExternal(canvases);
    writeFileSync(path.join(vaultDir, 'b.canvas'), canvasBytes('b'));
    expect(await made).toMatchObject({ path: 'b.canvas', kind: 'created' });
    const gone = nextExternal(canvases);
    rmSync(file);
    expect(await gone).toMatchObject({ path: 'a.canvas', kind: 'deleted', etag: null });
    await canvases.edit('b.canvas', {}, () => canvasBytes('b2'));
    await canvases.delete('b.canvas', {});
    const told = canvases.changes.since(begin);
    expect(told).not.toBe('reset');
    expect((told as CanvasChange[]).map(({ path: at, kind, origin }) => `${at} ${kind} ${origin}`)).toEqual([
      'a.canvas created api',
      'a.canvas changed external',
      'b.canvas created external',
      'a.canvas deleted external',
      'b.canvas changed api',
      'b.canvas deleted api',
    ]);
  });

  it('refuses an edit that makes the canvas too large, or that refuses itself, and changes nothing', async () => {
    const { canvases } = await openTestCanvases(enabled);
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    const broken = canvases.edit('a.canvas', {}, (current) =>
      checkedBytes(applyElementEdits(current, [{ op: 'addNode', node: { id: 'n' } }])),
    );
    await expect(broken).rejects.toMatchObject({ code: 'CANVAS_INVALID' });
    const huge = canvases.edit('a.canvas', {}, () => Buffer.alloc(17 * 1024 * 1024, 32));
    await expect(huge).rejects.toMatchObject({ code: 'CANVAS_TOO_LARGE' });
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('1').toString());
  });
});

describe('acknowledged, and not in the file yet', () => {
  it('is what readers and lists show, and a file that fails is written when it can be', async () => {
    const clock = new ManualClock();
    const { canvases, vaultDir, events } = await openTestCanvases(true, { clock });
    await canvases.put('a.canvas', canvasBytes('0'), {}, false);
    await canvases.flush();
    const file = await open('/dev/null');
    await file.close();
    const sync = vi.spyOn(Object.getPrototypeOf(file) as FileHandle, 'sync');
    sync.mockRejectedValue(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    await canvases.put('b.canvas', canvasBytes('new'), {}, false);
    await canvases.flush();
    vi.restoreAllMocks();
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(canvasBytes('0'));
    expect(readdirSync(vaultDir).sort()).toEqual([vaultLockName, 'a.canvas']);
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('1').toString());
    const { items } = await canvases.list({ prefix: '', after: '' }, 10);
    expect(items.map(({ etag }) => etag)).toEqual([etagFor('1'), etagFor('new')]);
    expect((await canvases.list({ prefix: '', after: 'a.canvas' }, 10)).items).toHaveLength(1);
    expect(await canvases.list({ prefix: '', after: '' }, 1)).toMatchObject({ lastPath: 'a.canvas' });
    expect(canvases.pendingWrites()).toBe(2);
    await clock.runUntil(canvases.flush());
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(canvasBytes('1'));
    const failed = events.filter((event) => event.type === 'file_write' && event.outcome === 'failed');
    expect(failed.length).toBeGreaterThanOrEqual(2);
    expect((await canvases.versions('a.canvas')).map(({ etag }) => etag)).toEqual([etagFor('0')]);
  });

  it('after a close readers still get the files, and writers are refused', async () => {
    const { canvases } = await openTestCanvases(true);
    await canvases.put('a.canvas', canvasBytes('0'), {}, false);
    await canvases.close();
    await canvases.close();
    await expect(canvases.edit('a.canvas', {}, () => canvasBytes('1'))).rejects.toMatchObject({
      code: 'CANVASES_CLOSED',
    });
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('0').toString());
  });
});

describe('starting and stopping', () => {
  it('a stop leaves an empty journal, all files written and the vault free', async () => {
    const { canvases, vaultDir, dataDir } = await openTestCanvases(true);
    for (const text of ['1', '2', '3']) await canvases.put('a.canvas', canvasBytes(text), {}, false);
    await canvases.close();
    expect(readdirSync(path.join(dataDir, 'journal'))).toEqual([]);
    expect(readdirSync(vaultDir)).toEqual(['a.canvas']);
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(canvasBytes('3'));
  });

  it('knows after a restart which versions were its own', async () => {
    const before = await openTestCanvases(true);
    for (const name of ['own.canvas', 'theirs.canvas']) await before.canvases.put(name, canvasBytes('1'), {}, false);
    await before.canvases.close();
    const { vaultDir, dataDir } = before;
    writeFileSync(path.join(vaultDir, 'theirs.canvas'), canvasBytes('outside'));
    const { canvases } = await openTestCanvases(true, { vaultDir, dataDir });
    const originOf = async (name: string) => {
      await canvases.put(name, canvasBytes('2'), {}, false);
      return (await canvases.versions(name)).map(({ origin }) => origin);
    };
    expect(await originOf('own.canvas')).toEqual(['api']);
    expect(await originOf('theirs.canvas')).toEqual(['external', 'api']);
    await canvases.close();
    writeFileSync(path.join(dataDir, 'history', 'own-versions.json'), '[1');
    const damaged = await openTestCanvases(true, { vaultDir, dataDir });
    expect(await bodyOf(damaged.canvases, 'own.canvas')).toBe(canvasBytes('2').toString());
  });

  it('a second one on the same vault is refused with a clear message', async () => {
    const { vaultDir } = await openTestCanvases(true);
    const second = openTestCanvases(true, { vaultDir });
    await expect(second).rejects.toThrow(`The vault ${vaultDir} is in use by process ${process.pid}`);
  });

  it('a start writes what was acknowledged, and keeps what another program wrote meanwhile', async () => {
    const before = await openTestCanvases(true, { clock: new ManualClock() });
    const put = (name: string, text: string) => before.canvases.put(name, canvasBytes(text), {}, false);
    for (const name of ['known.canvas', 'outside.canvas', 'gone.canvas', 'done.canvas']) await put(name, '0');
    await before.canvases.flush();
    await put('done.canvas', '1');
    await before.canvases.flush();
    await put('known.canvas', '1');
    await put('outside.canvas', '1');
    await put('new/made.canvas', '1');
    await before.canvases.delete('gone.canvas', {});
    const dead = await temporaryFolder();
    const [vaultDir, dataDir] = [path.join(dead, 'vault'), path.join(dead, 'data')];
    cpSync(before.vaultDir, vaultDir, { recursive: true, filter: (from) => path.basename(from) !== vaultLockName });
    cpSync(before.dataDir, dataDir, { recursive: true, filter: (from) => path.basename(from) !== 'vault.json' });
    writeFileSync(path.join(vaultDir, 'outside.canvas'), canvasBytes('theirs'));
    writeFileSync(path.join(vaultDir, 'done.canvas'), canvasBytes('theirs'));
    const { canvases, events } = await openTestCanvases(true, { vaultDir, dataDir });
    expect(await bodyOf(canvases, 'known.canvas')).toBe(canvasBytes('1').toString());
    await canvases.flush();
    expect(readFileSync(path.join(vaultDir, 'known.canvas'))).toEqual(canvasBytes('1'));
    expect(readFileSync(path.join(vaultDir, 'outside.canvas'))).toEqual(canvasBytes('1'));
    expect(readFileSync(path.join(vaultDir, 'done.canvas'))).toEqual(canvasBytes('theirs'));
    expect(readdirSync(vaultDir)).not.toContain('gone.canvas');
    const kept = async (name: string) => (await canvases.versions(name)).map(({ etag, origin }) => [etag, origin]);
    expect(await kept('known.canvas')).toEqual([[etagFor('0'), 'api']]);
    expect(await kept('outside.canvas')).toEqual([
      [etagFor('theirs'), 'external'],
      [etagFor('0'), 'api'],
    ]);
    expect(await kept('done.canvas')).toEqual([
      [etagFor('1'), 'api'],
      [etagFor('0'), 'api'],
    ]);
    expect(await kept('gone.canvas')).toEqual([[etagFor('0'), 'api']]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'journal_recovered' }));
    expect(statSync(path.join(vaultDir, 'new/made.canvas')).size).toBe(canvasBytes('1').length);
    expect(canvases.pendingWrites()).toBe(0);
  });
});
