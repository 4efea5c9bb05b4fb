import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { Problem } from '../../../src/errors.js';
import { openDatabase } from '../../../src/lance/index.js';
import type { CanvasSearch } from '../../../src/memory/canvas-search/open-canvas-search.js';
import { temporaryFolder } from '../../support/folder.js';
import { card, letterEmbedder, memoryVault, openTestSearch } from './open.js';

const found = async (search: CanvasSearch, query: string, topK = 10, prefix = '') =>
  (await search.search(query, topK, prefix)).results.map(({ path, node_id }) => `${path}#${node_id}`);

const vaultOfThree = () =>
  memoryVault({
    'a.canvas': [card('1', 'aaab'), card('2', 'cccc')],
    'sub/b.canvas': [card('1', 'abbb')],
    'empty.canvas': [],
  });

test('finds nodes of all canvases, the most alike first, with path, id, text and cosine', async () => {
  const { search } = await openTestSearch(await temporaryFolder(), vaultOfThree());
  await search.upkeep();
  const { results, complete } = await search.search('aaab', 2, '');
  expect(complete).toBe(true);
  expect(results).toEqual([
    { path: 'a.canvas', node_id: '1', text: 'aaab', score: 1 },
    { path: 'sub/b.canvas', node_id: '1', text: 'abbb', score: 0.6 },
  ]);
  expect(await found(search, 'hh')).toEqual([]);
});

test.each([
  ['sub/', ['sub/b.canvas#1']],
  ["it's 100%_/", ["it's 100%_/c.canvas#1"]],
  ['nowhere', []],
])('keeps to the canvases whose path begins with %s', async (prefix, expected) => {
  const vault = vaultOfThree();
  vault.put("it's 100%_/c.canvas", [card('1', 'ab')]);
  const { search } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  expect(await found(search, 'ab', 10, prefix)).toEqual(expected);
});

test('finds the nodes of a canvas that begins with a byte order mark', async () => {
  const vault = memoryVault();
  vault.putText('marked.canvas', `\ufeff${JSON.stringify({ nodes: [card('1', 'aaab')], edges: [] })}`);
  const { search } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  expect(await found(search, 'ab')).toEqual(['marked.canvas#1']);
});

test('a change is seen a moment later, and only texts that are new are embedded', async () => {
  const vault = vaultOfThree();
  const embedder = letterEmbedder();
  const { search, clock } = await openTestSearch(await temporaryFolder(), vault, { embedder });
  await search.upkeep();
  embedder.asked.length = 0;
  vault.put('a.canvas', [card('1', 'aaab'), card('3', 'hhhh')]);
  expect((await search.search('a', 1, '')).complete).toBe(false);
  expect(clock.dueInMs).toEqual([250]);
  await clock.advance(250);
  await search.upkeep();
  expect(await found(search, 'h')).toEqual(['a.canvas#3']);
  expect(await found(search, 'c')).toEqual([]);
  expect(embedder.asked.filter((text) => text.length > 1)).toEqual(['hhhh']);
});

test('changes that never end are looked at after ten seconds all the same', async () => {
  const vault = vaultOfThree();
  const { search, clock, events } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  events.length = 0;
  for (let i = 0; i < 50; i++) {
    vault.put('a.canvas', [card('1', 'a'.repeat(i + 1))]);
    if (i === 49) expect(events).toEqual([]);
    await clock.advance(200);
  }
  await vi.waitUntil(() => events.some(({ type }) => type === 'nodes_stored'));
});

test('of the canvases that changed, only the nodes that say something else are written, all at once', async () => {
  const vault = vaultOfThree();
  const { search, events } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  events.length = 0;
  vault.put('a.canvas', [card('1', 'aaab'), card('2', 'dddd'), card('3', 'eeee')]);
  vault.put('sub/b.canvas', [card('1', 'abbb'), card('2', 'ffff')]);
  await search.upkeep();
  expect(events).toEqual([
    { type: 'nodes_stored', canvases: 2, nodes: 3, made: 3, durationSeconds: expect.any(Number) },
  ]);
  expect(await found(search, 'd')).toEqual(['a.canvas#2']);
  expect(await found(search, 'c')).toEqual([]);
  expect(await found(search, 'e')).toEqual(['a.canvas#3']);
  expect(await found(search, 'ab', 2)).toEqual(['a.canvas#1', 'sub/b.canvas#1']);
});

test('moving cards about writes nothing', async () => {
  const vault = vaultOfThree();
  const { search, events } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  events.length = 0;
  vault.put('a.canvas', [{ ...card('2', 'cccc'), x: 9 }, card('1', 'aaab')]);
  await search.upkeep();
  expect(events).toEqual([]);
  expect((await search.search('c', 1, '')).complete).toBe(true);
});

