import { readFresh, type Table } from '../../lance/index.js';
import { ownSteps } from '../asked-query.js';
import { rowsOf } from './arrow-rows.js';
import { compareTexts, createFirstRows } from './order/first-rows.js';
import { offsetOf, type PageQuery, type RowPosition, type TrajectoryReader } from './page-query.js';
import { rowsBySeq } from './rows/rows-by-seq.js';
import { type Column, columnOfField, type ScalarColumn, type TrajectoryRow } from './trajectory-columns.js';
import { filterPredicate } from './trajectory-filter.baseline.js';

/** A row and its place among equals. @source product contract, Settled details ("`created_at`, then `seq`") */
export type StoredRow = TrajectoryRow & { seq: number };

const allColumns = [...new Set(columnOfField.values()), 'tags', 'record_json'] as readonly Column[];

/** Up to a page that ends here, rows are held whole; for a later one their places in the order are, and the page is read again. */
const heldRows = 10_000;

/**
 * Reads the original way: every row of the table whole, then filters, sorts and pages in memory. Never holds
 * more whole rows than {@link heldRows} and a page, so a large table makes it slow but not large.
 * @source trajectory-optimization 2.1
 */
export function createBaselineReader(table: Table): TrajectoryReader {
  async function readAll(each: (row: StoredRow) => void): Promise<void> {
    const columns = [...allColumns, 'seq'] as const;
    for await (const batch of table.query().select([...columns])) {
      for (const row of rowsOf(batch, columns as readonly Column[])) each(row as StoredRow);
    }
  }

  return {
    list: (query, columns) =>
      readFresh(table, async () => {
        const passes = filterPredicate(query.filter);
        const compare = comparator(query);
        const isBehind = behindPosition(query, compare);
        const needed = offsetOf(query) + query.pageSize + (query.walk ? 1 : 0);
        const isDeep = needed > heldRows;
        const first = createFirstRows<StoredRow>(needed, compare);
        let total = 0;
        await readAll((row) => {
          if (!passes(row)) return;
          total += 1;
          if (isBehind(row)) first.add(isDeep ? placed(row, query) : withOwnBytes(row));
        });
        const rows = first.rows().slice(offsetOf(query));
        const page = rows.slice(0, query.pageSize);
        const last = page.at(-1);
        const next = rows.length > page.length && last ? { next: positionOf(last, query) } : {};
        const seqs = page.map(({ seq }) => seq);
        const read = isDeep ? await rowsBySeq(table, seqs, columns) : page.map((row) => narrowed(row, columns));
        return { rows: read, total, ...next };
      }),
    get: (trajectoryId, columns) =>
      readFresh(table, async () => {
        let found: TrajectoryRow | undefined;
        await readAll((row) => {
          if (row.trajectory_id === trajectoryId) found ??= narrowed(withOwnBytes(row), columns);
        });
        return found;
      }),
    valueAt: (seq, column) =>
      readFresh(table, async () => {
        let found: RowPosition['value'] | undefined;
        await readAll((row) => {
          if (row.seq === seq) found = row[column];
        });
        return found;
      }),
    async explain({ sortBy, order }) {
      const sort = `sort in memory by ${sortBy} ${order}`;
      const plan = [ownSteps.readAll, ownSteps.filter, sort, ownSteps.page];
      return { plan, indexes: [], row_ids: 'off' };
    },
  };
}

const placed = ({ seq, ...row }: StoredRow, { sortBy }: PageQuery) => ({ seq, [sortBy]: row[sortBy] }) as StoredRow;

/** A view would keep the memory of the whole batch. */
const withOwnBytes = (row: StoredRow): StoredRow => ({ ...row, record_json: Uint8Array.from(row.record_json ?? []) });

function narrowed(row: TrajectoryRow, columns: readonly Column[]): TrajectoryRow {
  return Object.fromEntries(columns.map((column) => [column, row[column]])) as TrajectoryRow;
}

/** The order of a list, in memory. @source trajectory-optimization 2.1 */
export function comparator({ sortBy, order }: PageQuery): (a: StoredRow, b: StoredRow) => number {
  const sign = order === 'asc' ? 1 : -1;
  return (a, b) => sign * (compareValues(a[sortBy], b[sortBy]) || a.seq - b.seq);
}

/** Where a row stands in the order of a list. @source product contract, Settled details ("`?cursor=`") */
export const positionOf = (row: StoredRow, { sortBy }: PageQuery): RowPosition => ({
  value: row[sortBy]!,
  seq: row.seq,
});

/**
 * Whether a row comes after the place where a walk stands; all do where there is no such place.
 * @source product contract, Settled details ("`?cursor=`")
 */
export function behindPosition(
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
