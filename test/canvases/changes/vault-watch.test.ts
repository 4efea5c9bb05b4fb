import { execFileSync } from 'node:child_process';
import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FolderListings } from '../../../src/canvases/changes/folder-listings.js';
import type { VaultChange } from '../../../src/canvases/changes/known-canvases.js';
import { sweepVault } from '../../../src/canvases/changes/vault-sweep.js';
import { startVaultWatch } from '../../../src/canvases/changes/vault-watch.js';
import { openFolder } from '../../../src/canvases/vault/vault-folder.js';
import { eventually } from '../../support/eventually.js';
import { makeVault, watchVault } from './watched-vault.js';

vi.mock('../../../src/canvases/vault/vault-folder.js', async (original) => {
  const actual = await original<typeof import('../../../src/canvases/vault/vault-folder.js')>();
  return { ...actual, openFolder: vi.fn(actual.openFolder) };
});

const inPlace = `node -e '
  const fs = require("fs");
  const before = fs.statSync("a.canvas");
  const file = fs.openSync("a.canvas", "r+");
  fs.writeSync(file, "X", 20);
  fs.closeSync(file);
  fs.utimesSync("a.canvas", before.atime, before.mtime);
'`;

test.each([
  ['rewrites in place, same size, its time put back', inPlace, ['changed a.canvas']],
  ['appends', 'echo >> work/b.canvas', ['changed work/b.canvas']],
  ['empties', ': > a.canvas', ['changed a.canvas']],
  ['renames another file over it', 'cp a.canvas tmp; mv tmp a.canvas', ['changed a.canvas']],
  ['renames over it with the old time and size', 'cp -p a.canvas .t; mv .t a.canvas', ['changed a.canvas']],
  ['deletes and makes anew', 'cp a.canvas .t; rm a.canvas; cp .t a.canvas', ['changed a.canvas']],
  ['copies back an older file', 'touch -d 2001-01-01 a.canvas', ['changed a.canvas']],
  [
    'swaps two files',
    'mv a.canvas .t; mv work/b.canvas a.canvas; mv .t work/b.canvas',
    ['changed a.canvas', 'changed work/b.canvas'],
  ],
  ['deletes', 'rm work/deep/c.canvas', ['deleted work/deep/c.canvas']],
  ['makes a canvas', 'mkdir 新; echo {} > 新/页.canvas', ['created 新/页.canvas']],
  ['renames a canvas', 'mv a.canvas z.canvas', ['created z.canvas', 'deleted a.canvas']],
  ['hard-links a canvas', 'ln a.canvas z.canvas', ['changed a.canvas', 'created z.canvas']],
  [
    'renames a folder',
    'mv work play',
    ['created play/b.canvas', 'created play/deep/c.canvas', 'deleted work/b.canvas', 'deleted work/deep/c.canvas'],
  ],
  ['deletes a folder', 'rm -r work/deep', ['deleted work/deep/c.canvas']],
  ['puts a link in the place of a canvas', 'mv a.canvas .t; ln -s .t a.canvas', ['deleted a.canvas']],
  ['puts a pipe in its place', 'rm a.canvas; mkfifo a.canvas', ['deleted a.canvas']],
  ['puts a folder in its place', 'rm a.canvas; mkdir a.canvas; echo {} > a.canvas/b.canvas', ['deleted a.canvas']],
  [
    'puts a link in the place of a folder',
    'mv work/deep ../outside; echo >> ../outside/c.canvas; ln -s ../../outside work/deep',
    ['deleted work/deep/c.canvas'],
  ],
  ['makes a link to itself', 'ln -s . loop; ln -s loop loop2', []],
  [
    'works where no canvases are',
    'mkdir .obsidian; echo {} > .obsidian/x.canvas; echo {} > .b.canvas; echo > note.md',
    [],
  ],
  ['makes names that no canvas may have', "echo > 'con.canvas'; echo > 'a:b.canvas'; echo > x.canvas.bak", []],
  ['does nothing', 'cat a.canvas', []],
])('notices another program that %s', async (_name, script, expected) => {
  const { outside, reported } = await watchVault();
  await outside(script);
  expect(await reported()).toEqual(expected);
  expect(await reported()).toEqual([]);
});

