import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../src/canvases/document/etag.js';
import { vaultLockName } from '../../src/canvases/holding/folder-lock.js';
import type { Canvases } from '../../src/canvases/index.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { ManualClock } from './support/manual-clock.js';
import { openTestCanvases, variants } from './support/open-test-canvases.js';

const visible = (folder: string) => readdirSync(folder).filter((name) => name !== vaultLockName);
const bodyOf = async (canvases: Canvases, name: string) => (await canvases.read(name, {})).body?.toString();

describe.each(variants)('canvases, $variant', ({ enabled }) => {
  it('stores 1000 racing writes of one canvas: the last wins, whole, in few file writes', async () => {
    const clock = new ManualClock();
    const { canvases, vaultDir, events } = await openTestCanvases(enabled, { clock });
    const count = enabled ? 1000 : 60;
    const versions = Array.from({ length: count }, (_unused, index) => canvasBytes(`version ${index}`));
    const writes = versions.map((bytes) => canvases.put('a.canvas', bytes, {}, false));
    expect(canvases.pendingWrites()).toBe(count);
    const answers = await clock.runUntil(Promise.all(writes));
    expect(answers[0]?.outcome).toBe('created');
    await canvases.flush();
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(versions.at(-1));
    expect(visible(vaultDir)).toEqual(['a.canvas']);
    const fileWrites = events.filter((event) => event.type === 'file_write');
    expect(fileWrites).toHaveLength(enabled ? 1 : count);
    expect(fileWrites.reduce((sum, event) => sum + event.requests, 0)).toBe(count);
    expect(canvases.pendingWrites()).toBe(0);
    // Those that no file ever had are in memory until the history has them.
    await clock.runUntil(eventually(() => expect(canvases.pendingBytes()).toBe(0)));
  });

  it('writes many canvases side by side, in folders that do not exist yet', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const names = Array.from({ length: 60 }, (_unused, index) => `f${index % 7}/g${index % 3}/${index}.canvas`);
    await Promise.all(names.map((name) => canvases.put(name, canvasBytes(name), {}, false)));
    expect((await canvases.list({ prefix: '', after: '' }, 100)).items.map((item) => item.path)).toEqual(names.sort());
    await canvases.flush();
    for (const name of names) expect(readFileSync(path.join(vaultDir, name))).toEqual(canvasBytes(name));
  });

  it('leaves nothing behind when a body is refused', async () => {
    const { canvases, vaultDir, events } = await openTestCanvases(enabled);
    const cut = Buffer.from('{"nodes":[');
    await expect(canvases.put('x/a.canvas', cut, {}, false)).rejects.toMatchObject({ code: 'CANVAS_MALFORMED' });
    const wrong = Buffer.from('{"nodes":1}');
    await expect(canvases.put('x/a.canvas', wrong, {}, false)).rejects.toMatchObject({ code: 'CANVAS_INVALID' });
    await expect(canvases.put('x/a.canvas', canvasBytes('x'), { ifMatch: '*' }, false)).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
    expect(visible(vaultDir)).toEqual([]);
    expect(events.filter((event) => event.type === 'file_write')).toEqual([]);
  });

  it('refuses a name that differs from a sibling only in case or Unicode form', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const put = (name: string) => canvases.put(name, canvasBytes(name), {}, false);
    await put('Notes/Café.canvas');
    for (const name of ['Notes/café.canvas', 'Notes/Cafe\u0301.canvas', 'notes/b.canvas']) {
      await expect(put(name), name).rejects.toMatchObject({ code: 'CANVAS_NAME_CLASH', kind: 'conflict' });
    }
    const outcomes = await Promise.allSettled([put('New/a.canvas'), put('new/b.canvas'), put('New/A.canvas')]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    await put('Notes/Café.canvas');
    expect(visible(vaultDir).sort()).toEqual(['New', 'Notes']);
  });

  it('answers "not found" for every method on links and special files, and touches nothing behind them', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const outside = await temporaryFolder();
    writeFileSync(path.join(outside, 'x.canvas'), '{"canary":1}');
    symlinkSync(path.join(outside, 'x.canvas'), path.join(vaultDir, 'link.canvas'));
    symlinkSync(outside, path.join(vaultDir, 'folder'));
    mkdirSync(path.join(vaultDir, 'dir.canvas'));
    for (const name of ['link.canvas', 'folder/x.canvas', 'folder/new/y.canvas', 'dir.canvas']) {
      const notFound = { code: 'CANVAS_NOT_FOUND', message: 'There is no canvas at this path' };
      await expect(canvases.put(name, canvasBytes('x'), {}, false), name).rejects.toMatchObject(notFound);
      await expect(canvases.put(name, canvasBytes('x'), {}, true), name).rejects.toMatchObject(notFound);
      await expect(canvases.delete(name, {}), name).rejects.toMatchObject(notFound);
      await expect(bodyOf(canvases, name), name).rejects.toMatchObject(notFound);
    }
    expect(readdirSync(outside)).toEqual(['x.canvas']);
    expect(readFileSync(path.join(outside, 'x.canvas'), 'utf8')).toBe('{"canary":1}');
  });

  it('replaces or deletes a file that is no JSON only with If-Match', async () => {
    const clock = new ManualClock();
    const { canvases, vaultDir } = await openTestCanvases(enabled, { clock });
    const broken = Buffer.from('{"half":');
    writeFileSync(path.join(vaultDir, 'a.canvas'), broken);
    clock.letPass(10_000);
    const etag = etagOf(broken);
    await expect(bodyOf(canvases, 'a.canvas')).rejects.toMatchObject({ code: 'CANVAS_INVALID', extra: { etag } });
    const refusal = { code: 'CANVAS_FILE_INVALID', extra: { etag } };
    await expect(canvases.put('a.canvas', canvasBytes('x'), {}, false)).rejects.toMatchObject(refusal);
    await expect(canvases.delete('a.canvas', {})).rejects.toMatchObject(refusal);
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(broken);
    await canvases.put('a.canvas', canvasBytes('x'), { ifMatch: [etag] }, false);
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('x').toString());
  });

  it('keeps what was accepted through a close, and refuses writes after it', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    const writes = ['1', '2', '3'].map((text) => canvases.put('a.canvas', canvasBytes(text), {}, false));
    await canvases.put('b.canvas', canvasBytes('async'), {}, true);
    await canvases.close();
    await Promise.all(writes);
    expect(readFileSync(path.join(vaultDir, 'a.canvas'))).toEqual(canvasBytes('3'));
    expect(readFileSync(path.join(vaultDir, 'b.canvas'))).toEqual(canvasBytes('async'));
    await expect(canvases.put('a.canvas', canvasBytes('4'), {}, false)).rejects.toMatchObject({
      code: 'CANVASES_CLOSED',
    });
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('3').toString());
  });

  it('shows a write that was accepted early at once', async () => {
    const { canvases } = await openTestCanvases(enabled);
    await canvases.put('a.canvas', canvasBytes('0'), {}, false);
    const answer = await canvases.put('a.canvas', canvasBytes('1'), {}, true);
    expect(answer).toMatchObject({ outcome: 'accepted', etag: etagOf(canvasBytes('1')) });
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('1').toString());
    expect(await canvases.flush()).toBeLessThanOrEqual(enabled ? 1 : 0);
    expect(await bodyOf(canvases, 'a.canvas')).toBe(canvasBytes('1').toString());
  });

  it('says that the vault is unavailable when its folder disappears, and recovers', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    rmSync(vaultDir, { recursive: true });
    const gone = { code: 'VAULT_UNAVAILABLE', kind: 'unavailable' };
    await expect(bodyOf(canvases, 'a.canvas')).rejects.toMatchObject(gone);
    await expect(canvases.put('a.canvas', canvasBytes('1'), {}, false)).rejects.toMatchObject(gone);
    await expect(canvases.list({ prefix: '', after: '' }, 10)).rejects.toMatchObject(gone);
    mkdirSync(vaultDir);
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
  });

  it('makes the folder again when another program takes it away', async () => {
    const { canvases, vaultDir } = await openTestCanvases(enabled);
    await canvases.put('x/a.canvas', canvasBytes('1'), {}, false);
    await canvases.flush();
    rmSync(path.join(vaultDir, 'x'), { recursive: true });
    await canvases.put('x/b.canvas', canvasBytes('2'), {}, false);
    await canvases.flush();
    expect(readdirSync(path.join(vaultDir, 'x'))).toEqual(['b.canvas']);
  });
});

