import { beforeAll, expect, test } from 'vitest';
import type { Table } from '../../../../src/lance/index.js';
import { createColumnSamples } from '../../../../src/trajectories/query/order/column-sample.js';
import { createSorting } from '../../../../src/trajectories/query/order/sorting.js';
import type { PageQuery } from '../../../../src/trajectories/query/page-query.js';
import { makeRow, openTables } from '../../stored-rows.js';

const rowCount = 1000;
const rows = Array.from({ length: rowCount }, (_, i) =>
  makeRow(i, { created_at: i, reward: ((i * 37) % rowCount) / 10 - 20, step_count: i % 3, epoch_id: 7 }),
);
const newest: PageQuery = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 20 };

const at = (i: number) => ({ value: i, seq: rows[i]!.seq });

let table: Table;
beforeAll(async () => {
  ({ table } = await openTables(rows, 2));
});

/** The table, with the filters of its queries written down. */
function watched(): { table: Table; filters: string[] } {
  const filters: string[] = [];
  const watching = new Proxy(table, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'query') return value.bind(target);
      return () => {
        const query = target.query();
        const where = query.where.bind(query);
        query.where = (filter: string) => {
          filters.push(filter);
          return where(filter);
        };
        return query;
      };
    },
  });
  return { table: watching, filters };
}

test('a sample says roughly where the first rows of an order end', async () => {
  const samples = createColumnSamples(table, 1);
  expect(samples.bound('created_at', 'desc', 0.1)).toBeUndefined();
  await samples.idle();
  expect(samples.bound('created_at', 'desc', 0.1)).toEqual({ value: 899 });
  expect(samples.bound('created_at', 'asc', 0.1)).toEqual({ value: 100 });
  expect(samples.bound('created_at', 'asc', 0.1, at(400))).toEqual({ value: 500 });
  expect(samples.bound('created_at', 'desc', 0.1, at(400))).toEqual({ value: 300 });
  expect(samples.bound('created_at', 'asc', 0.5)).toBeUndefined();
  expect(samples.bound('created_at', 'asc', 0.1, at(950))).toBeUndefined();
});

test('of a column with few values, a sample says among which rows of one value they end', async () => {
  const samples = createColumnSamples(table, 1);
  samples.bound('step_count', 'asc', 0.01);
  await samples.idle();
  const { seq } = rows[30]!;
  expect(samples.bound('step_count', 'asc', 0.01)).toEqual({ value: 0, seq });
  expect(samples.bound('step_count', 'asc', 0.01, { value: 0, seq })).toEqual({ value: 0, seq: rows[60]!.seq });
  expect(samples.bound('step_count', 'desc', 0.01)).toEqual({ value: 2, seq: rows[998 - 30]!.seq });
});

test('a sample of a small table is of no use', async () => {
  const small = createColumnSamples(table, rowCount + 1);
  small.bound('reward', 'asc', 0.01);
  await small.idle();
  expect(small.bound('reward', 'asc', 0.01)).toBeUndefined();
});

test.each([
  ['created_at', 'desc'],
  ['reward', 'asc'],
  ['reward', 'desc'],
] as const)('with a sample only the rows near the beginning are sorted by %s %s', async (sortBy, order) => {
  const { table: watching, filters } = watched();
  const sorting = createSorting(watching, 1);
  const query: PageQuery = { ...newest, sortBy, order };
  const first = await sorting.first(query, 20);
  expect(filters).toEqual([]);
  await sorting.idle();
  const second = await sorting.first(query, 20);
  expect(filters).toEqual([expect.stringContaining(sortBy)]);
  expect([second.ids, second.total, second.positionOf(19)]).toEqual([first.ids, rowCount, first.positionOf(19)]);
});

test('when fewer rows come than there must be, all are sorted', async () => {
  const { table: watching, filters } = watched();
  const sorting = createSorting(watching, 1);
  const oldOnes: PageQuery = { ...newest, filter: [{ test: 'between', column: 'created_at', max: 200 }] };
  const first = await sorting.first(oldOnes, 10);
  await sorting.idle();
  const second = await sorting.first(oldOnes, 10);
  expect(filters).toHaveLength(3);
  expect(second.ids).toEqual(first.ids);
  expect([second.total, second.positionOf(0).value]).toEqual([201, 200]);
});

test('a sample that cannot be taken is done without', async () => {
  const broken = new Proxy(table, {
    get(target, name) {
      if (name === 'countRows') return () => Promise.reject(new Error('broken'));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const samples = createColumnSamples(broken, 1);
  samples.bound('reward', 'asc', 0.1);
  await samples.idle();
  expect(samples.bound('reward', 'asc', 0.1)).toBeUndefined();
  await samples.idle();
});

test.each(['asc', 'desc'] as const)(
  'where all rows have one value, few are sorted, %s, on each step of a walk',
  async (order) => {
    const { table: watching, filters } = watched();
    const sorting = createSorting(watching, 1);
    const query: PageQuery = { ...newest, sortBy: 'epoch_id', order, walk: {} };
    await sorting.first(query, 20);
    await sorting.idle();
    const seqs = rows.map(({ seq }) => seq).sort((a, b) => (order === 'asc' ? a - b : b - a));
    let after: { value: number; seq: number } | undefined;
    for (let step = 0; step < 4; step++) {
      filters.length = 0;
      const { positionOf } = await sorting.first({ ...query, walk: after ? { after } : {} }, 20);
      const places = Array.from({ length: 20 }, (_, i) => positionOf(i));
      expect(places.map(({ seq }) => seq)).toEqual(seqs.slice(20 * step, 20 * step + 20));
      expect(filters).toEqual([expect.stringMatching(/OR seq [<>]= /)]);
      after = places[19] as { value: number; seq: number };
    }
  },
);
