import type { IndexSwitch, Table } from '../../../lance/index.js';
import { createSingleFlight } from '../cache/single-flight.js';
import { offsetOf, type PageQuery } from '../page-query.js';
import { versionOf } from '../rows/shared-version.js';
import type { ScalarColumn } from '../trajectory-columns.js';
import { filterSql, type TrajectoryFilter } from '../trajectory-filter.js';
import { boundsOf, rowsWithin } from './bounded-rows.js';
import { createColumnValues } from './column-values.js';
import { isPlain } from './plain-filter.js';
import { bytesPerRow, type LeadingRows, type RowIdCache } from './row-id-cache.js';
import { inOrder } from './row-order.js';
import type { Sorting } from './sorting.js';

/**
 * The row ids of a page, and how many rows there are on all pages.
 * @source product contract, Trajectories ("total is exact for every filter")
 */
export interface PageIds {
  ids: BigUint64Array;
  total: number;
  /** Drops what is known of the query's order: some of its rows have moved. */
  forget(): void;
}

/**
 * Finds the row ids of pages. Orders are kept per version of the table, sort and filter. An order that is asked for
 * again and again is worked out for all rows, behind the scenes; from then on a filter needs no sort: its rows are
 * found by the indexes and put in order by rank.
 * @source product contract, Optimisations (`native_query`)
 */
export interface LeadingRowsFinder {
  find(query: PageQuery): Promise<PageIds>;
  /**
   * Whether the order of the page is known, or that of all rows, by which those of its filter will be put in order, or also
   * the values that tell which rows these are.
   */
  knows(query: PageQuery): Promise<'page' | 'values' | 'order' | 'nothing'>;
  /** Resolves when nothing is under way behind the scenes. */
  idle(): Promise<void>;
}

/** Where orders are kept and worked out, and who is told whether one was known. @source product contract, Optimisations (`native_query`) */
export interface LeadingRowsOptions {
  table: Table;
  cache: RowIdCache;
  sorting: Sorting;
  /** Orders that an index helped to find are not kept beyond its switching off. */
  indexes?: IndexSwitch | undefined;
  onRowIds?: ((found: 'hit' | 'miss') => void) | undefined;
}

/** Sorting for pages past this many rows is dearer with a limit than without. */
const windowRows = 2000;
/** To read more matching rows than this costs more than to try leading ones. */
const fewRows = 10_000;
const maxTried = 1000;
/** Leading rows are tried before it is known what share of all rows pass, as if it were this. */
const eagerShare = 0.5;
const none = new BigUint64Array(0);
/** The filter and the order may go together, so more rows are tried than chance would need. */
const spare = 1.5;
/** Sorting all rows costs about as much as so many sorts of a first page. */
const sortsWorthAll = 4;
/** With so many sorts at once every core has its work. */
const manySorts = 4;

/** A version of the table, read in one way. */
type State = string;

