import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTextSearch } from '../../../src/trajectories/search/text/text-search.js';
import { tableNames } from '../../../src/trajectories/trajectory-schema.js';
import { hostileText } from '../../support/hostile-text.js';
import { listed, makeRow, openTables, suiteFolder } from '../stored-rows.js';
import { idsOf, openTestSearch, shown } from './open.js';

const texts: [question: string, groundTruth: string][] = [
  ['线性代数中的矩阵特征值怎么求？', '先写出特征多项式'],
  ['求极限的方法有哪些', '洛必达法则，夹逼准则'],
  ['什么是导数，如何理解连续', 'the derivative is a limit'],
  ['VXLAN 与 BFD 能否同时启用？', '能'],
  ['How do I configure BGP peering in a data-center?', 'use a route reflector'],
  ['concatenate two strings in Python', 'use +'],
  ['学习人工智能需要先学概率论', ''],
  ['IPv6地址fe80::1如何配置', ''],
  ['C++ 与 C# 的区别', 'garbage collection'],
  ['deep-learning模型训练', 'gradient descent'],
  ['naïve Bayes café', '日本語テスト'],
  ['network_id is 42', '安녕하세요 네트워크 설정'],
];
const rows = texts.map(([question, ground_truth], i) => makeRow(i, { question, ground_truth }));
const id = (i: number) => rows[i]!.trajectory_id;

const cases: [what: string, query: string, expected: number[]][] = [
  ['a Chinese word', '矩阵', [0]],
  ['a Chinese word in the ground truth', '洛必达', [1]],
  ['two Chinese characters that are no word', '阵特', [0]],
  ['one Chinese character', '阵', [0]],
  ['one character inside a word', '智', [6]],
  ['an English word, whatever its case', 'bgp', [4]],
  ['an English word joined by a hyphen', 'learning', [9]],
  ['a word with an underscore', 'network', [11]],
  ['an accent left out', 'naive cafe', [10]],
  ['full-width letters', 'ＶＸＬＡＮ', [3]],
  ['both languages', 'VXLAN 能否同时', [3]],
  ['Japanese', '日本', [10]],
  ['Korean', '네트워크', [11]],
  ['an address', 'fe80::1', [7]],
  ['a name with signs', 'C++', [8]],
];

