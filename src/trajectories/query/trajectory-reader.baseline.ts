import { readFresh, type Table } from '../../lance/index.js';
import { ownSteps } from '../asked-query.js';
import { rowsOf } from './arrow-rows.js';
import { createLookReader } from './comparing/look-reader.js';
import { pageInMemory, type StoredRow } from './order/page-in-memory.js';
import { offsetOf, type PageQuery, type RowPosition, type TrajectoryReader } from './page-query.js';
import { noPageLimit, type PageLimit } from './rows/page-limit.js';
import { rowsBySeq } from './rows/rows-by-seq.js';
import { type Column, columnOfField, type TrajectoryRow } from './trajectory-columns.js';

const allColumns = [...new Set(columnOfField.values()), 'tags', 'record_json'] as readonly Column[];

/** Up to a page that ends here, rows are held whole; for a later one their places in the order are, and the page is read again. */
const heldRows = 10_000;
/** The most that a page has; the database hands about as many on at a time. */
const rowsReadAtOnce = 1000;

/**
 * Reads the original way: every row of the table whole, then filters, sorts and pages in memory. Never holds
 * more whole rows than {@link heldRows} and a page, so a large table makes it slow but not large; where records are so
 * large that those would not fit into memory, their texts are left out until the page is known.
 * @source trajectory-optimization 2.1
 */
export function createBaselineReader(table: Table, limit: PageLimit = noPageLimit): TrajectoryReader {
  const withoutTexts = createLookReader(table, limit);
  const fits = () => limit.fits(rowsReadAtOnce);

  async function readAll(each: (row: StoredRow) => void): Promise<void> {
    const columns = [...allColumns, 'seq'] as const;
    for await (const batch of table.query().select([...columns])) {
      for (const row of rowsOf(batch, columns as readonly Column[])) each(row as StoredRow);
    }
  }

  return {
    list(query, columns) {
      if (!fits()) return withoutTexts.list(query, columns);
      return readFresh(table, async () => {
        const isDeep = offsetOf(query) + query.pageSize > heldRows;
        const hold = (row: StoredRow) => (isDeep ? placed(row, query) : withOwnBytes(row));
        const { rows, ...page } = await pageInMemory(query, readAll, hold);
        const seqs = rows.map(({ seq }) => seq);
        return {
          ...page,
          rows: isDeep ? await rowsBySeq(table, seqs, columns) : rows.map((row) => narrowed(row, columns)),
        };
      });
    },
    get(trajectoryId, columns) {
      if (!fits()) return withoutTexts.get(trajectoryId, columns);
      return readFresh(table, async () => {
        let found: TrajectoryRow | undefined;
        await readAll((row) => {
          if (row.trajectory_id === trajectoryId) found ??= narrowed(withOwnBytes(row), columns);
        });
        return found;
      });
    },
    valueAt(seq, column) {
      if (!fits()) return withoutTexts.valueAt(seq, column);
      return readFresh(table, async () => {
        let found: RowPosition['value'] | undefined;
        await readAll((row) => {
          if (row.seq === seq) found = row[column];
        });
        return found;
      });
    },
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