test('a canvas that is deleted drops out at once, and its rows later', async () => {
  const vault = vaultOfThree();
  const { search } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  vault.delete('a.canvas');
  expect(await found(search, 'ab')).toEqual(['sub/b.canvas#1']);
  await search.upkeep();
  expect(await found(search, 'ab')).toEqual(['sub/b.canvas#1']);
  expect(search.progress()).toEqual({ canvases: 2, waiting: 0 });
  vault.put('a.canvas', [card('9', 'aaaa')]);
  await search.upkeep();
  expect(await found(search, 'a', 1)).toEqual(['a.canvas#9']);
});

test('a canvas that moves takes its vectors along', async () => {
  const vault = vaultOfThree();
  const embedder = letterEmbedder();
  const { search } = await openTestSearch(await temporaryFolder(), vault, { embedder });
  await search.upkeep();
  embedder.asked.length = 0;
  vault.move('a.canvas', 'z.canvas');
  await search.upkeep();
  expect(embedder.asked).toEqual([]);
  expect(await found(search, 'c')).toEqual(['z.canvas#2']);
});

test('another start goes on with what is stored, and sees what happened meanwhile', async () => {
  const vault = vaultOfThree();
  const folder = await temporaryFolder();
  const first = await openTestSearch(folder, vault);
  await first.search.upkeep();
  await first.search.close();
  vault.delete('sub/b.canvas');
  vault.put('c.canvas', [card('1', 'gggg')]);
  vault.reads.length = 0;
  const embedder = letterEmbedder();
  const { search } = await openTestSearch(folder, vault, { embedder });
  await search.upkeep();
  expect(embedder.asked).toEqual(['gggg']);
  expect(vault.reads).not.toContain('a.canvas');
  expect(await found(search, 'abg')).toEqual(['a.canvas#1', 'c.canvas#1'].sort());
});

test('what is broken off is gone on with at the next start', async () => {
  const vault = memoryVault();
  for (let i = 0; i < 200; i++) vault.put(`${String(i).padStart(3, '0')}.canvas`, [card('1', `a${i}`)]);
  const folder = await temporaryFolder();
  const letters = letterEmbedder();
  let reached = () => {};
  const half = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const halting = {
    ...letters,
    async embed(texts: readonly string[], given?: { signal?: AbortSignal | undefined }) {
      if (letters.asked.length >= 100) {
        reached();
        await new Promise((_, reject) => given?.signal?.addEventListener('abort', () => reject(given.signal?.reason)));
      }
      return letters.embed(texts);
    },
  };
  const first = await openTestSearch(folder, vault, { embedder: halting });
  await half;
  await first.search.close();
  const embedder = letterEmbedder();
  const { search } = await openTestSearch(folder, vault, { embedder });
  await search.upkeep();
  expect(embedder.asked).toHaveLength(200 - 64);
  expect(search.progress().canvases).toBe(200);
});

test('vectors of another model are never used: they are made anew, and the old ones dropped', async () => {
  const vault = vaultOfThree();
  const folder = await temporaryFolder();
  const first = await openTestSearch(folder, vault);
  await first.search.upkeep();
  await first.search.close();
  const tables = async () => (await readdir(folder)).filter((name) => name.startsWith('canvas_nodes_'));
  const before = await tables();
  const embedder = letterEmbedder('letters', 16);
  const { search } = await openTestSearch(folder, vault, { embedder });
  await search.upkeep();
  expect(embedder.asked.sort()).toEqual(['aaab', 'abbb', 'cccc']);
  const after = await tables();
  expect(after).toHaveLength(1);
  expect(after).not.toEqual(before);
  expect(await found(search, 'c')).toEqual(['a.canvas#2']);
});

test('a table of another form is refused and made anew', async () => {
  const vault = vaultOfThree();
  const folder = await temporaryFolder();
  const first = await openTestSearch(folder, vault);
  await first.search.upkeep();
  await first.search.close();
  const database = await openDatabase(folder);
  const [name] = await database.tableNames('canvas_nodes_');
  const table = await database.openTable(name!, { names: [], fields: [] } as never);
  await table.update({ values: { model: 'foreign' } });
  table.close();
  const embedder = letterEmbedder();
  const { search } = await openTestSearch(folder, vault, { embedder });
  await search.upkeep();
  expect(embedder.asked).toHaveLength(3);
});

test('a table whose files are damaged is filled up again', async () => {
  const vault = vaultOfThree();
  const folder = await temporaryFolder();
  const first = await openTestSearch(folder, vault);
  await first.search.upkeep();
  await first.search.close();
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile() && entry.parentPath.includes('canvas_nodes_') && entry.parentPath.endsWith('data'),
  );
  expect(files.length).toBeGreaterThan(0);
  for (const { parentPath, name } of files) await writeFile(path.join(parentPath, name), Buffer.alloc(300, 0xa5));
  const { search } = await openTestSearch(folder, vault);
  await search.upkeep();
  expect(await found(search, 'c')).toEqual(['a.canvas#2']);
});

