import { readFresh, scanBatches, type Table } from '../../../lance/index.js';
import { rowsOf } from '../arrow-rows.js';
import { pageInMemory, type StoredRow } from '../order/page-in-memory.js';
import type { TrajectoryReader } from '../page-query.js';
import { noPageLimit, type PageLimit } from '../rows/page-limit.js';
import { rowsBySeq } from '../rows/rows-by-seq.js';
import type { Column } from '../trajectory-columns.js';
import type { TrajectoryCondition } from '../trajectory-filter.js';

/**
 * Answers as the original way does, from the same tests and the same order in memory, but reads of each row only the columns
 * that the query looks at, and whole rows for the page alone. The database sorts, filters and counts nothing, no index is
 * used, and rows are found by `seq`. Where records are large this is many times less work: its answers tell a wrong page
 * from a right one as well, its times say nothing.
 * @source product contract, Optimisations (`native_query`, `verification.sample_rate`)
 */
export function createLookReader(
  table: Table,
  limit: PageLimit = noPageLimit,
): Pick<TrajectoryReader, 'list' | 'get' | 'valueAt'> {
  async function readAll(columns: readonly Column[], each: (row: StoredRow) => void): Promise<void> {
    const wanted = [...new Set([...columns, 'seq'])];
    for await (const batch of scanBatches(table.query().select(wanted))) {
      for (const row of rowsOf(batch, wanted as Column[])) each(row as StoredRow);
    }
  }

  return {
    list: (query, columns) =>
      readFresh(table, async () => {
        const looksAt = [...query.filter.flatMap(columnsOf), query.sortBy];
        const { rows, ...page } = await pageInMemory(
          query,
          (each) => readAll(looksAt, each),
          (row) => row,
        );
        const seqs = rows.map(({ seq }) => seq);
        return { ...page, rows: await rowsBySeq(table, seqs, columns, limit) };
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

const columnsOf = (condition: TrajectoryCondition): readonly Column[] =>
  condition.test === 'contains' ? condition.columns : [condition.column];