/** Nothing is known at first. @source product contract, Optimisations (`native_query`) */
export function createLeadingRows({ table, cache, sorting, indexes, onRowIds }: LeadingRowsOptions): LeadingRowsFinder {
  const sorts = createSingleFlight<LeadingRows>();
  const asked = new Map<ScalarColumn, { state: State; sorts: number }>();
  /** By the key of the order of all rows that is being worked out behind the scenes. */
  const preparing = new Map<string, Promise<void>>();
  const columns = createColumnValues({ table, cache });
  let sortsUnderWay = 0;

  /** Names the data, and the way in which conditions are served. */
  async function stateNow(): Promise<State> {
    const version = await versionOf(table);
    return indexes ? `${version}.${indexes.generation()}` : `${version}`;
  }

  function known(query: PageQuery, state: State): LeadingRows | undefined {
    const whole = cache.get(wholeKey(query, state));
    if (whole) return whole;
    const leading = cache.get(leadingKey(query, state));
    return leading && reaches(leading, query) ? leading : undefined;
  }

  /** Keeps what was worked out, unless the data changed meanwhile: then it may be of either version. */
  async function keep(key: string, state: State, rows: LeadingRows): Promise<void> {
    if ((await stateNow()) !== state) return;
    if (rows.ids.length > (cache.get(key)?.ids.length ?? -1)) cache.set(key, rows);
  }

  async function sortAll(query: Pick<PageQuery, 'filter' | 'sortBy'>, state: State): Promise<LeadingRows> {
    const key = wholeKey(query, state);
    return sorts.run(key, async () => {
      const rows = wholeOf(await sorting.all(query));
      await keep(key, state, rows);
      return rows;
    });
  }

  async function prepare(sortBy: ScalarColumn, state: State): Promise<void> {
    const rows = await table.countRows();
    if (rows * bytesPerRow > cache.statistics().max_bytes / 2) return;
    await sortAll({ filter: [], sortBy }, state);
  }

  /** The order of all rows is worth its price once its column was sorted by a few times since it was known last. */
  function prepareBehindTheScenes(sortBy: ScalarColumn, state: State): void {
    const key = wholeKey({ filter: [], sortBy }, state);
    if (preparing.has(key)) return;
    const before = asked.get(sortBy);
    const times = before?.state === state ? before.sorts + 1 : 1;
    asked.set(sortBy, { state, sorts: times % sortsWorthAll });
    if (times < sortsWorthAll) return;
    const done = prepare(sortBy, state)
      .catch(() => {})
      .finally(() => preparing.delete(key));
    preparing.set(key, done);
  }

  /** By values that are kept in the order of all rows, if the filter is of nothing but bounds on them. */
  function within(query: PageQuery, state: State, all: LeadingRows): LeadingRows | undefined {
    const bounds = boundsOf(query.filter);
    if (!bounds || !isNear(query)) return undefined;
    const orderKey = wholeKey({ ...query, filter: [] }, state);
    const isCurrent = async () => (await stateNow()) === state;
    for (const { column } of bounds) if (!all.values?.has(column)) columns.missed(column, orderKey, isCurrent);
    return rowsWithin(all, bounds, query.order, offsetOf(query) + query.pageSize);
  }

  /** Where the machine is busy with sorts, one more takes longer than what is being prepared for all. */
  async function prepared(query: PageQuery, state: State): Promise<LeadingRows | undefined> {
    const underWay = preparing.get(wholeKey({ ...query, filter: [] }, state));
    if (!underWay || sortsUnderWay < manySorts) return undefined;
    await underWay;
    return known(query, state);
  }

  async function passingOf(query: PageQuery, among: BigUint64Array): Promise<BigUint64Array> {
    const passing = new Set(await sorting.matching(query, among));
    return among.filter((id) => passing.has(id));
  }

  /** @returns the rows, if they suffice for the page */
  async function kept(query: PageQuery, state: State, rows: LeadingRows): Promise<LeadingRows | undefined> {
    if (!reaches(rows, query)) return undefined;
    await keep(leadingKey(query, state), state, rows);
    return rows;
  }

  /** Without comparing values, where the order of all rows is known. */
  async function filtered(query: PageQuery, state: State): Promise<LeadingRows | undefined> {
    const all = cache.get(wholeKey({ ...query, filter: [] }, state));
    if (!all || all.ids.length === 0) return undefined;
    const told = within(query, state, all);
    if (told) return kept(query, state, told);
    if (!namesFew(query.filter)) {
      // Counting and trying wait for different things.
      const counted = sorting.countRows(query);
      const eager = isPlain(query.filter) ? amongFirst(all, query, eagerShare) : undefined;
      const tried = eager && passingOf(query, eager);
      // Together: one that fails while the other is waited for would be nobody's.
      const [total, found = none] = await Promise.all([counted, tried]);
      const enough = await kept(query, state, { ids: found, complete: false, total });
      if (enough) return enough;
      const among = total > fewRows ? amongFirst(all, query, total / all.ids.length) : undefined;
      if (among && among.length > (eager?.length ?? 0)) {
        const more = await kept(query, state, { ids: await passingOf(query, among), complete: false, total });
        if (more) return more;
      }
    }
    const ids = inOrder(all.ids, await sorting.matching(query));
    if (!ids) return undefined;
    await keep(wholeKey(query, state), state, wholeOf(ids));
    return wholeOf(ids);
  }

  async function sorted(query: PageQuery, state: State): Promise<LeadingRows> {
    const limit = sortedRowsOf(query);
    if (limit === Infinity) {
      const total = await sorting.countRows(query);
      if (offsetOf(query) >= total) return { ids: new BigUint64Array(0), complete: false, total };
      return sortAll(query, state);
    }
    return sorts.run(`${limit} ${leadingKey(query, state)}`, async () => {
      prepareBehindTheScenes(query.sortBy, state);
      sortsUnderWay += 1;
      const { ids, total } = await sorting.first(query, limit).finally(() => {
        sortsUnderWay -= 1;
      });
      const complete = ids.length < limit;
      if (complete && query.order === 'desc') ids.reverse();
      const rows = { ids, complete, total };
      await keep(complete ? wholeKey(query, state) : leadingKey(query, state), state, rows);
      return rows;
    });
  }

  async function ranked(query: PageQuery, state: State): Promise<LeadingRows> {
    const key = `${offsetOf(query)} ${query.pageSize} ${leadingKey(query, state)}`;
    return sorts.run(key, async () => (await filtered(query, state)) ?? sorted(query, state));
  }

  return {
    async find(query) {
      const state = await stateNow();
      const rows = known(query, state);
      const found = rows ? 'hit' : 'miss';
      if (!query.isUnasked) {
        cache.count(found);
        onRowIds?.(found);
      }
      const forget = () => {
        for (const of of [query, { ...query, filter: [] }]) cache.delete(wholeKey(of, state));
        cache.delete(leadingKey(query, state));
      };
      if (rows) return { ...pageOf(rows, query), forget };
      const make = query.filter.length === 0 ? sorted : ranked;
      return { ...pageOf((await prepared(query, state)) ?? (await make(query, state)), query), forget };
    },
    async knows(query) {
      const state = await stateNow();
      if (known(query, state)) return 'page';
      const all = cache.get(wholeKey({ ...query, filter: [] }, state));
      if (!all) return 'nothing';
      const bounds = boundsOf(query.filter);
      const isTold = bounds?.every(({ column }) => all.values?.has(column)) && isNear(query);
      return isTold ? 'values' : 'order';
    },
    async idle() {
      await Promise.all([...preparing.values(), columns.idle()]);
      await sorting.idle();
    },
  };
}