test('a model that is away costs nothing but the vectors, which are made when it is back', async () => {
  const vault = vaultOfThree();
  const letters = letterEmbedder();
  let isAway = false;
  const embedder = {
    ...letters,
    embed: async (texts: readonly string[]) => {
      if (isAway) throw new Problem({ code: 'NETWORK_UNREACHABLE', kind: 'upstream_failed', message: 'away' });
      return letters.embed(texts);
    },
  };
  const { search, events, clock } = await openTestSearch(await temporaryFolder(), vault, { embedder });
  await search.upkeep();
  isAway = true;
  vault.put('a.canvas', [card('1', 'aaab'), card('2', 'dddd')]);
  await search.upkeep();
  expect(events).toContainEqual({ type: 'nodes_failed', nodes: 1 });
  await expect(search.search('a', 1, '')).rejects.toMatchObject({ code: 'NETWORK_UNREACHABLE' });
  isAway = false;
  expect(await found(search, 'c')).toEqual([]);
  expect(await found(search, 'aaab', 1)).toEqual(['a.canvas#1']);
  await clock.advance(60_000);
  await search.upkeep();
  expect(await found(search, 'd')).toEqual(['a.canvas#2']);
});

test('a text that the model refuses holds up no other, and is not asked for again', async () => {
  const letters = letterEmbedder();
  const asked: string[] = [];
  const embedder = {
    ...letters,
    embed: async ([text]: readonly string[]) => {
      asked.push(text!);
      if (text === 'bad')
        throw new Problem({ code: 'EMBEDDING_REQUEST_REFUSED', kind: 'upstream_failed', message: 'no' });
      return letters.embed([text!]);
    },
  };
  const vault = memoryVault({ 'a.canvas': [card('1', 'bad'), card('2', 'cc')] });
  const { search } = await openTestSearch(await temporaryFolder(), vault, { embedder });
  await search.upkeep();
  vault.put('a.canvas', [card('1', 'bad'), card('2', 'dd')]);
  await search.upkeep();
  expect(asked).toEqual(['bad', 'cc', 'dd']);
  expect((await search.search('d', 1, '')).complete).toBe(true);
});

test('a canvas that cannot be read just now is tried again, one that is broken has no nodes', async () => {
  const vault = vaultOfThree();
  vault.failing.set('a.canvas', new Problem({ code: 'CANVAS_BUSY', kind: 'unavailable', message: 'busy' }));
  const { search, events, clock } = await openTestSearch(await temporaryFolder(), vault);
  await search.upkeep();
  expect(events).toContainEqual({ type: 'upkeep_failed' });
  vault.failing.clear();
  await clock.advance(60_000);
  await search.upkeep();
  expect(await found(search, 'c')).toEqual(['a.canvas#2']);
  vault.putText('a.canvas', '{"nodes": ');
  await search.upkeep();
  expect(await found(search, 'c')).toEqual([]);
});

test('its work waits for its turn, and gives it back when the search closes', async () => {
  const turns: (() => void)[] = [];
  let signalGiven: AbortSignal | undefined;
  const { search } = await openTestSearch(await temporaryFolder(), vaultOfThree(), {
    async inBackground(work, { signal } = {}) {
      signalGiven = signal;
      await new Promise<void>((resolve, reject) => {
        turns.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
      return work(signal!);
    },
  });
  await vi.waitUntil(() => turns.length === 1);
  expect(await found(search, 'a')).toEqual([]);
  turns[0]?.();
  await search.upkeep().catch(() => {});
  expect(await found(search, 'c')).toEqual(['a.canvas#2']);
  await search.close();
  expect(signalGiven?.aborted).toBe(true);
});

test('there is something to load for the first search once there are nodes', async () => {
  const { search } = await openTestSearch(await temporaryFolder(), vaultOfThree());
  expect(await search.prewarmSteps()).toEqual([]);
  await search.upkeep();
  const steps = await search.prewarmSteps();
  expect(steps.map(({ name }) => name)).toEqual(['canvas nodes: searches']);
  await steps[0]?.run();
});

test('a service that is stopping gives no turn, which is no failure', async () => {
  const closed = new Problem({ code: 'SCHEDULER_CLOSED', kind: 'unavailable', message: 'stopping' });
  const { search, events, clock } = await openTestSearch(await temporaryFolder(), vaultOfThree(), {
    inBackground: () => Promise.reject(closed),
  });
  await search.upkeep();
  expect([events, clock.timers]).toEqual([[], 0]);
});