describe('with all optimisations on', () => {
  it('a canvas stored again unchanged costs no file work', async () => {
    const { canvases, vaultDir, events } = await openTestCanvases(true);
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    await canvases.flush();
    const before = statSync(path.join(vaultDir, 'a.canvas'), { bigint: true });
    const answer = await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    expect(answer.outcome).toBe('unchanged');
    expect(statSync(path.join(vaultDir, 'a.canvas'), { bigint: true }).ctimeNs).toBe(before.ctimeNs);
    expect(events.filter((event) => event.type === 'file_write')).toHaveLength(1);
  });

  it('makes durable what another program wrote before it says that the bytes are there', async () => {
    const { canvases, vaultDir, events } = await openTestCanvases(true);
    writeFileSync(path.join(vaultDir, 'a.canvas'), canvasBytes('1'));
    expect((await canvases.put('a.canvas', canvasBytes('1'), {}, false)).outcome).toBe('unchanged');
    expect((await canvases.put('a.canvas', canvasBytes('1'), {}, false)).outcome).toBe('unchanged');
    await canvases.flush();
    const work = events.filter((event) => event.type === 'file_write').map((event) => event.operation);
    expect(work).toEqual(['sync']);
  });

  it('answers its own writes from memory', async () => {
    const { canvases } = await openTestCanvases(true);
    await canvases.put('a.canvas', canvasBytes('1'), {}, false);
    expect((await canvases.read('a.canvas', {})).cache).toBe('hit');
  });

  it('removes at the start what a dead process left half-written, and says so', async () => {
    const vaultDir = await temporaryFolder();
    writeFileSync(path.join(vaultDir, '.canvas-write-4194999-abcdef012345-1.tmp'), 'half');
    const { events } = await openTestCanvases(true, { vaultDir });
    expect(visible(vaultDir)).toEqual([]);
    expect(events).toContainEqual({ type: 'temporary_files_removed', count: 1 });
  });
});