/**
 * How many rows of the order are worked out for a page; Infinity for all.
 * @source product contract, Optimisations (`native_query`)
 */
export function sortedRowsOf(query: PageQuery): number {
  const needed = offsetOf(query) + query.pageSize;
  if (needed > windowRows) return Infinity;
  return query.page === 1 ? needed : windowRows;
}

/** Whether the rows up to the end of the page are few. */
const isNear = (query: PageQuery) => offsetOf(query) + query.pageSize <= windowRows;

/** Whether few rows pass as a rule; where many do, finding them is slower and no less right. */
const namesFew = (filter: TrajectoryFilter) =>
  filter.some(
    (condition) =>
      condition.test === 'matches' &&
      (condition.column === 'data_id' || condition.column === 'trajectory_id') &&
      !condition.text.includes('*'),
  );

/** So many leading rows of the order that the page is likely among them; undefined when those are too many. */
function amongFirst(all: LeadingRows, query: PageQuery, share: number): BigUint64Array | undefined {
  const tried = Math.ceil(((offsetOf(query) + query.pageSize) / share) * spare);
  return tried > maxTried ? undefined : pageOf(all, { ...query, page: 1, pageSize: tried }).ids;
}

const wholeOf = (ids: BigUint64Array): LeadingRows => ({ ids, complete: true, total: ids.length });

const wholeKey = ({ sortBy, filter }: Pick<PageQuery, 'filter' | 'sortBy'>, state: State) =>
  `${state} ${sortBy} ${filterSql(filter) ?? ''}`;
const leadingKey = (query: PageQuery, state: State) => `${query.order} ${wholeKey(query, state)}`;

/** Whether the rows known suffice for the page. */
function reaches({ ids, complete, total }: LeadingRows, query: PageQuery): boolean {
  const offset = offsetOf(query);
  return complete || ids.length >= Math.min(offset + query.pageSize, total) || offset >= total;
}

function pageOf({ ids, complete, total }: LeadingRows, query: PageQuery): Omit<PageIds, 'forget'> {
  const [from, to] = [offsetOf(query), offsetOf(query) + query.pageSize];
  if (!complete || query.order === 'asc') return { ids: ids.subarray(from, to), total };
  const end = ids.length;
  return { ids: ids.slice(Math.max(0, end - to), Math.max(0, end - from)).reverse(), total };
}
