import { numberLiteral, readFresh, stringLiteral, type Table } from '../../lance/index.js';
import { rowsOf } from './arrow-rows.js';
import { createSingleFlight } from './cache/single-flight.js';
import type { LeadingRows, RowIdCache } from './order/row-id-cache.js';
import { createSorting } from './order/sorting.js';
import { offsetOf, type Page, type PageQuery, type TrajectoryReader } from './page-query.js';
import type { Column, TrajectoryRow } from './trajectory-columns.js';
import { filterSql } from './trajectory-filter.js';

/**
 * `rowIds` keeps the orders that were worked out; `onRowIds` is told for each page whether its order was known already.
 * @source product contract, Optimisations (`native_query`)
 */
export interface TrajectoryReaderOptions {
  table: Table;
  rowIds: RowIdCache;
  onRowIds?(found: 'hit' | 'miss'): void;
  /** Number of rows from which sorts are bounded by samples of their column; below, sorting all rows is as quick. */
  smallestSampledTable?: number;
}

/** Sorting for pages past this many rows is dearer with a limit than without. */
const windowRows = 2000;
const tries = 4;

/**
 * Reads pages inside the database: the order is worked out over the sort column, `seq` and the row id alone (its cost
 * follows the bytes selected), the page is then taken by row id. Orders are kept per table version, filter and sort,
 * so that following pages only take. Row ids are never given out: an update changes them.
 * @source trajectory-optimization 2.2-A; LanceDB documentation, "Query"
 */
export function createTrajectoryReader({
  table,
  rowIds: cache,
  onRowIds,
  smallestSampledTable = 20_000,
}: TrajectoryReaderOptions): TrajectoryReader {
  const sorting = createSorting(table, smallestSampledTable);
  const sorts = createSingleFlight<LeadingRows>();

  /** Works out at least the rows of the order up to the end of the page, or all there are. */
  async function sortRows(query: PageQuery): Promise<LeadingRows> {
    const limit = sortedRowsOf(query);
    if (limit === Infinity) {
      const total = await sorting.countRows(query);
      if (offsetOf(query) >= total) return { ids: new BigUint64Array(0), complete: total === 0, total };
    }
    const { ids, total } = await sorting.first(query, limit);
    return { ids, complete: ids.length < limit, total };
  }

  async function leadingRows(query: PageQuery): Promise<{ rows: LeadingRows; key: string }> {
    const version = await table.version();
    const key = orderKey(query, version);
    const known = cache.get(key);
    const found = known && reaches(known, query) ? 'hit' : 'miss';
    cache.count(found);
    onRowIds?.(found);
    if (known && found === 'hit') return { rows: known, key };
    const rows = await sorts.run(`${offsetOf(query)} ${query.pageSize} ${key}`, () => sortRows(query));
    const unchanged = (await table.version()) === version;
    if (unchanged && rows.ids.length > (known?.ids.length ?? -1)) cache.set(key, rows);
    return { rows, key };
  }

  /** Takes rows in the order given; those that have moved meanwhile are missing. */
  async function take(ids: BigUint64Array, columns: readonly Column[]): Promise<TrajectoryRow[]> {
    if (ids.length === 0) return [];
    const ascending = ids.slice().sort();
    const found = await readFresh(table, () =>
      table
        .takeRowIds(Array.from(ascending))
        .select([...columns])
        .toArrow(),
    );
    if (found.numRows < ids.length) return [];
    const rows = rowsOf(found, columns);
    const places = new Map(Array.from(ascending, (id, place) => [id, place] as const));
    return Array.from(ids, (id) => rows[places.get(id)!]!);
  }

  async function listPage(query: PageQuery, columns: readonly Column[]): Promise<Page | undefined> {
    const { rows, key } = await leadingRows(query);
    const ids = rows.ids.subarray(offsetOf(query), offsetOf(query) + query.pageSize);
    const taken = await take(ids, columns);
    if (taken.length === ids.length) return { rows: taken, total: rows.total };
    cache.delete(key);
    return undefined;
  }

  /** A walk asks each order once, so nothing is kept. One row more than asked for tells whether any follow. */
  async function walkOn(query: PageQuery, columns: readonly Column[]): Promise<Page | undefined> {
    const { ids, total, positionOf } = await sorting.first(query, query.pageSize + 1);
    const page = ids.subarray(0, query.pageSize);
    const rows = await take(page, columns);
    if (rows.length < page.length) return undefined;
    return ids.length > page.length ? { rows, total, next: positionOf(page.length - 1) } : { rows, total };
  }

  return {
    async list(query, columns) {
      for (let attempt = 1; attempt <= tries; attempt++) {
        const page = query.walk ? await walkOn(query, columns) : await listPage(query, columns);
        if (page) return page;
      }
      throw new Error(`rows of the page moved during each of ${tries} readings`);
    },
    async get(trajectoryId, columns) {
      const found = await readFresh(table, () =>
        table
          .query()
          .where(`trajectory_id = ${stringLiteral(trajectoryId)}`)
          .select([...columns])
          .limit(1)
          .toArrow(),
      );
      return rowsOf(found, columns)[0];
    },
    async valueAt(seq, column) {
      const where = `seq = ${numberLiteral(seq)}`;
      const found = await readFresh(table, () => table.query().where(where).select([column]).limit(1).toArrow());
      return rowsOf(found, [column])[0]?.[column];
    },
    async explain(query) {
      const known = query.walk ? undefined : cache.get(orderKey(query, await table.version()));
      const taking = 'take the rows of the page by row id';
      const row_ids = query.walk || cache.statistics().max_bytes === 0 ? 'off' : 'miss';
      if (known && reaches(known, query)) return { plan: [taking], indexes: [], row_ids: 'hit' };
      const steps = await sorting.explain(query, query.walk ? query.pageSize + 1 : sortedRowsOf(query));
      const used = [...steps.join('\n').matchAll(/@(\w+)_idx\((\w+)\)/g)];
      const indexes = used.map(([, column = '', kind = '']) => ({ column, kind: kind.toLowerCase() }));
      return { plan: [...steps, taking], indexes, row_ids };
    },
  };
}

/** How many rows of the order are worked out for a page; Infinity for all. */
function sortedRowsOf(query: PageQuery): number {
  const needed = offsetOf(query) + query.pageSize;
  if (needed > windowRows) return Infinity;
  return query.page === 1 ? needed : windowRows;
}

const orderKey = ({ order, sortBy, filter }: PageQuery, version: number) =>
  `${version} ${order} ${sortBy} ${filterSql(filter) ?? ''}`;

/** Whether the rows known suffice for the page. */
function reaches({ ids, complete, total }: LeadingRows, query: PageQuery): boolean {
  const offset = offsetOf(query);
  return complete || ids.length >= Math.min(offset + query.pageSize, total) || offset >= total;
}
