import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { compactTable, type Table } from '../../../../src/lance/index.js';
import { rowIdsOf } from '../../../../src/trajectories/query/arrow-rows.js';
import { createRowIdCache } from '../../../../src/trajectories/query/order/row-id-cache.js';
import type { PageQuery } from '../../../../src/trajectories/query/page-query.js';
import { createKeptValues, keptColumns } from '../../../../src/trajectories/query/rows/kept-values.js';
import { createRowTaker } from '../../../../src/trajectories/query/rows/row-taker.js';
import type { Column } from '../../../../src/trajectories/query/trajectory-columns.js';
import { createTrajectoryReader } from '../../../../src/trajectories/query/trajectory-reader.js';
import { makeRow, openTables, type RowMade } from '../../stored-rows.js';

const wholeRow: Column[] = ['record_json', ...keptColumns];
const made = (i: number): RowMade => makeRow(i, { notes: i % 50 === 3 ? `讲解 ${i}` : '', updated_at: 1.5 * i });
const small = (row: RowMade) => Object.fromEntries(keptColumns.map((column) => [column, row[column]]));
const idsOf = async (table: Table, where = 'true') =>
  rowIdsOf(await table.query().where(where).select(['seq']).withRowId().toArrow());

/** The table, telling which columns are read by row id. */
function watched(table: Table): { table: Table; read: string[][] } {
  const read: string[][] = [];
  const watching = new Proxy(table, {
    get(target, name) {
      if (name === 'takeRowIds') {
        return (given: bigint[]) => {
          const query = target.takeRowIds(given);
          const select = query.select.bind(query);
          query.select = (columns) => {
            read.push([columns].flat() as string[]);
            return select(columns);
          };
          return query;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { table: watching, read };
}

const count = 3000;
const rows = Array.from({ length: count }, (_, i) => made(i));
let table: Table;
let ids: BigUint64Array;
beforeAll(async () => {
  ({ table } = await openTables(rows, 3));
  ids = await idsOf(table);
}, 60_000);

test('the values kept of all rows are those stored, and an unknown row has none', async () => {
  const kept = createKeptValues({ table });
  expect([kept.isLikely, kept.of(ids[0]!)]).toEqual([false, undefined]);
  await kept.fill();
  expect(kept.isLikely).toBe(true);
  expect(Array.from(ids, (id) => kept.of(id))).toEqual(rows.map(small));
  expect(kept.of(ids.at(-1)! + 1n)).toBeUndefined();
  expect(kept.bytes()).toBeGreaterThan(20 * count);
});

test('a page of known rows reads their texts alone, in whatever order', async () => {
  const seen = watched(table);
  const kept = createKeptValues({ table });
  await kept.fill();
  const taker = createRowTaker(seen.table, kept);
  const places = [2800, 3, 1500];
  const page = await taker.take(
    BigUint64Array.from(places, (i) => ids[i]!),
    wholeRow,
  );
  expect(page?.map(({ record_json, ...values }) => values)).toEqual(places.map((i) => small(rows[i]!)));
  expect(page?.map((row) => Buffer.from(row.record_json!).toString())).toEqual(places.map((i) => rows[i]!.record_json));
  await taker.take(ids.slice(0, 2), ['tags', 'record_json']);
  expect(seen.read).toEqual([['record_json'], ['tags', 'record_json']]);
});

test('rows that came later are read once with all columns, and known then', async () => {
  const changing = await openTables(rows.slice(0, 100));
  const seen = watched(changing.table);
  const kept = createKeptValues({ table: changing.table });
  await kept.fill();
  await changing.table.update({ where: 'seq = 50', values: { notes: 'new', is_bookmarked: true } });
  const changed = await idsOf(changing.table, 'seq = 50');
  const taker = createRowTaker(seen.table, kept);
  for (let i = 0; i < 2; i++) {
    const page = await taker.take(changed, wholeRow);
    expect(page).toMatchObject([{ notes: 'new', is_bookmarked: true, updated_at: rows[49]!.updated_at }]);
  }
  expect(seen.read).toEqual([wholeRow, ['record_json']]);
});

test('pages that had to read all columns lead to reading all rows at once', async () => {
  const kept = createKeptValues({ table });
  const taker = createRowTaker(table, kept);
  for (let page = 1; page <= 4; page++) {
    expect(kept.of(ids[count - 1]!)).toBeUndefined();
    await taker.take(ids.slice(page * 20, page * 20 + 20), wholeRow);
    await kept.idle();
  }
  expect(kept.of(ids[count - 1]!)).toEqual(small(rows[count - 1]!));
});

test('what would not fit into memory is not kept, and pages are right without', async () => {
  for (const maxBytes of [1000, count * 21 + 3000]) {
    const kept = createKeptValues({ table, maxBytes });
    await kept.fill();
    expect([kept.isLikely, kept.bytes()]).toEqual([false, 0]);
    const page = await createRowTaker(table, kept).take(ids.slice(0, 3), wholeRow);
    expect(page).toMatchObject(rows.slice(0, 3).map(small));
  }
});

test('after a compaction, which gives every row another id, one record is still found, and soon without reading twice', async () => {
  const compacted = await openTables(rows.slice(0, 200), 4);
  const kept = createKeptValues({ table: compacted.table });
  const rowIds = createRowIdCache(() => 1_000_000);
  const reader = createTrajectoryReader({ table: compacted.table, rowIds, kept });
  await kept.fill();
  expect(await reader.get('t-00150', wholeRow)).toMatchObject(small(rows[150]!));
  await compactTable(compacted.table);
  for (let i = 0; i < 8; i++) expect(await reader.get(`t-0010${i}`, wholeRow)).toMatchObject(small(rows[100 + i]!));
  await kept.idle();
  expect([kept.isLikely, await reader.get('t-none', wholeRow)]).toEqual([true, undefined]);
});

test('whole pages and records equal those read without anything kept, whatever changes in between', async () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'update', 'delete', 'compact', 'fill'),
    from: fc.nat(140),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const home = await openTables(rows.slice(0, 120), 2);
      let next = 120;
      const kept = createKeptValues({ table: home.table });
      const rowIds = createRowIdCache(() => 100_000);
      const reader = createTrajectoryReader({ table: home.table, rowIds, kept });
      const plain = createTrajectoryReader({ table: home.table, rowIds: createRowIdCache(() => 0) });
      for (const { kind, from, size } of steps) {
        const where = `seq >= ${from} AND seq < ${from + size}`;
        if (kind === 'add') await home.table.add(Array.from({ length: size }, () => made(next++)));
        else if (kind === 'update') await home.table.update({ where, values: { notes: `${from}`, is_success: true } });
        else if (kind === 'delete') await home.table.delete(where);
        else if (kind === 'compact') await compactTable(home.table);
        else await kept.fill();
        const query: PageQuery = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 40 };
        for (const page of [1, 1 + (from % 4)]) {
          expect(await reader.list({ ...query, page }, wholeRow)).toEqual(
            await plain.list({ ...query, page }, wholeRow),
          );
        }
        const id = made(from).trajectory_id;
        expect(await reader.get(id, wholeRow)).toEqual(await plain.get(id, wholeRow));
      }
      home.database.close();
    }),
    { numRuns: 5, seed: 7 },
  );
}, 60_000);
