/** What a write promises that is acknowledged and not in its file yet. */
import { cpSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CanvasChange } from '../../src/canvases/changes/change-log.js';
import { etagOf } from '../../src/canvases/document/etag.js';
import { vaultLockName } from '../../src/canvases/holding/folder-lock.js';
import { openJournal } from '../../src/canvases/journal/journal.js';
import { temporaryFolder } from '../support/folder.js';
import { canvasBytes } from './support/canvas-bytes.js';
import { ManualClock } from './support/manual-clock.js';
import { openTestCanvases } from './support/open-test-canvases.js';

const name = 'a.canvas';
const [one, two, theirs] = ['1', '2', 'theirs'].map((text) => canvasBytes(text)) as [Buffer, Buffer, Buffer];

/** The second write is acknowledged, and waits for a clock that stands still. */
async function withPending(isAsync = false) {
  const opened = await openTestCanvases(true, { clock: new ManualClock() });
  const { canvases, vaultDir } = opened;
  await canvases.put(name, one, {}, false);
  await canvases.flush();
  const answer = await canvases.put(name, two, { ifMatch: [etagOf(one)] }, isAsync);
  const told: CanvasChange[] = [];
  canvases.changes.subscribe((change) => told.push(change));
  const file = path.join(vaultDir, name);
  return { ...opened, answer, told, file };
}

it('one that is answered 202 is durable like any other: a crash right after it loses nothing', async () => {
  const { answer, vaultDir, dataDir, file } = await withPending(true);
  expect(answer.outcome).toBe('accepted');
  expect(readFileSync(file)).toEqual(one);
  const folder = await temporaryFolder();
  const after = { vaultDir: path.join(folder, 'vault'), dataDir: path.join(folder, 'data') };
  cpSync(vaultDir, after.vaultDir, { recursive: true, filter: (from) => path.basename(from) !== vaultLockName });
  cpSync(dataDir, after.dataDir, { recursive: true, filter: (from) => path.basename(from) !== 'vault.json' });
  const { canvases } = await openTestCanvases(true, after);
  expect((await canvases.read(name, {})).body).toEqual(two);
});

describe("another program's edit of the file meanwhile", () => {
  const conflict = { path: name, etag: etagOf(two), kind: 'changed', origin: 'external', kept: etagOf(theirs) };

  it('is told by the ETag under which it is kept, when nobody saw it before the file was written', async () => {
    const { canvases, told, file } = await withPending();
    writeFileSync(file, theirs);
    const laterSeconds = Date.now() / 1000 + 1;
    utimesSync(file, laterSeconds, laterSeconds);
    await canvases.flush();
    expect(told).toMatchObject([conflict]);
    const versions = await canvases.versions(name);
    expect(versions.map(({ etag, origin }) => [etag, origin])).toContainEqual([etagOf(theirs), 'external']);
    expect((await canvases.read(name, {})).body).toEqual(two);
  });

  it('is told as soon as it is noticed, once', async () => {
    const { canvases, told, file } = await withPending();
    const noticed = new Promise((resolve) => canvases.changes.subscribe(resolve));
    writeFileSync(file, theirs);
    await noticed;
    await canvases.flush();
    expect(told).toMatchObject([conflict]);
  });

  it('is no event of its own when a client stored the same', async () => {
    const { canvases, told, file } = await withPending();
    writeFileSync(file, two);
    await canvases.flush();
    expect(told).toEqual([]);
  });
});

describe('a canvas that is given its own name in other letters', () => {
  it('is at its new name after a crash between the promise and the rename', async () => {
    const [vaultDir, dataDir] = [await temporaryFolder(), await temporaryFolder()];
    const before = await openTestCanvases(true, { vaultDir, dataDir });
    await before.canvases.put('plan.canvas', one, {}, false);
    await before.canvases.put('plan.canvas', two, {}, false);
    await before.canvases.close();
    const { journal } = await openJournal({ folder: path.join(dataDir, 'journal'), etagOf });
    await journal.append({ kind: 'move', from: 'plan.canvas', to: 'Plan.canvas', bytes: two, etag: etagOf(two) });
    await journal.close();
    const { canvases } = await openTestCanvases(true, { vaultDir, dataDir });
    expect(readdirSync(vaultDir).filter((entry) => entry.endsWith('.canvas'))).toEqual(['Plan.canvas']);
    expect((await canvases.read('Plan.canvas', {})).body).toEqual(two);
    expect((await canvases.versions('Plan.canvas')).map(({ etag }) => etag)).toEqual([etagOf(one)]);
  });
});