test('what is there at the start is known', async () => {
  const { reported, events } = await watchVault();
  expect(await reported()).toEqual([]);
  expect(events[0]).toMatchObject({ type: 'swept', canvases: 3, folders: 3, watchedFolders: 0 });
});

test('what the service wrote or deleted itself is not reported, what came after it is', async () => {
  const own = new Map<string, bigint | undefined>();
  const isOwn = (file: string, stamp: { ctimeNs: bigint } | undefined) =>
    own.has(file) && own.get(file) === stamp?.ctimeNs;
  const { vault, outside, reported } = await watchVault({ isOwn });
  const write = (file: string) => {
    writeFileSync(path.join(vault, `.${file}`), '{"nodes":[]}');
    renameSync(path.join(vault, `.${file}`), path.join(vault, file));
    own.set(file, statSync(path.join(vault, file), { bigint: true }).ctimeNs);
  };
  write('a.canvas');
  write('new.canvas');
  await outside('rm work/b.canvas');
  own.set('work/b.canvas', undefined);
  expect(await reported()).toEqual([]);
  await outside('echo >> a.canvas; rm new.canvas; echo {} > work/b.canvas');
  expect(await reported()).toEqual(['changed a.canvas', 'created work/b.canvas', 'deleted new.canvas']);
});

test('while a write of ours is under way the question is put off, not answered', async () => {
  let answer: boolean | 'writing' = 'writing';
  const { outside, reported } = await watchVault({ isOwn: () => answer });
  await outside('echo >> a.canvas; rm work/b.canvas');
  expect(await reported()).toEqual([]);
  answer = false;
  expect(await reported()).toEqual(['changed a.canvas', 'deleted work/b.canvas']);
  answer = 'writing';
  await outside('echo >> a.canvas');
  expect(await reported()).toEqual([]);
  answer = true;
  expect(await reported()).toEqual([]);
  answer = false;
  expect(await reported()).toEqual([]);
});

test('a canvas that changes all the time is reported a few times a second, and its last state always', async () => {
  const told: number[] = [];
  const { vault, clock, watch } = await watchVault({ onChange: () => told.push(clock.now()) });
  for (let i = 0; i < 100; i += 1) {
    writeFileSync(path.join(vault, 'a.canvas'), `{"nodes":[],"i":${i}}`);
    await watch.sweep();
    await clock.advance(20);
  }
  expect(told.length).toBeGreaterThanOrEqual(5);
  expect(told.length).toBeLessThanOrEqual(7);
  const before = told.length;
  writeFileSync(path.join(vault, 'a.canvas'), '{"last":true}');
  await watch.sweep();
  await clock.advance(300);
  expect(told.length).toBe(before + 1);
});

test('a change within the tick of the clock in which the last look was taken is told once more', async () => {
  const { vault, clock, reported } = await watchVault();
  vi.spyOn(clock, 'wall').mockImplementation(
    () => Number(statSync(path.join(vault, 'a.canvas'), { bigint: true }).ctimeNs / 1_000_000n) + 1,
  );
  writeFileSync(path.join(vault, 'a.canvas'), '{"nodes":[1]}');
  expect(await reported()).toEqual(['changed a.canvas']);
  expect(await reported()).toEqual(['changed a.canvas']);
  expect(await reported()).toEqual([]);
});

