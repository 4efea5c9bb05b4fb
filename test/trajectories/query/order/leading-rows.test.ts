import { beforeAll, describe, expect, it, test } from 'vitest';
import type { Table } from '../../../../src/lance/index.js';
import { rowIdsOf } from '../../../../src/trajectories/query/arrow-rows.js';
import { createLeadingRows } from '../../../../src/trajectories/query/order/leading-rows.js';
import { createRowIdCache } from '../../../../src/trajectories/query/order/row-id-cache.js';
import { createSorting, type Sorting } from '../../../../src/trajectories/query/order/sorting.js';
import type { PageQuery } from '../../../../src/trajectories/query/page-query.js';
import type { TrajectoryFilter } from '../../../../src/trajectories/query/trajectory-filter.js';
import { makeRow, openTables, type RowMade } from '../../stored-rows.js';

const rowCount = 13_000;
const rows = Array.from({ length: rowCount }, (_, i) => makeRow(i, { question: '', ground_truth: '', reward: i % 97 }));
const byReward: PageQuery = { filter: [], sortBy: 'reward', order: 'desc', page: 1, pageSize: 20 };
const unselective: TrajectoryFilter = [{ test: 'between', column: 'reward', max: 90 }];
let table: Table;
let places: Map<bigint, number>;
beforeAll(async () => {
  ({ table } = await openTables(rows, 3));
  const ids = rowIdsOf(await table.query().select(['seq']).withRowId().toArrow());
  places = new Map(Array.from(ids, (id, place) => [id, place]));
});

function open(maxBytes = 4_000_000) {
  const calls: string[] = [];
  const sorting = new Proxy(createSorting(table, Infinity), {
    get(target, name: keyof Sorting) {
      calls.push(name);
      return target[name];
    },
  });
  const found: string[] = [];
  const cache = createRowIdCache(() => maxBytes);
  const finder = createLeadingRows({ table, cache, sorting, onRowIds: (what) => found.push(what) });
  return { finder, calls, found, cache };
}

function expected(query: PageQuery, passes: (row: RowMade) => boolean): { seqs: number[]; total: number } {
  const sign = query.order === 'asc' ? 1 : -1;
  const passing = rows.filter(passes).sort((a, b) => sign * (a.reward - b.reward || a.seq - b.seq));
  const from = (query.page - 1) * query.pageSize;
  return { seqs: passing.slice(from, from + query.pageSize).map(({ seq }) => seq), total: passing.length };
}

async function check(finder: ReturnType<typeof open>['finder'], query: PageQuery, passes = (_: RowMade) => true) {
  const { ids, total } = await finder.find(query);
  expect({ seqs: Array.from(ids, (id) => places.get(id)! + 1), total }).toEqual(expected(query, passes));
}

async function prepared(maxBytes?: number) {
  const opened = open(maxBytes);
  for (const pageSize of [20, 21, 22, 23]) await opened.finder.find({ ...byReward, pageSize });
  await opened.finder.idle();
  opened.calls.length = 0;
  opened.found.length = 0;
  return opened;
}

test('an order asked for again and again serves every page of both directions without a sort', async () => {
  const { finder, calls, found } = await prepared();
  for (const order of ['asc', 'desc'] as const) {
    for (const page of [1, 2, 300, 650, 651, 1e9]) await check(finder, { ...byReward, order, page });
  }
  expect(calls).toEqual([]);
  expect(new Set(found)).toEqual(new Set(['hit']));
});

test('a filter is put in that order without a sort, for any page', async () => {
  const { finder, calls } = await prepared();
  const few: TrajectoryFilter = [{ test: 'matches', column: 'data_id', text: '问题-7' }];
  for (const [filter, passes] of [
    [few, (row: RowMade) => row.data_id === '问题-7'],
    [unselective, (row: RowMade) => row.reward <= 90],
    [[{ test: 'matches', column: 'data_id', text: 'none' }], () => false],
  ] as [TrajectoryFilter, (row: RowMade) => boolean][]) {
    for (const order of ['asc', 'desc'] as const) {
      for (const page of [1, 3, 40, 600]) await check(finder, { ...byReward, filter, order, page }, passes);
    }
  }
  expect(new Set(calls)).toEqual(new Set(['countRows', 'matching']));
});

test('the first page of a filter that most rows pass is looked for among the leading rows', async () => {
  const { finder, cache } = await prepared();
  const before = cache.statistics().bytes;
  await check(finder, { ...byReward, order: 'asc', filter: unselective }, (row) => row.reward <= 90);
  expect(cache.statistics().bytes - before).toBeLessThan(2000);
  // Downwards the leading rows are just those that do not pass: all that pass are read.
  await check(finder, { ...byReward, filter: unselective }, (row) => row.reward <= 90);
  expect(cache.statistics().bytes - before).toBeGreaterThan(100_000);
});

