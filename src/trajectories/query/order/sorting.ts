import { readFresh, scanBatches, type Table, withoutIndex } from '../../../lance/index.js';
import { rowIdsOf } from '../arrow-rows.js';
import type { PageQuery, RowPosition } from '../page-query.js';
import { filterSql } from '../trajectory-filter.js';
import { createColumnSamples, isSampled } from './column-sample.js';
import { isPlain, passing } from './plain-filter.js';
import { positionSql, upToSql } from './position-sql.js';

/**
 * The first rows of an order, as many as were asked for or all there are: their row ids, how many rows pass the
 * filter, and where each of them stands.
 * @source product contract, Optimisations (`native_query`)
 */
export interface SortedRows {
  ids: BigUint64Array;
  total: number;
  positionOf(place: number): RowPosition;
}

/**
 * Sorts inside the database, over the sort column, `seq` and the row id alone: its cost follows the bytes selected.
 * Where a sample of the column tells roughly where the rows asked for end, only the rows up to there are sorted; when
 * fewer come than there must be, all of them are.
 * @source trajectory-optimization 2.2-A; LanceDB documentation, "Query" (order_by)
 */
export interface Sorting {
  /** @param limit number of rows, or Infinity */
  first(query: PageQuery, limit: number): Promise<SortedRows>;
  /** The database's own words for what {@link Sorting.first} would do, a step a line, without where its files are. */
  explain(query: PageQuery, limit: number): Promise<string[]>;
  /** All rows that pass the filter, in rising order whatever the direction asked for. */
  all(query: Pick<PageQuery, 'filter' | 'sortBy'>): Promise<BigUint64Array>;
  /** All rows that pass the filter, or those of `among` that do, in no order. */
  matching(query: Pick<PageQuery, 'filter'>, among?: BigUint64Array): Promise<BigUint64Array>;
  /** The same for {@link Sorting.matching}. */
  explainMatching(query: Pick<PageQuery, 'filter'>): Promise<string[]>;
  countRows(query: Pick<PageQuery, 'filter'>): Promise<number>;
  /** Resolves when nothing is under way behind the scenes. */
  idle(): Promise<void>;
}

type Query = ReturnType<Table['query']>;

/** The filter and the sort column may go together, so more rows are let in than chance would need. */
const spare = 2;

/**
 * @param smallestSampledTable number of rows below which all rows are sorted at once
 * @param usesIndexes false: every row is looked at, as if there were no scalar index
 * @source product contract, Optimisations (`native_query`)
 */
export function createSorting(table: Table, smallestSampledTable: number, usesIndexes = true): Sorting {
  const samples = createColumnSamples(table, smallestSampledTable);

  const final = (where: string) => (usesIndexes ? where : withoutIndex(where));
  const countRows = (where: string | undefined) =>
    readFresh(table, () => table.countRows(where === undefined ? undefined : final(where)));

  function select({ sortBy, order }: PageQuery, where: string | undefined, limit: number) {
    const columns = [sortBy, 'seq'];
    const ascending = order === 'asc';
    const query = table.query().select(columns).withRowId();
    if (where !== undefined) query.where(final(where));
    if (limit < Infinity) query.limit(limit);
    return query.orderBy(columns.map((columnName) => ({ columnName, ascending, nullsFirst: ascending })));
  }

  async function sorted(
    query: PageQuery,
    where: string | undefined,
    limit: number,
  ): Promise<Omit<SortedRows, 'total'>> {
    const found = await readFresh(table, () => select(query, where, limit).toArrow());
    return {
      ids: rowIdsOf(found),
      positionOf: (place) => ({
        value: found.getChild(query.sortBy)?.get(place) as RowPosition['value'],
        seq: Number(found.getChild('seq')?.get(place)),
      }),
    };
  }

  /** The condition that lets roughly the rows asked for pass; undefined when there is none or it would not pay. */
  function boundFor({ sortBy, order, walk }: PageQuery, limit: number, share: number): string | undefined {
    if (!isSampled(sortBy) || limit === Infinity) return undefined;
    const after = walk?.after && { value: Number(walk.after.value), seq: walk.after.seq };
    const bound = samples.bound(sortBy, order, share, after);
    return bound && upToSql(sortBy, order, bound);
  }

  /** What to look for: all rows behind the walk's place, and where a bound pays, those up to it. */
  async function scopeOf(query: PageQuery, limit: number) {
    const filter = filterSql(query.filter);
    const where = joined([filter, positionSql(query)]);
    const allRows = await countRows(undefined);
    const counted = filter === undefined ? Promise.resolve(allRows) : countRows(filter);
    if (allRows < smallestSampledTable || limit === Infinity) return { where, counted };
    const bound = boundFor(query, limit, (spare * limit) / Math.max(1, await counted));
    return { where, counted, ...(bound === undefined ? {} : { bounded: joined([where, bound]) }) };
  }

  function matching(where: string | undefined): Query {
    const query = table.query().select([]).withRowId();
    return where === undefined ? query : query.where(final(where));
  }

  async function planOf(query: () => Query): Promise<string[]> {
    const text = await readFresh(table, () => query().explainPlan());
    return text
      .replace(/uri=.*?, projection=/gs, 'projection=')
      .trimEnd()
      .split('\n');
  }

  /** The row ids of a query without columns or with few. */
  async function idsOf(query: Query): Promise<BigUint64Array> {
    const parts: BigUint64Array[] = [];
    for await (const batch of scanBatches(query)) parts.push(rowIdsOf(batch));
    const ids = new BigUint64Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      ids.set(part, at);
      at += part.length;
    }
    return ids;
  }

  return {
    all({ filter, sortBy }) {
      const query = { filter, sortBy, order: 'asc', page: 1, pageSize: 1 } as const;
      return readFresh(table, () => idsOf(select(query, filterSql(filter), Infinity)));
    },
    matching({ filter }, among) {
      if (among && isPlain(filter)) return readFresh(table, () => passing(table, filter, among));
      const where = joined([filterSql(filter), among && `_rowid IN (${among.join(', ')})`]);
      return readFresh(table, () => idsOf(matching(where)));
    },
    async first(query, limit) {
      const { where, counted, bounded } = await scopeOf(query, limit);
      if (bounded !== undefined) {
        const rows = await sorted(query, bounded, limit);
        if (rows.ids.length === limit) return { ...rows, total: Math.max(await counted, limit) };
      }
      const [rows, total] = await Promise.all([sorted(query, where, limit), counted]);
      const complete = query.walk === undefined && rows.ids.length < limit;
      return { ...rows, total: complete ? rows.ids.length : Math.max(total, rows.ids.length) };
    },
    async explain(query, limit) {
      const { where, counted, bounded } = await scopeOf(query, limit);
      await counted;
      return planOf(() => select(query, bounded ?? where, limit));
    },
    explainMatching: ({ filter }) => planOf(() => matching(filterSql(filter))),
    countRows: (query) => countRows(filterSql(query.filter)),
    idle: () => samples.idle(),
  };
}

function joined(clauses: readonly (string | undefined)[]): string | undefined {
  const given = clauses.filter((clause) => clause !== undefined);
  return given.length === 0 ? undefined : given.map((clause) => `(${clause})`).join(' AND ');
}