test('names are taken from memory while a folder stays as it is, and all changes are still found', async () => {
  const { clock, outside, reported } = await watchVault();
  vi.spyOn(clock, 'wall').mockImplementation(() => Date.now() + 60_000);
  for (let round = 0; round < 12; round += 1) {
    await outside(`echo >> work/b.canvas; echo {} > work/new-${round}.canvas`);
    expect(await reported()).toEqual(['changed work/b.canvas', `created work/new-${round}.canvas`]);
  }
  await outside('rm work/b.canvas');
  expect(await reported()).toEqual(['deleted work/b.canvas']);
});

test('canvases of a folder that cannot be read are not reported as deleted', async () => {
  const { outside, reported, events } = await watchVault();
  const open = vi.mocked(openFolder);
  const actual = open.getMockImplementation();
  open.mockImplementation((root, folders) => {
    if (folders[0] === 'work') throw Object.assign(new Error('broken disk'), { code: 'EIO' });
    if (!actual) throw new Error('expected the real one');
    return actual(root, folders);
  });
  onTestFinished(() => {
    if (actual) open.mockImplementation(actual);
  });
  await outside('echo >> a.canvas; rm work/b.canvas');
  expect(await reported()).toEqual(['changed a.canvas']);
  if (actual) open.mockImplementation(actual);
  expect(await reported()).toEqual(['deleted work/b.canvas']);
  expect(events.every(({ type }) => type === 'swept')).toBe(true);
});

test('an error about one canvas is reported, and keeps the sweep from nothing else', async () => {
  const told: string[] = [];
  const { outside, watch, events } = await watchVault({
    isOwn: (file) => {
      if (file !== 'work/b.canvas') throw new Error('broken store');
      return false;
    },
    onChange: ({ path }) => told.push(path),
  });
  await outside('rm a.canvas; echo >> work/b.canvas; echo >> work/deep/c.canvas');
  await watch.sweep();
  expect(told).toEqual(['work/b.canvas']);
  expect(events.filter(({ type }) => type === 'failed')).toHaveLength(2);
  expect(events).toContainEqual({ type: 'failed', error: expect.objectContaining({ message: 'broken store' }) });
  expect(events.at(-1)).toMatchObject({ type: 'swept', canvases: 2 });
});

test('a missing canvas that cannot be looked at is not taken for deleted', async () => {
  const { outside, reported, events } = await watchVault();
  const open = vi.mocked(openFolder);
  const actual = open.getMockImplementation();
  if (!actual) throw new Error('expected the real one');
  let opened = 0;
  await outside('rm work/b.canvas');
  open.mockImplementation((root, folders) => {
    if (folders.join('/') === 'work' && ++opened === 2) throw Object.assign(new Error('no room'), { code: 'EMFILE' });
    return actual(root, folders);
  });
  onTestFinished(() => {
    open.mockImplementation(actual);
  });
  expect(await reported()).toEqual([]);
  expect(events).toContainEqual({ type: 'failed', error: expect.objectContaining({ code: 'EMFILE' }) });
  expect(await reported()).toEqual(['deleted work/b.canvas']);
});

test('a folder that becomes a file between its names being read and its files being looked at is gone', async () => {
  const vault = await makeVault();
  const found: string[] = [];
  const sink = {
    found: (file: string) => found.push(file),
    entered: (folder: string) => {
      if (folder === 'work/deep') execFileSync('sh', ['-ec', 'rm -r work/deep; : > work/deep'], { cwd: vault });
    },
  };
  const { unreadable } = await sweepVault(new FolderListings(vault, Date.now), sink, () => false);
  expect(found.sort()).toEqual(['a.canvas', 'work/b.canvas']);
  expect(unreadable).toEqual([]);
});

test('a folder that becomes a link between its names being read and its files being looked at is not followed', async () => {
  const vault = await makeVault();
  const found: string[] = [];
  const sink = {
    found: (file: string) => found.push(file),
    entered: (folder: string) => {
      if (folder !== 'work/deep') return;
      execFileSync('sh', ['-ec', 'mv work/deep ../outside; ln -s ../../outside work/deep'], { cwd: vault });
      writeFileSync(path.join(vault, '../copy'), '');
      renameSync(path.join(vault, '../copy'), path.join(vault, '../outside/c.canvas'));
    },
  };
  await sweepVault(new FolderListings(vault, Date.now), sink, () => false);
  expect(found.sort()).toEqual(['a.canvas', 'work/b.canvas']);
});

