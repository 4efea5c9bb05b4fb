import { readFresh, scanBatches, type Table } from '../../../lance/index.js';
import { rowsOf } from '../arrow-rows.js';
import { createFirstRows } from '../order/first-rows.js';
import { offsetOf, type PageQuery, type TrajectoryReader } from '../page-query.js';
import { rowsBySeq } from '../rows/rows-by-seq.js';
import type { Column } from '../trajectory-columns.js';
import { filterPredicate } from '../trajectory-filter.baseline.js';
import type { TrajectoryCondition } from '../trajectory-filter.js';
import { behindPosition, comparator, positionOf, type StoredRow } from '../trajectory-reader.baseline.js';

/**
 * Answers as the original way does, from the same tests and the same order in memory, but reads of each row only the columns
 * that the query looks at, and whole rows for the page alone. The database sorts, filters and counts nothing, no index is
 * used, and rows are found by `seq`. Where records are large this is many times less work: its answers tell a wrong page
 * from a right one as well, its times say nothing.
 * @source product contract, Optimisations (`native_query`, `verification.sample_rate`)
 */
export function createLookReader(table: Table): Pick<TrajectoryReader, 'list' | 'get' | 'valueAt'> {
  async function readAll(columns: readonly Column[], each: (row: StoredRow) => void): Promise<void> {
    const wanted = [...new Set([...columns, 'seq'])];
    for await (const batch of scanBatches(table.query().select(wanted))) {
      for (const row of rowsOf(batch, wanted as Column[])) each(row as StoredRow);
    }
  }

  return {
    list: (query, columns) =>
      readFresh(table, async () => {
        const passes = filterPredicate(query.filter);
        const compare = comparator(query);
        const isBehind = behindPosition(query, compare);
        const needed = offsetOf(query) + query.pageSize + (query.walk ? 1 : 0);
        const first = createFirstRows(needed, compare);
        let total = 0;
        await readAll([...query.filter.flatMap(columnsOf), query.sortBy], (row) => {
          if (!passes(row)) return;
          total += 1;
          if (isBehind(row)) first.add(row);
        });
        const ordered = first.rows().slice(offsetOf(query));
        const page = ordered.slice(0, query.pageSize);
        const rows = await rowsBySeq(
          table,
          page.map(({ seq }) => seq),
          columns,
        );
        return { rows, total, ...nextOf(ordered, page, query) };
      }),
    get: (trajectoryId, columns) =>
      readFresh(table, async () => {
        let seq: number | undefined;
        await readAll(['trajectory_id'], (row) => {
          if (row.trajectory_id === trajectoryId) seq ??= row.seq;
        });
        return seq === undefined ? undefined : (await rowsBySeq(table, [seq], columns))[0];
      }),
    valueAt: (seq, column) => readFresh(table, async () => (await rowsBySeq(table, [seq], [column]))[0]?.[column]),
  };
}

/** Where a walk goes on; only a walk reads one row more than its page. */
function nextOf(ordered: readonly StoredRow[], page: readonly StoredRow[], query: PageQuery) {
  const last = page.at(-1);
  return ordered.length > page.length && last ? { next: positionOf(last, query) } : {};
}

const columnsOf = (condition: TrajectoryCondition): readonly Column[] =>
  condition.test === 'contains' ? condition.columns : [condition.column];