test('while the machine is busy with sorts, an order that is being worked out is waited for', async () => {
  const { finder, calls } = open();
  const pages = Array.from({ length: 10 }, (_, i) => ({ ...byReward, pageSize: 20 + i }));
  const first = pages.slice(0, 5).map((query) => check(finder, query));
  while (!calls.includes('all')) await new Promise(setImmediate);
  const others = pages.slice(5).map((query) => check(finder, query));
  await Promise.all([...first, ...others]);
  expect(calls.filter((name) => name === 'first')).toHaveLength(5);
  expect(calls.filter((name) => name === 'all')).toHaveLength(1);
});

test('it tells what it knows', async () => {
  const { finder } = await prepared();
  expect(await finder.knows({ ...byReward, page: 400 })).toBe('page');
  expect(await finder.knows({ ...byReward, filter: unselective })).toBe('order');
  expect(await finder.knows({ ...byReward, sortBy: 'question' })).toBe('nothing');
});

test('what has moved is forgotten', async () => {
  const { finder } = await prepared();
  const { forget } = await finder.find(byReward);
  forget();
  expect(await finder.knows(byReward)).toBe('nothing');
});

test('an order that the memory has let go of is worked out again once it is asked for again and again', async () => {
  const { finder, calls, cache } = await prepared();
  cache.clear();
  for (const pageSize of [20, 21, 22, 23]) await check(finder, { ...byReward, pageSize });
  await finder.idle();
  expect(calls.filter((name) => name === 'all')).toHaveLength(1);
  expect(await finder.knows({ ...byReward, page: 400 })).toBe('page');
});

test('an order that the memory cannot hold is not worked out behind the scenes', async () => {
  const { calls } = open(100_000);
  const { finder } = await prepared(100_000);
  expect(calls).toEqual([]);
  expect(await finder.knows({ ...byReward, page: 600 })).toBe('nothing');
  await check(finder, { ...byReward, filter: unselective, page: 2 }, (row) => row.reward <= 90);
});

describe('bounds, another one each time,', () => {
  const within = (min: number, max = 1e9): TrajectoryFilter => [{ test: 'between', column: 'reward', min, max }];

  async function withValues(maxBytes?: number) {
    const opened = await prepared(maxBytes);
    for (let bound = 1; bound <= 4; bound++) {
      await check(opened.finder, { ...byReward, filter: within(bound) }, ({ reward }) => reward >= bound);
    }
    await opened.finder.idle();
    opened.calls.length = 0;
    return opened;
  }

  it('are told from values in memory once a few were asked for', async () => {
    const { finder, calls } = await withValues();
    expect(await finder.knows({ ...byReward, filter: within(77) })).toBe('values');
    for (const order of ['asc', 'desc'] as const) {
      for (const [min, max] of [
        [-5, 12.5],
        [40, 40],
        [96, 1000],
        [97, 1000],
        [60, 30],
      ] as const) {
        const passes = ({ reward }: RowMade) => reward >= min && reward <= max;
        for (const page of [1, 2, 7, 100])
          await check(finder, { ...byReward, order, page, filter: within(min, max) }, passes);
      }
    }
    expect(calls).toEqual([]);
  });

  it('on several columns need the values of all of them', async () => {
    const { finder, calls } = await withValues();
    const both = (min: number): TrajectoryFilter => [
      ...within(min, 90),
      { test: 'between_whole', column: 'epoch_id', min: 0.5 },
    ];
    const passes = (min: number) => (row: RowMade) => row.reward >= min && row.reward <= 90 && row.epoch_id >= 1;
    for (let min = 1; min <= 4; min++) await check(finder, { ...byReward, filter: both(min) }, passes(min));
    expect(calls).toContain('countRows');
    await finder.idle();
    calls.length = 0;
    for (let min = 20; min <= 24; min++) await check(finder, { ...byReward, filter: both(min) }, passes(min));
    expect(calls).toEqual([]);
  });

  it('are asked of the database where other conditions go with them, or the page lies deep', async () => {
    const { finder, calls } = await withValues();
    const named: TrajectoryFilter = [...within(50), { test: 'is', column: 'is_bookmarked', value: true }];
    expect(await finder.knows({ ...byReward, filter: named })).toBe('order');
    await check(finder, { ...byReward, filter: named }, (row) => row.reward >= 50 && row.is_bookmarked);
    await check(finder, { ...byReward, filter: within(11), page: 300 }, ({ reward }) => reward >= 11);
    expect(new Set(calls)).toEqual(new Set(['countRows', 'matching']));
  });

  it('stay with the database where memory has no room for values, and the order stays', async () => {
    const { finder, cache } = await withValues(13_000 * 12 * 2 + 4000);
    expect(await finder.knows({ ...byReward, filter: within(77) })).toBe('order');
    expect(cache.statistics().entries).toBeGreaterThan(0);
  });
});