test('a large folder is looked at in slices, and told of as a whole', async () => {
  const { outside, reported, events } = await watchVault();
  await outside('for i in $(seq 200); do echo {} > work/$i.canvas; done');
  expect(await reported()).toHaveLength(200);
  await outside('rm work/1*.canvas');
  expect(await reported()).toHaveLength(111);
  expect(events.at(-1)).toMatchObject({ type: 'swept', canvases: 92 });
});

test('no more folders are watched than allowed, and none that are gone', async () => {
  const { outside, watch, events } = await watchVault({ maxWatchedFolders: 2 });
  expect(events.at(-1)).toMatchObject({ folders: 3, watchedFolders: 2 });
  await outside('rm -r work');
  await watch.sweep();
  expect(events.at(-1)).toMatchObject({ folders: 1, watchedFolders: 1 });
});

test('sweeps follow each other by the clock, without a request', async () => {
  const { clock, events } = await watchVault({ intervalMs: 700 });
  const sweeps = () => events.filter(({ type }) => type === 'swept').length;
  expect(sweeps()).toBe(1);
  await clock.advance(699);
  expect(sweeps()).toBe(1);
  await clock.advance(1);
  await eventually(() => expect(sweeps()).toBe(2));
});

test('sweeps that are asked for during one share the next', async () => {
  const { watch, events } = await watchVault();
  await Promise.all([watch.sweep(), watch.sweep(), watch.sweep()]);
  expect(events).toHaveLength(3);
});

test('after the end nothing is looked at, and no timer is left', async () => {
  const { watch, clock, outside, reported } = await watchVault();
  const sweep = watch.sweep();
  await watch.close();
  await sweep;
  await outside('rm a.canvas');
  expect(await reported()).toEqual([]);
  expect(clock.timers).toBe(0);
});

test('a vault reached through a link is watched, one that is missing is an error', async () => {
  const vault = await makeVault();
  execFileSync('ln', ['-s', vault, `${vault}-link`]);
  const { outside, reported } = await watchVault({ vaultDir: `${vault}-link` });
  await outside('echo >> a.canvas');
  expect(await reported()).toEqual(['changed a.canvas']);
  await expect(watchVault({ vaultDir: `${vault}-none` })).rejects.toThrow('ENOENT');
});

test('with the hints of the system a change is noticed although no sweep comes by', async () => {
  const vault = await makeVault();
  const seen: VaultChange[] = [];
  let wake = () => {};
  const until = async (path: string, kind: string) => {
    while (!seen.some((change) => change.path === path && change.kind === kind)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const watch = await startVaultWatch({
    vaultDir: vault,
    intervalMs: 1e9,
    isOwn: () => false,
    onChange: (change) => {
      seen.push(change);
      wake();
    },
  });
  onTestFinished(() => watch.close());
  const at = (file: string) => path.join(vault, file);
  const { atime, mtime } = statSync(at('a.canvas'));
  writeFileSync(at('a.canvas'), '{"nodes":[],"name":"b"}');
  utimesSync(at('a.canvas'), atime, mtime);
  await until('a.canvas', 'changed');
  execFileSync('sh', ['-c', 'mkdir later; echo {} > later/d.canvas'], { cwd: vault });
  await until('later/d.canvas', 'created');
  execFileSync('sh', ['-c', 'echo >> later/d.canvas'], { cwd: vault });
  await until('later/d.canvas', 'changed');
  execFileSync('sh', ['-c', 'mv work play'], { cwd: vault });
  await until('play/deep/c.canvas', 'created');
  await until('work/b.canvas', 'deleted');
});
