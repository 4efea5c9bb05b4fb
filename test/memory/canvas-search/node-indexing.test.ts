import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { type Database, openDatabase, type Table } from '../../../src/lance/index.js';
import { createLogger } from '../../../src/logger.js';
import { saidNodes } from '../../../src/memory/canvas-search/canvas-nodes.js';
import { createNodeIndexing } from '../../../src/memory/canvas-search/node-indexing.js';
import { type NodeRows, openNodeRows } from '../../../src/memory/canvas-search/node-rows.js';
import { atOnce } from '../../../src/scheduler/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { card, letterEmbedder } from './open.js';

const etagOf = (text: string) => `"${createHash('sha256').update(text).digest('hex').slice(0, 8)}"`;
const hashesOf = (text: string) =>
  new Map(saidNodes(JSON.parse(text)).map(({ nodeId, textHash }) => [nodeId, textHash]));

/** A table whose commits fail from one on, as if the process had died there, and are counted. */
function breakable(database: Database, commits: { left: number; made: string[] }): Database {
  const breaking = (table: Table): Table =>
    new Proxy(table, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        if (name !== 'add' && name !== 'delete' && name !== 'update') return member.bind(target);
        return async (...given: unknown[]) => {
          if (commits.left-- <= 0) throw new Error('the process died');
          commits.made.push(name);
          return member.apply(target, given);
        };
      },
    });
  return { ...database, openTable: async (...given) => breaking(await database.openTable(...given)) };
}

async function openIndexed() {
  const folder = await temporaryFolder();
  const database = await openDatabase(folder);
  const commits = { left: Number.POSITIVE_INFINITY, made: [] as string[] };
  const embedder = letterEmbedder();
  const canvases = new Map<string, string>();
  let rows: NodeRows;
  let known: Map<string, string>;
  let indexing: ReturnType<typeof createNodeIndexing>;
  const start = async () => {
    rows = await openNodeRows(breakable(database, commits), embedder, createLogger('silent'));
    known = await rows.versions();
    indexing = createNodeIndexing({
      canvases: {
        async newest(path) {
          const text = canvases.get(path);
          if (text === undefined) throw Object.assign(new Error('none'), { code: 'CANVAS_NOT_FOUND' });
          return { etag: etagOf(text), bytes: Buffer.from(text) };
        },
      },
      rows,
      known,
      embedder,
      inBackground: atOnce,
      signal: new AbortController().signal,
      onEvent() {},
    });
  };
  await start();
  onTestFinished(() => {
    rows.close();
    database.close();
  });
  return {
    canvases,
    commits,
    embedder,
    put: (path: string, nodes: Record<string, string>) =>
      canvases.set(path, JSON.stringify({ nodes: Object.entries(nodes).map(([id, text]) => card(id, text)) })),
    /** As a pass does: what differs from what is known, and what is known of canvases that are gone. */
    async index(): Promise<void> {
      const paths = [...canvases].filter(([path, text]) => known.get(path) !== etagOf(text)).map(([path]) => path);
      await indexing.index(new Set([...paths, ...[...known.keys()].filter((path) => !canvases.has(path))]));
    },
    async restart() {
      rows.close();
      await start();
    },
    versions: () => rows.versions(),
    textsOf: () => rows.textsOf(['a', 'b']),
  };
}

const texts = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ path: fc.constantFrom('a', 'b'), nodes: fc.dictionary(texts, texts) }) },
  { weight: 1, arbitrary: fc.record({ gone: fc.constantFrom('a', 'b') }) },
  { weight: 2, arbitrary: fc.constant('pass' as const) },
  { weight: 2, arbitrary: fc.record({ brokenAt: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
);

test('wherever a pass is broken off, rows that carry one version are the rows of that version, and the next pass mends all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      const { canvases, commits, put, index, restart, versions, textsOf } = await openIndexed();
      const everSaid = new Map<string, Map<string, string>>();
      for (const each of steps) {
        if (each === 'restart') await restart();
        else if (each === 'pass') await index();
        else if ('path' in each) put(each.path, each.nodes);
        else if ('gone' in each) canvases.delete(each.gone);
        else {
          commits.left = each.brokenAt;
          await index().catch(() => {});
          commits.left = Number.POSITIVE_INFINITY;
        }
        for (const text of canvases.values()) everSaid.set(etagOf(text), hashesOf(text));
        const stored = await textsOf();
        for (const [path, version] of await versions()) {
          if (!everSaid.has(version)) continue;
          expect(stored.get(path)).toEqual({ hashes: everSaid.get(version), isTorn: false });
        }
      }
      await restart();
      await index();
      const wanted = [...canvases].map(([path, text]) => [path, { hashes: hashesOf(text), isTorn: false }] as const);
      expect(await textsOf()).toEqual(new Map(wanted.filter(([, { hashes }]) => hashes.size > 0)));
    }),
    { seed: 34, numRuns: 12 },
  );
});

test('a node that was taken out is found again when the version that had it comes back during a stop', async () => {
  const { put, index, restart, textsOf } = await openIndexed();
  put('a', { 1: 'a', 2: 'b' });
  await index();
  put('a', { 1: 'a' });
  await index();
  put('a', { 1: 'a', 2: 'b' });
  await restart();
  await index();
  expect((await textsOf()).get('a')!.hashes.size).toBe(2);
});

test('new nodes are one commit, whatever number of canvases they are on', async () => {
  const { commits, put, index } = await openIndexed();
  for (let i = 0; i < 60; i++) put(`${i}`, { 1: 'a', 2: 'b' });
  await index();
  for (let i = 0; i < 60; i++) put(`${i}`, { 1: 'a', 2: 'b', 3: 'c' });
  await index();
  expect(commits.made).toEqual(['add', 'add']);
});

test('nodes that changed on very many canvases are told apart, ids that are equal included', async () => {
  const { commits, put, index, versions, textsOf } = await openIndexed();
  for (const path of ['a', 'b', ...Array.from({ length: 60 }, (_, i) => `${i}`)]) put(path, { 1: 'a', 2: 'b', 3: 'c' });
  await index();
  commits.made.length = 0;
  for (const path of ['a', ...Array.from({ length: 60 }, (_, i) => `${i}`)]) put(path, { 1: 'a', 2: 'h' });
  put('b', { 1: 'a', 2: 'b' });
  await index();
  expect(commits.made).toEqual(['update', 'add', 'delete']);
  const stored = await textsOf();
  expect([...stored.values()].map(({ hashes, isTorn }) => [hashes.size, isTorn])).toEqual([
    [2, false],
    [2, false],
  ]);
  expect(stored.get('a')!.hashes.get('2')).not.toBe(stored.get('b')!.hashes.get('2'));
  expect((await versions()).size).toBe(62);
});

test('a text that another canvas has in its rows is not embedded again', async () => {
  const { canvases, embedder, put, index, textsOf } = await openIndexed();
  put('a', { 1: 'a', 2: 'b' });
  await index();
  embedder.asked.length = 0;
  canvases.set('b', canvases.get('a')!);
  canvases.delete('a');
  await index();
  expect(embedder.asked).toEqual([]);
  expect([...(await textsOf()).keys()]).toEqual(['b']);
});
