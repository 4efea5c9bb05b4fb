import {
  fewRows,
  type IndexSwitch,
  numberLiteral,
  readFresh,
  stringLiteral,
  type Table,
  withoutIndex,
} from '../../lance/index.js';
import { ownSteps } from '../asked-query.js';
import { rowIdsOf, rowsOf } from './arrow-rows.js';
import { createLeadingRows, sortedRowsOf } from './order/leading-rows.js';
import type { RowIdCache } from './order/row-id-cache.js';
import { createSorting } from './order/sorting.js';
import type { Page, PageQuery, TrajectoryReader } from './page-query.js';
import { type KeptValues, notKept, takesKept } from './rows/kept-values.js';
import type { PageLimit } from './rows/page-limit.js';
import { createRowTaker } from './rows/row-taker.js';
import type { Column, TrajectoryRow } from './trajectory-columns.js';

/**
 * `rowIds` keeps the orders that were worked out; `onRowIds` is told for each page whether its order was known already.
 * @source product contract, Optimisations (`native_query`)
 */
export interface TrajectoryReaderOptions {
  table: Table;
  rowIds: RowIdCache;
  onRowIds?(found: 'hit' | 'miss'): void;
  /** The small columns of rows, where they are kept. */
  kept?: KeptValues;
  /** Number of rows from which sorts are bounded by samples of their column; below, sorting all rows is as quick. */
  smallestSampledTable?: number;
  /** Tells orders that were found by indexes from those that were not, where the table's indexes are switched. */
  indexes?: IndexSwitch;
  /** False: filters look at every row, as if there were no scalar index. */
  usesIndexes?: boolean;
  /** How much text a page may hold; any amount when left out. */
  limit?: PageLimit;
}

interface FoundRow {
  row: TrajectoryRow;
  id: bigint;
}

const tries = 4;

/**
 * Reads pages inside the database: the order is worked out over the sort column, `seq` and the row id alone (its cost
 * follows the bytes selected), the page is then taken by row id. Orders are kept per table version, filter and sort,
 * so that following pages only take. Row ids are never given out: an update changes them.
 * @source trajectory-optimization 2.2-A; LanceDB documentation, "Query"
 */
export function createTrajectoryReader({
  table,
  rowIds: cache,
  onRowIds,
  kept,
  smallestSampledTable = 20_000,
  indexes,
  usesIndexes = true,
  limit,
}: TrajectoryReaderOptions): TrajectoryReader {
  const sorting = createSorting(table, smallestSampledTable, usesIndexes);
  const leadingRows = createLeadingRows({ table, cache, sorting, indexes, onRowIds });
  const taker = createRowTaker(table, kept, limit);

  async function listPage(query: PageQuery, columns: readonly Column[]): Promise<Page | undefined> {
    const { ids, total, forget } = await leadingRows.find(query);
    const rows = await taker.take(ids, columns);
    if (rows) return { rows, total };
    forget();
    return undefined;
  }

  /** A walk asks each order once, so nothing is kept. One row more than asked for tells whether any follow. */
  async function walkOn(query: PageQuery, columns: readonly Column[]): Promise<Page | undefined> {
    const { ids, total, positionOf } = await sorting.first(query, query.pageSize + 1);
    const page = ids.subarray(0, query.pageSize);
    const rows = await taker.take(page, columns);
    if (!rows) return undefined;
    return ids.length > page.length ? { rows, total, next: positionOf(page.length - 1) } : { rows, total };
  }

  async function findRow(trajectoryId: string, columns: readonly Column[]): Promise<FoundRow | undefined> {
    const condition = `trajectory_id = ${stringLiteral(trajectoryId)}`;
    const where = usesIndexes ? condition : withoutIndex(condition);
    const [found] = await readFresh(table, () =>
      fewRows(
        table
          .query()
          .where(where)
          .select([...columns])
          .withRowId()
          .limit(1),
        1,
      ),
    );
    const [row] = found ? rowsOf(found, columns) : [];
    return row && found && { row, id: rowIdsOf(found)[0]! };
  }

  return {
    async list(query, columns) {
      for (let attempt = 1; attempt <= tries; attempt++) {
        const page = query.walk ? await walkOn(query, columns) : await listPage(query, columns);
        if (page) return page;
      }
      throw new Error(`rows of the page moved during each of ${tries} readings`);
    },
    async get(trajectoryId, columns) {
      const isWhole = kept !== undefined && takesKept(columns);
      if (isWhole && kept.isLikely) {
        const found = await findRow(trajectoryId, notKept(columns));
        if (!found) return undefined;
        const values = kept.of(found.id);
        if (values) return { ...found.row, ...values };
      }
      const found = await findRow(trajectoryId, columns);
      if (isWhole && found && !kept.of(found.id)) kept.learn([found.id], [found.row]);
      return found?.row;
    },
    async valueAt(seq, column) {
      const where = `seq = ${numberLiteral(seq)}`;
      const found = await readFresh(table, () => table.query().where(where).select([column]).limit(1).toArrow());
      return rowsOf(found, [column])[0]?.[column];
    },
    async explain(query, isAfresh = false) {
      const taking = ownSteps.take;
      const row_ids = query.walk || cache.statistics().max_bytes === 0 ? 'off' : 'miss';
      const known = query.walk || isAfresh ? 'nothing' : await leadingRows.knows(query);
      if (known === 'page') return { plan: [taking], indexes: [], row_ids: 'hit' };
      if (known === 'values') return { plan: [ownSteps.values, taking], indexes: [], row_ids };
      const steps =
        known === 'order'
          ? [...(await sorting.explainMatching(query)), ownSteps.order]
          : await sorting.explain(query, query.walk ? query.pageSize + 1 : sortedRowsOf(query));
      const used = [...steps.join('\n').matchAll(/@(\w+)_idx\((\w+)\)/g)];
      const indexes = used.map(([, column = '', kind = '']) => ({ column, kind: kind.toLowerCase() }));
      return { plan: [...steps, taking], indexes, row_ids };
    },
  };
}
