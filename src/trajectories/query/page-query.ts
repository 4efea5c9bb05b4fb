import type { Column, ScalarColumn, TrajectoryRow } from './trajectory-columns.js';
import type { TrajectoryFilter } from './trajectory-filter.js';

/**
 * A page of trajectories: which, in what order, which part. `page` from 1; equal sort values are ordered by `seq` in
 * the same direction, so pages never overlap.
 * @source product contract, Trajectories ("GET /api/trajectories")
 */
export interface PageQuery {
  filter: TrajectoryFilter;
  sortBy: ScalarColumn;
  order: 'asc' | 'desc';
  page: number;
  pageSize: number;
  /** A walk over all rows: where the page before ended, nothing at its start. `page` is 1 then. */
  walk?: { after?: RowPosition };
  /** Read early, for whoever will ask: not counted as an asking. */
  isUnasked?: boolean;
}

/**
 * Where a row stands in an order: its value in the sort column, and its `seq`.
 * @source product contract, Settled details ("`?cursor=`")
 */
export interface RowPosition {
  value: string | number | boolean;
  seq: number;
}

/**
 * One page, and how many rows there are on all of them.
 * @source product contract, Trajectories ("total is exact for every filter")
 */
export interface Page {
  rows: TrajectoryRow[];
  /** Number of rows that pass the filter, on all pages. */
  total: number;
  /** In a walk: where this page ended; absent when nothing follows. */
  next?: RowPosition;
}

/**
 * How a page would be read now: the steps, the indexes used, and whether its order is known already.
 * @source product contract, Trajectories ("`explain=true` tells plan, index, cache")
 */
export interface ReadingPlan {
  plan: string[];
  indexes: { column: string; kind: string }[];
  row_ids: 'hit' | 'miss' | 'off';
}

/**
 * What both ways of reading offer. Rows carry exactly the columns asked for.
 * @source trajectory-optimization 2.2-A
 */
export interface TrajectoryReader {
  list(query: PageQuery, columns: readonly Column[]): Promise<Page>;
  get(trajectoryId: string, columns: readonly Column[]): Promise<TrajectoryRow | undefined>;
  /** The value that the row with this `seq` has in a column; undefined when there is no such row. */
  valueAt(seq: number, column: ScalarColumn): Promise<RowPosition['value'] | undefined>;
  /** @param isAfresh as if no order were known */
  explain(query: PageQuery, isAfresh?: boolean): Promise<ReadingPlan>;
}

/**
 * How many rows lie before the page.
 * @source product contract, Trajectories ("page>=1, pageSize 1..1000")
 */
export const offsetOf = (query: PageQuery): number => (query.page - 1) * query.pageSize;
