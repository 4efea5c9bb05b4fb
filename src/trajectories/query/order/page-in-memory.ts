import { offsetOf, type PageQuery, type RowPosition } from '../page-query.js';
import type { ScalarColumn, TrajectoryRow } from '../trajectory-columns.js';
import { filterPredicate } from '../trajectory-filter.baseline.js';
import { compareTexts, createFirstRows } from './first-rows.js';

/** A row and its place among equals. @source product contract, Settled details ("`created_at`, then `seq`") */
export type StoredRow = TrajectoryRow & { seq: number };

/**
 * The page of a query, its total and where a walk goes on, by filtering and sorting in memory.
 * @param readAll hands over every row, with what the query looks at
 * @param hold what is kept of a row that may be on the page; it needs the value sorted by, and `seq`
 * @source trajectory-optimization 2.1
 */
export async function pageInMemory(
  query: PageQuery,
  readAll: (each: (row: StoredRow) => void) => Promise<void>,
  hold: (row: StoredRow) => StoredRow,
): Promise<{ rows: StoredRow[]; total: number; next?: RowPosition }> {
  const passes = filterPredicate(query.filter);
  const compare = comparator(query);
  const isBehind = behindPosition(query, compare);
  // A row more tells a walk whether there is more.
  const first = createFirstRows(offsetOf(query) + query.pageSize + (query.walk ? 1 : 0), compare);
  let total = 0;
  await readAll((row) => {
    if (!passes(row)) return;
    total += 1;
    if (isBehind(row)) first.add(hold(row));
  });
  const found = first.rows().slice(offsetOf(query));
  const rows = found.slice(0, query.pageSize);
  const last = rows.at(-1);
  return { rows, total, ...(found.length > rows.length && last && { next: positionOf(last, query) }) };
}

function comparator({ sortBy, order }: PageQuery): (a: StoredRow, b: StoredRow) => number {
  const sign = order === 'asc' ? 1 : -1;
  return (a, b) => sign * (compareValues(a[sortBy], b[sortBy]) || a.seq - b.seq);
}

const positionOf = (row: StoredRow, { sortBy }: PageQuery): RowPosition => ({
  value: row[sortBy]!,
  seq: row.seq,
});

/** Whether a row comes after the place where a walk stands; all do where there is no such place. */
function behindPosition(
  { sortBy, walk }: PageQuery,
  compare: (a: StoredRow, b: StoredRow) => number,
): (row: StoredRow) => boolean {
  const after = walk?.after;
  if (!after) return () => true;
  const place = { [sortBy]: after.value, seq: after.seq } as StoredRow;
  return (row) => compare(row, place) > 0;
}

function compareValues(a: TrajectoryRow[ScalarColumn], b: TrajectoryRow[ScalarColumn]): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  return Number(a) - Number(b);
}
