import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { KnownJson } from '../../../src/canvases/document/json-bytes.js';
import { CanvasList } from '../../../src/canvases/reading/canvas-list.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';

let vault: string;
let list: CanvasList;
let parsed: number;
let clock: ManualClock;

beforeEach(async () => {
  vault = await temporaryFolder();
  clock = new ManualClock();
  parsed = 0;
  const json = new KnownJson();
  list = new CanvasList({
    root: vault,
    clock,
    settlingMs: 0,
    isJson: (bytes, etag) => {
      parsed += 1;
      return json.isJson(bytes, etag);
    },
  });
});

function write(name: string, text = '{}') {
  mkdirSync(path.dirname(path.join(vault, name)), { recursive: true });
  writeFileSync(path.join(vault, name), text);
}
async function pathsOf(prefix = '', limit = 3) {
  const paths: string[] = [];
  let after = '';
  for (;;) {
    const page = await list.page({ prefix, after }, limit);
    paths.push(...page.items.map((item) => item.path));
    if (page.lastPath === undefined) return paths;
    expect(page.items).toHaveLength(limit);
    after = page.lastPath;
  }
}

it('shows path, size, date and ETag, and reads unchanged files once', async () => {
  write('a.canvas', '{"a":1}');
  write('broken.canvas', '{');
  clock.letPass(10_000);
  const page = await list.page({ prefix: '', after: '' }, 10);
  expect(page).toEqual({
    items: [
      {
        path: 'a.canvas',
        bytes: 7,
        modified: expect.stringMatching(/^\d{4}-.*Z$/),
        etag: etagOf(Buffer.from('{"a":1}')),
      },
      { path: 'broken.canvas', bytes: 1, modified: expect.any(String), etag: etagOf(Buffer.from('{')) },
    ],
    lastPath: undefined,
  });
  unlinkSync(path.join(vault, 'broken.canvas'));
  parsed = 0;
  await list.page({ prefix: '', after: '' }, 10);
  expect(parsed).toBe(0);
});

it('has no ETag for a file that is being changed', async () => {
  write('a.canvas', '{');
  expect((await list.page({ prefix: '', after: '' }, 10)).items).toMatchObject([{ path: 'a.canvas', etag: null }]);
});

it('never lists links, dot folders, temporary files and names that cannot be asked for', async () => {
  const outside = await temporaryFolder();
  writeFileSync(path.join(outside, 'x.canvas'), '{}');
  symlinkSync(outside, path.join(vault, 'linked'));
  symlinkSync(path.join(outside, 'x.canvas'), path.join(vault, 'l.canvas'));
  for (const name of [
    '.git/a.canvas',
    '.a.canvas',
    'con.canvas',
    'a\\b.canvas',
    'a.txt',
    'd.canvas/x.canvas',
    'ok.canvas',
  ]) {
    write(name);
  }
  write('.canvas-write-1-abcdef012345-1.tmp');
  expect(await pathsOf()).toEqual(['ok.canvas']);
});

it('goes through any tree page by page in the order of the paths, each canvas once', async () => {
  const name = fc.constantFrom('a', 'a-b', 'a b', 'ab', 'B', 'b', '一', 'a.b', 'z');
  const canvas = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `${parts.join('/')}.canvas`);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(canvas, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (names, limit) => {
        vault = await temporaryFolder();
        list = new CanvasList({ root: vault, clock, isJson: () => true });
        for (const each of names) write(each);
        expect(await pathsOf('', limit)).toEqual([...names].sort());
        for (const prefix of ['a', 'a/', 'a-', 'a/b', 'x']) {
          expect(await pathsOf(prefix, limit)).toEqual(names.filter((each) => each.startsWith(prefix)).sort());
        }
      },
    ),
    { seed: 2, numRuns: 40 },
  );
});

it('keeps its place while canvases come and go between the pages', async () => {
  for (const name of ['a', 'c', 'e', 'g']) write(`${name}.canvas`);
  const first = await list.page({ prefix: '', after: '' }, 2);
  expect(first.lastPath).toBe('c.canvas');
  unlinkSync(path.join(vault, 'c.canvas'));
  write('b.canvas');
  write('d.canvas');
  const second = await list.page({ prefix: '', after: 'c.canvas' }, 5);
  expect(second.items.map((item) => item.path)).toEqual(['d.canvas', 'e.canvas', 'g.canvas']);
});