describe.each([
  ['without an index', false],
  ['with the indexes', true],
])('full-text search %s', (_, isIndexed) => {
  async function open(added: ReturnType<typeof makeRow>[] = []) {
    const tables = await openTables(rows, 2, await suiteFolder());
    const opened = await openTestSearch(tables.folder);
    if (isIndexed) await opened.search.upkeep();
    else await opened.search.upkeep().then(() => tables.table.checkoutLatest());
    if (!isIndexed) for (const { name } of await tables.table.listIndices()) await tables.table.dropIndex(name);
    if (added.length > 0) await tables.table.add(added);
    return { ...opened, ...tables };
  }

  test('finds words of all kinds, the best row first', async () => {
    const { search, events } = await open();
    for (const [what, query, expected] of cases) {
      const found = idsOf(await search.searchText(query, 10));
      expect(found.slice(0, expected.length), `${what}: ${query}`).toEqual(expected.map(id));
    }
    const ways = new Set(events.flatMap((event) => (event.type === 'searched' ? [event.way] : [])));
    expect([...ways]).toEqual([isIndexed ? 'index' : 'scan']);
  });

  test('rows come as the list shows them, with a falling score', async () => {
    const { search } = await open();
    const [first] = shown(await search.searchText('BGP', 5));
    const { score, ...row } = first!;
    expect(row).toEqual(listed(rows[4]!));
    expect(score).toBeGreaterThan(0);
    const scores = shown(await search.searchText('的 学习 与 use', 10)).map((each) => each.score);
    expect(scores.length).toBeGreaterThan(3);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  test('finds what was stored, and leaves out what was deleted, since the last upkeep', async () => {
    const { search, table } = await open([makeRow(50, { question: '量子纠缠 entanglement' }), makeRow(51)]);
    expect(idsOf(await search.searchText('纠缠', 5))).toEqual([makeRow(50).trajectory_id]);
    expect(idsOf(await search.searchText('entanglement', 5))).toEqual([makeRow(50).trajectory_id]);
    await table.checkoutLatest();
    await table.delete(`trajectory_id = '${id(0)}'`);
    expect(idsOf(await search.searchText('矩阵', 5))).toEqual([]);
    await table.update({ where: `trajectory_id = '${id(4)}'`, values: { notes: 'moved' } });
    expect(shown(await search.searchText('peering', 5))).toMatchObject([{ trajectory_id: id(4), notes: 'moved' }]);
  });

  test('the limit holds, and equal searches have equal answers', async () => {
    const { search } = await open(Array.from({ length: 300 }, (_, i) => makeRow(100 + i, { question: '同样的问题' })));
    const first = idsOf(await search.searchText('同样的问题', 7));
    expect(first).toHaveLength(7);
    expect(idsOf(await search.searchText('同样的问题', 7))).toEqual(first);
  });

  test('hostile and very long texts are only texts', async () => {
    const { search } = await open();
    await fc.assert(
      fc.asyncProperty(hostileText, async (text) => {
        expect(Array.isArray(await search.searchText(`${text}?`, 3))).toBe(true);
      }),
      { numRuns: 60, seed: 5 },
    );
    for (const text of ['？', '***', '"', '矩阵'.repeat(2000), 'x'.repeat(4096), 'a '.repeat(2000), '\ud800']) {
      expect(Array.isArray(await search.searchText(text, 3)), text.slice(0, 10)).toBe(true);
    }
    expect(idsOf(await search.searchText('？', 10)).sort()).toEqual([id(0), id(3)]);
  });
});

test('an index is built once there are rows, behind the scenes, once changes have been quiet', async () => {
  const tables = await openTables([], 1, await suiteFolder());
  const { search, events, timers } = await openTestSearch(tables.folder);
  await search.upkeep();
  expect(events.filter(({ type }) => type === 'text_index_built')).toEqual([]);
  await tables.table.add(rows);
  search.changed();
  search.changed();
  const [timer, ...others] = [...timers.values()];
  expect([timer?.delayMs, others]).toEqual([1000, []]);
  timer?.work();
  await search.upkeep();
  const built = events.flatMap((event) => (event.type === 'text_index_built' ? [event.column] : []));
  expect(built).toEqual(['question', 'ground_truth']);
});

test('an index is built only once nothing else needs the processors', async () => {
  const tables = await openTables(rows, 1, await suiteFolder());
  const doors: (() => void)[] = [];
  const { search, events } = await openTestSearch(tables.folder, {
    whenQuiet: () => new Promise((resolve) => doors.push(resolve)),
  });
  const built = () => events.filter(({ type }) => type === 'text_index_built').length;
  const upkeep = search.upkeep();
  // The start of a pass, each of two columns, the table of vectors; then the pass that was asked for while the first ran.
  for (const before of [0, 0, 1, 2]) {
    await expect.poll(() => doors.length).toBe(1);
    expect(built()).toBe(before);
    doors.shift()!();
  }
  const open = setInterval(() => doors.shift()?.(), 1);
  await upkeep;
  clearInterval(open);
  expect(built()).toBe(2);
  await search.close();
});

test('of large texts, the database gives no more than is judged, and of few rows at once', async () => {
  const long = (i: number) => `gold ${'x'.repeat(1_500_000)} silver ${i}`;
  const large = Array.from({ length: 9 }, (_, i) => makeRow(i, { question: long(i), ground_truth: 'gold '.repeat(i) }));
  const { folder, table } = await openTables(large, 1, await suiteFolder());
  const { search } = await openTestSearch(folder);
  await search.upkeep();
  await table.checkoutLatest();
  const taken: number[] = [];
  let longest = 0;
  const watched = new Proxy(table, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'takeRowIds') return typeof value === 'function' ? value.bind(target) : value;
      return (ids: bigint[]) => {
        taken.push(ids.length);
        const query = target.takeRowIds(ids);
        const toArrow = query.toArrow.bind(query);
        query.toArrow = async () => {
          const found = await toArrow();
          for (const text of found.getChild('question') ?? []) longest = Math.max(longest, String(text).length);
          return found;
        };
        return query;
      };
    },
  });
  const bounded = createTextSearch(watched, { limit: { maxBytes: 1, rowsAtOnce: () => 4, fits: () => false } });
  const found = await bounded.search('gold', 5);
  expect(found).toEqual(await createTextSearch(table).search('gold', 5));
  expect(found).toMatchObject({ way: 'index', rows: Array(5).fill({}) });
  expect([taken, longest]).toEqual([[4, 4, 1], 20_000]);
});

/** As a disk or another program leaves them. */
async function damageIndexes(folder: string): Promise<void> {
  const indices = path.join(folder, `${tableNames.trajectories}.lance`, '_indices');
  const files = (await readdir(indices, { recursive: true })).filter((file) => file.endsWith('.lance'));
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) await writeFile(path.join(indices, file), 'damaged');
}

test('an index that cannot be read is done without, told once, and built anew', async () => {
  const { folder, table } = await openTables(rows, 2, await suiteFolder());
  const { search, events, timers } = await openTestSearch(folder);
  await search.upkeep();
  timers.clear();
  await damageIndexes(folder);
  await table.checkoutLatest();
  const sound = await createTextSearch(table, { trust: { isBroken: true } }).search('BGP 矩阵 use', 10);
  const told = () => events.flatMap((event) => (event.type === 'searched' ? [event.way] : []));
  for (let i = 0; i < 3; i++) expect(await search.searchText('BGP 矩阵 use', 10)).toHaveLength(sound.rows.length);
  expect(events.filter(({ type }) => type === 'index_failed')).toEqual([{ type: 'index_failed', index: 'text' }]);
  expect(told()).toEqual(['scan', 'scan', 'scan']);
  expect(timers.size).toBe(1);
  await search.upkeep();
  expect(events.filter(({ type }) => type === 'text_index_built')).toHaveLength(4);
  expect(await search.searchText('BGP 矩阵 use', 10)).toHaveLength(sound.rows.length);
  expect(told().at(-1)).toBe('index');
  expect(events.filter(({ type }) => type === 'upkeep_failed')).toEqual([]);
});

test('an index that was damaged while nothing ran is built anew at the start', async () => {
  const { folder } = await openTables(rows, 2, await suiteFolder());
  const before = await openTestSearch(folder);
  await before.search.upkeep();
  await before.search.close();
  await damageIndexes(folder);
  const { search, events } = await openTestSearch(folder);
  await search.upkeep();
  expect(events.filter(({ type }) => type === 'text_index_built')).toHaveLength(2);
  expect(idsOf(await search.searchText('BGP', 10))).toEqual([id(4)]);
});
