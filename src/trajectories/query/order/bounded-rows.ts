import type { PageQuery } from '../page-query.js';
import type { IntegerColumn, NumberColumn } from '../trajectory-columns.js';
import type { TrajectoryFilter } from '../trajectory-filter.js';
import type { LeadingRows } from './row-id-cache.js';

/**
 * Filters of bounds on numbers, told from values in memory that lie in the order of all rows: one pass over them counts the
 * rows that pass and meets the first ones. A bound is another one each time, so no index has kept an answer to it.
 */

/** @source product contract, Trajectories ("filters") */
export type BoundedColumn = NumberColumn | IntegerColumn;

/** Bounds included. @source product contract, Trajectories ("filters") */
export interface Bounds {
  column: BoundedColumn;
  min: number;
  max: number;
}

/**
 * @returns the conditions of a filter of nothing but bounds, undefined for any other
 * @source product contract, Trajectories ("filters")
 */
export function boundsOf(filter: TrajectoryFilter): readonly Bounds[] | undefined {
  const bounds: Bounds[] = [];
  for (const condition of filter) {
    if (condition.test !== 'between' && condition.test !== 'between_whole') return undefined;
    const { column, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = condition;
    bounds.push({ column, min, max });
  }
  return bounds;
}

/**
 * The first rows within bounds, and how many there are.
 * @param all the order of all rows
 * @param most number of rows wanted
 * @returns undefined where the values of a column are not known
 * @source product contract, Optimisations (`native_query`)
 */
export function rowsWithin(
  all: LeadingRows,
  bounds: readonly Bounds[],
  order: PageQuery['order'],
  most: number,
): LeadingRows | undefined {
  const columns: Column[] = [];
  for (const { column, min, max } of bounds) {
    const values = all.values?.get(column);
    if (!values) return undefined;
    columns.push({ values, min, max });
  }
  const passes = (place: number) =>
    columns.every(({ values, min, max }) => values[place]! >= min && values[place]! <= max);
  const [first, ...others] = columns;
  const total = first ? countWithin(first, others) : all.ids.length;
  const ids = new BigUint64Array(Math.min(most, total));
  const last = all.ids.length - 1;
  for (let i = 0, found = 0; found < ids.length; i++) {
    const place = order === 'asc' ? i : last - i;
    if (passes(place)) ids[found++] = all.ids[place]!;
  }
  return { ids, complete: false, total };
}

interface Column extends Omit<Bounds, 'column'> {
  values: Float64Array;
}

/** A loop over one array at a time, without a branch to be guessed, takes a nanosecond or two a row. */
function countWithin({ values, min, max }: Column, others: readonly Column[]): number {
  let count = 0;
  if (others.length === 0) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      count += Number(value >= min) & Number(value <= max);
    }
    return count;
  }
  const marks = new Uint8Array(values.length).fill(1);
  for (const column of [{ values, min, max }, ...others]) mark(column, marks);
  for (let i = 0; i < marks.length; i++) count += marks[i]!;
  return count;
}

/** Takes the marks off the rows outside the bounds. */
function mark({ values, min, max }: Column, marks: Uint8Array): void {
  for (let i = 0; i < marks.length; i++) {
    const value = values[i]!;
    marks[i]! &= Number(value >= min) & Number(value <= max);
  }
}
