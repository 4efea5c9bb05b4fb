import { scanBatches, type Table } from '../../../lance/index.js';
import { rowIdsOf } from '../arrow-rows.js';
import type { BoundedColumn } from './bounded-rows.js';
import { orderBytes, type RowIdCache } from './row-id-cache.js';
import { placesIn } from './row-order.js';

/** Reading a column of all rows costs about as much as so many counts of rows within bounds. */
const countsWorthColumn = 4;
const mostMissed = 100;

/**
 * Brings the values of columns into memory, in orders of all rows that are kept there. They are kept, and go, with the order.
 * @source product contract, Optimisations (`native_query`)
 */
export interface ColumnValues {
  /**
   * The values would have told the rows of a filter. Missed a few times they are read, behind the scenes.
   * @param orderKey under which the cache has the order of all rows
   * @param isCurrent whether the order is still that of the table
   */
  missed(column: BoundedColumn, orderKey: string, isCurrent: () => Promise<boolean>): void;
  /** Resolves when nothing is being read. */
  idle(): Promise<void>;
}

/** @source product contract, Optimisations (`native_query`) */
export function createColumnValues({ table, cache }: { table: Table; cache: RowIdCache }): ColumnValues {
  let times = new Map<string, number>();
  const reading = new Map<string, Promise<void>>();

  async function read(column: BoundedColumn, orderKey: string, isCurrent: () => Promise<boolean>): Promise<void> {
    const order = cache.get(orderKey)?.ids;
    const values = order && (await valuesInOrder(table, column, order));
    const now = cache.get(orderKey);
    if (!values || now?.ids !== order || !(await isCurrent())) return;
    const more = { ...now, values: new Map(now.values).set(column, values) };
    // Larger than this it would not be kept, nor the order without it.
    if (orderBytes(more) <= cache.statistics().max_bytes / 3) cache.set(orderKey, more);
  }

  return {
    missed(column, orderKey, isCurrent) {
      const key = `${orderKey} ${column}`;
      if (reading.has(key)) return;
      const missed = (times.get(key) ?? 0) + 1;
      // Most are of versions that are gone.
      if (times.size > mostMissed) times = new Map();
      times.set(key, missed % countsWorthColumn);
      if (missed < countsWorthColumn) return;
      const done = read(column, orderKey, isCurrent)
        .catch(() => {})
        .finally(() => reading.delete(key));
      reading.set(key, done);
    },
    async idle() {
      await Promise.all(reading.values());
    },
  };
}

/** @returns undefined when the rows are not those of the order any more */
async function valuesInOrder(
  table: Table,
  column: BoundedColumn,
  order: BigUint64Array,
): Promise<Float64Array | undefined> {
  const values = new Float64Array(order.length);
  let rows = 0;
  for await (const batch of scanBatches(table.query().select([column]).withRowId())) {
    const places = placesIn(order, rowIdsOf(batch));
    const read = batch.getChild(column)?.toArray() as Float64Array | Int32Array | undefined;
    if (!places || !read) return undefined;
    for (let i = 0; i < places.length; i++) values[places[i]!] = read[i]!;
    rows += places.length;
  }
  return rows === order.length ? values : undefined;
}
