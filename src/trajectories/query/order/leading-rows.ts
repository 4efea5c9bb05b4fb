import type { Table } from '../../../lance/index.js';
import { createSingleFlight } from '../cache/single-flight.js';
import { offsetOf, type PageQuery } from '../page-query.js';
import { versionOf } from '../rows/shared-version.js';
import type { ScalarColumn } from '../trajectory-columns.js';
import { filterSql, type TrajectoryFilter } from '../trajectory-filter.js';
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
  /** Whether the order of the page is known, or that of all rows, by which those of its filter will be put in order. */
  knows(query: PageQuery): Promise<'page' | 'order' | 'nothing'>;
  /** Resolves when nothing is under way behind the scenes. */
  idle(): Promise<void>;
}

/** Where orders are kept and worked out, and who is told whether one was known. @source product contract, Optimisations (`native_query`) */
export interface LeadingRowsOptions {
  table: Table;
  cache: RowIdCache;
  sorting: Sorting;
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

/** Nothing is known at first. @source product contract, Optimisations (`native_query`) */
export function createLeadingRows({ table, cache, sorting, onRowIds }: LeadingRowsOptions): LeadingRowsFinder {
  const sorts = createSingleFlight<LeadingRows>();
  const asked = new Map<ScalarColumn, { version: number; sorts: number }>();
  /** By the key of the order of all rows that is being worked out behind the scenes. */
  const preparing = new Map<string, Promise<void>>();
  let sortsUnderWay = 0;

  function known(query: PageQuery, version: number): LeadingRows | undefined {
    const whole = cache.get(wholeKey(query, version));
    if (whole) return whole;
    const leading = cache.get(leadingKey(query, version));
    return leading && reaches(leading, query) ? leading : undefined;
  }

  /** Keeps what was worked out, unless the data changed meanwhile: then it may be of either version. */
  async function keep(key: string, version: number, rows: LeadingRows): Promise<void> {
    if ((await versionOf(table)) !== version) return;
    if (rows.ids.length > (cache.get(key)?.ids.length ?? -1)) cache.set(key, rows);
  }

  async function sortAll(query: Pick<PageQuery, 'filter' | 'sortBy'>, version: number): Promise<LeadingRows> {
    const key = wholeKey(query, version);
    return sorts.run(key, async () => {
      const rows = wholeOf(await sorting.all(query));
      await keep(key, version, rows);
      return rows;
    });
  }

  async function prepare(sortBy: ScalarColumn, version: number): Promise<void> {
    const rows = await table.countRows();
    if (rows * bytesPerRow > cache.statistics().max_bytes / 2) return;
    await sortAll({ filter: [], sortBy }, version);
  }

  /** The order of all rows is worth its price once its column was sorted by a few times in one version. */
  function prepareBehindTheScenes(sortBy: ScalarColumn, version: number): void {
    const before = asked.get(sortBy);
    const times = before?.version === version ? before.sorts + 1 : 1;
    asked.set(sortBy, { version, sorts: times });
    if (times !== sortsWorthAll) return;
    const key = wholeKey({ filter: [], sortBy }, version);
    const done = prepare(sortBy, version)
      .catch(() => {})
      .finally(() => preparing.delete(key));
    preparing.set(key, done);
  }

  /** Where the machine is busy with sorts, one more takes longer than what is being prepared for all. */
  async function prepared(query: PageQuery, version: number): Promise<LeadingRows | undefined> {
    const underWay = preparing.get(wholeKey({ ...query, filter: [] }, version));
    if (!underWay || sortsUnderWay < manySorts) return undefined;
    await underWay;
    return known(query, version);
  }

  async function passingOf(query: PageQuery, among: BigUint64Array): Promise<BigUint64Array> {
    const passing = new Set(await sorting.matching(query, among));
    return among.filter((id) => passing.has(id));
  }

  /** @returns the rows, if they suffice for the page */
  async function kept(query: PageQuery, version: number, rows: LeadingRows): Promise<LeadingRows | undefined> {
    if (!reaches(rows, query)) return undefined;
    await keep(leadingKey(query, version), version, rows);
    return rows;
  }

  /** Without comparing values, where the order of all rows is known. */
  async function filtered(query: PageQuery, version: number): Promise<LeadingRows | undefined> {
    const all = cache.get(wholeKey({ ...query, filter: [] }, version));
    if (!all || all.ids.length === 0) return undefined;
    if (!namesFew(query.filter)) {
      // Counting and trying wait for different things.
      const counted = sorting.countRows(query);
      const eager = isPlain(query.filter) ? amongFirst(all, query, eagerShare) : undefined;
      const tried = eager && passingOf(query, eager);
      const total = await counted;
      const found = (await tried) ?? none;
      const enough = await kept(query, version, { ids: found, complete: false, total });
      if (enough) return enough;
      const among = total > fewRows ? amongFirst(all, query, total / all.ids.length) : undefined;
      if (among && among.length > (eager?.length ?? 0)) {
        const more = await kept(query, version, { ids: await passingOf(query, among), complete: false, total });
        if (more) return more;
      }
    }
    const ids = inOrder(all.ids, await sorting.matching(query));
    if (!ids) return undefined;
    await keep(wholeKey(query, version), version, wholeOf(ids));
    return wholeOf(ids);
  }

  async function sorted(query: PageQuery, version: number): Promise<LeadingRows> {
    const limit = sortedRowsOf(query);
    if (limit === Infinity) {
      const total = await sorting.countRows(query);
      if (offsetOf(query) >= total) return { ids: new BigUint64Array(0), complete: false, total };
      return sortAll(query, version);
    }
    return sorts.run(`${limit} ${leadingKey(query, version)}`, async () => {
      prepareBehindTheScenes(query.sortBy, version);
      sortsUnderWay += 1;
      const { ids, total } = await sorting.first(query, limit).finally(() => {
        sortsUnderWay -= 1;
      });
      const complete = ids.length < limit;
      if (complete && query.order === 'desc') ids.reverse();
      const rows = { ids, complete, total };
      await keep(complete ? wholeKey(query, version) : leadingKey(query, version), version, rows);
      return rows;
    });
  }

  async function ranked(query: PageQuery, version: number): Promise<LeadingRows> {
    const key = `${offsetOf(query)} ${query.pageSize} ${leadingKey(query, version)}`;
    return sorts.run(key, async () => (await filtered(query, version)) ?? sorted(query, version));
  }

  return {
    async find(query) {
      const version = await versionOf(table);
      const rows = known(query, version);
      const found = rows ? 'hit' : 'miss';
      cache.count(found);
      onRowIds?.(found);
      const forget = () => {
        for (const of of [query, { ...query, filter: [] }]) cache.delete(wholeKey(of, version));
        cache.delete(leadingKey(query, version));
      };
      if (rows) return { ...pageOf(rows, query), forget };
      const make = query.filter.length === 0 ? sorted : ranked;
      return { ...pageOf((await prepared(query, version)) ?? (await make(query, version)), query), forget };
    },
    async knows(query) {
      const version = await versionOf(table);
      if (known(query, version)) return 'page';
      return cache.get(wholeKey({ ...query, filter: [] }, version)) ? 'order' : 'nothing';
    },
    async idle() {
      await Promise.all(preparing.values());
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

const wholeKey = ({ sortBy, filter }: Pick<PageQuery, 'filter' | 'sortBy'>, version: number) =>
  `${version} ${sortBy} ${filterSql(filter) ?? ''}`;
const leadingKey = (query: PageQuery, version: number) => `${query.order} ${wholeKey(query, version)}`;

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
