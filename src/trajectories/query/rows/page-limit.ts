import { pageTooLarge } from '../../errors.js';
import type { LargestRecord } from '../../store/largest-record.js';

/**
 * How much text of records a page may hold, in bytes; how many rows are read for it at once, which are at most
 * {@link stepPages} such pages however large they are; and whether so many rows fit in, however large.
 * @source product contract, Promises 6
 */
export interface PageLimit {
  maxBytes: number;
  rowsAtOnce(): number;
  fits(rows: number): boolean;
}

/** One large record in a table of small ones should not make each page come row by row. */
const stepPages = 4;

/** @source product contract, Promises 6 */
export const defaultMaxPageBytes = 64 * 1024 * 1024;

/** For where it does not matter. @source product contract, Promises 6 */
export const noPageLimit: PageLimit = { maxBytes: Infinity, rowsAtOnce: () => Infinity, fits: () => true };

/** Until it is known how large records are. */
const rowsOfUnknownSize = 16;

/** @source product contract, Promises 6 */
export function createPageLimit(maxBytes: number, largest: Pick<LargestRecord, 'bytes'>): PageLimit {
  return {
    maxBytes,
    rowsAtOnce() {
      const bytes = largest.bytes();
      return bytes === undefined ? rowsOfUnknownSize : Math.max(1, Math.floor((stepPages * maxBytes) / bytes));
    },
    fits(rows) {
      const bytes = largest.bytes();
      return bytes !== undefined && rows * bytes <= maxBytes;
    },
  };
}

/** A list that parts can be taken of. */
interface Sliceable<Ids> {
  readonly length: number;
  slice(from: number, to: number): Ids;
}

/**
 * Takes rows in steps that memory has room for, as long as all together fit in. One row alone is always taken: there is no smaller page.
 * @param bytesOf the text of a row that was taken
 * @param parameter that makes a page smaller
 * @param otherwise what else does, to be read after that
 * @returns what `take` gave for all ids in their order; undefined when it gave that for some of them
 * @throws Problem PAGE_TOO_LARGE
 * @source product contract, Promises 6
 */
export async function takenInSteps<Row, Ids extends Sliceable<Ids>>(
  ids: Ids,
  limit: PageLimit,
  take: (ids: Ids) => Promise<Row[] | undefined>,
  bytesOf: (row: Row) => number,
  parameter: 'pageSize' | 'limit' = 'pageSize',
  otherwise = parameter === 'pageSize' ? ', or with fields= for what is not in their text' : '',
): Promise<Row[] | undefined> {
  const step = limit.rowsAtOnce();
  const taken: Row[] = [];
  let bytes = 0;
  for (let from = 0; from < ids.length; from += step) {
    const rows = await take(ids.length <= step ? ids : ids.slice(from, from + step));
    if (!rows) return undefined;
    for (const row of rows) {
      taken.push(row);
      bytes += bytesOf(row);
      if (bytes <= limit.maxBytes || ids.length === 1) continue;
      throw pageTooLarge({ maxBytes: limit.maxBytes, bytes, rows: taken.length, of: ids.length, parameter, otherwise });
    }
  }
  return taken;
}
