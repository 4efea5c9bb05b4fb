import { type BytesCache, createBytesCache } from '../cache/bytes-cache.js';
import type { BoundedColumn } from './bounded-rows.js';

/**
 * The leading rows of one order over one filter: their row ids, whether these are all of them, and how many rows pass
 * the filter. Where they are all of them, they are in rising order, and read backwards for the falling one; and values of
 * some columns may be known, in the same order.
 * @source product contract, Optimisations (`native_query`)
 */
export interface LeadingRows {
  ids: BigUint64Array;
  complete: boolean;
  total: number;
  values?: ReadonlyMap<BoundedColumn, Float64Array>;
}

/**
 * Keeps orders that were worked out, up to a number of bytes. Keys hold the table's version, so an entry never answers
 * for other data than it was made from.
 * @source product contract, Promises 6 ("caches by bytes")
 */
export type RowIdCache = BytesCache<LeadingRows>;

/**
 * Memory that an order takes for each row: its id, and its rank once a filter was put in order by it.
 * @source product contract, Promises 6 ("caches by bytes")
 */
export const bytesPerRow = 12;

/**
 * Memory that the values of one column take for each row.
 * @source product contract, Promises 6 ("caches by bytes")
 */
export const bytesPerValue = 8;

/**
 * Memory that an order takes.
 * @source product contract, Promises 6 ("caches by bytes")
 */
export const orderBytes = ({ ids, values }: Pick<LeadingRows, 'ids' | 'values'>): number =>
  (bytesPerRow + bytesPerValue * (values?.size ?? 0)) * ids.length;

/**
 * @param maxBytes asked on each use, since an operator may change it; 0 keeps nothing
 * @source product contract, Optimisations (`native_query`)
 */
export function createRowIdCache(maxBytes: () => number): RowIdCache {
  return createBytesCache<LeadingRows>({ maxBytes, bytesOf: orderBytes });
}
