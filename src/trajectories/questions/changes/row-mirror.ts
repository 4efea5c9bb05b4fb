import type { RecordBatch } from 'apache-arrow';
import { scanBatches, type Table } from '../../../lance/index.js';

/**
 * Keeps what it takes from the rows of a table in step with the table, reading data only of rows that have changed since
 * it looked last. A row id is the piece of data and the place in it; pieces never change, updated rows go to new pieces,
 * and the numbers of pieces only rise. So a row whose id is known is as it was: it is enough to compare the row ids,
 * which no data is read for (a million in some 50 ms). After a compaction all rows are new.
 * @source Lance format specification, "Fragments", "Deletion Files", "Row IDs"
 */

/** Holds what was taken from the rows, in the order in which they were taken. @source Lance format specification, "Fragments" */
export interface RowSink {
  /** Rows with the columns asked for, behind all others. */
  append(batch: RecordBatch): void;
  /** @param places of rows that are gone, rising; those behind them move up */
  remove(places: readonly number[]): void;
  clear(): void;
}

/** @source Lance format specification, "Fragments" */
export interface RowMirror {
  /**
   * Brings the sink in step with the version that the handle stands on; the handle must not move meanwhile.
   * @returns number of rows that were read
   * @throws what the database throws; the sink is empty then, and the next call reads everything
   */
  advance(): Promise<number>;
  /** Told which rows the sink holds that it did not get from here: their row ids, rising. */
  restore(rowIds: BigUint64Array): void;
  /** Empties the sink: the next call reads everything. */
  forget(): void;
}

const fewRows = 1000;
/** More at a time would hold other requests up. */
const rowsAtOnce = 4096;
const nothingKnown = { gone: [], fresh: [], freshCount: 0 };

/** @param columns that the sink needs @source Lance format specification, "Fragments" */
export function createRowMirror(table: Table, columns: readonly string[], sink: RowSink): RowMirror {
  /** The row ids of what was taken, rising. */
  let ids = new BigUint64Array(1024);
  let length = 0;
  let highest = -1n;

  function reset(): void {
    [length, highest] = [0, -1n];
    sink.clear();
  }

  function take(batch: RecordBatch): void {
    const taken = rowIds(batch);
    if (length + taken.length > ids.length) ids = extended(ids, Math.ceil((length + taken.length) * 1.5));
    for (const id of taken) {
      if (id <= highest) throw new Error('expected rows in the order of their row ids');
      highest = id;
      ids[length] = id;
      length += 1;
    }
    sink.append(batch);
  }

  async function takeAll(where?: string): Promise<void> {
    const query = table
      .query()
      .select([...columns])
      .withRowId();
    for await (const batch of scanBatches(where === undefined ? query : query.where(where), rowsAtOnce)) {
      if (batch.numRows > 0) take(batch);
    }
  }

  /** Reading a few rows by their ids does not look at the others, which a filter does. */
  async function takeFew(fresh: bigint[]): Promise<void> {
    const query = table
      .takeRowIds(fresh)
      .select([...columns])
      .withRowId();
    const { batches } = await query.toArrow();
    for (const batch of batches) if (batch.numRows > 0) take(batch);
  }

  /** Compares the row ids known with those of the table: both rise, so one pass tells which are gone and which new. */
  async function compare(): Promise<{ gone: number[]; fresh: bigint[]; freshCount: number }> {
    const gone: number[] = [];
    const fresh: bigint[] = [];
    let [at, freshCount] = [0, 0];
    for await (const batch of scanBatches(table.query().select([]).withRowId())) {
      const current = rowIds(batch);
      if (at + current.length <= length && isEqual(current, ids.subarray(at, at + current.length))) {
        at += current.length;
        continue;
      }
      for (const id of current) {
        for (; at < length && ids[at]! < id; at++) gone.push(at);
        if (at < length) at += 1;
        else {
          freshCount += 1;
          if (freshCount <= fewRows) fresh.push(id);
        }
      }
    }
    for (; at < length; at++) gone.push(at);
    return { gone, fresh, freshCount };
  }

  async function advance(): Promise<number> {
    const total = await table.countRows();
    const { gone, fresh, freshCount } = length === 0 ? nothingKnown : await compare();
    // Half of it again costs more than all of it anew.
    const isOther = gone.length > length / 2 || freshCount > length;
    if (isOther) reset();
    else if (gone.length > 0) {
      sink.remove(gone);
      removeAt(ids, gone, length);
      length -= gone.length;
    }
    const before = length;
    if (length === 0) await takeAll();
    else if (freshCount > fewRows) await takeAll(`_rowid > ${highest}`);
    else if (freshCount > 0) await takeFew(fresh);
    if (length !== total) throw new Error(`expected ${total} rows, got ${length}`);
    return length - before;
  }

  return {
    async advance() {
      try {
        return await advance();
      } catch (error) {
        reset();
        throw error;
      }
    },
    restore(rowIds) {
      ids = rowIds.slice();
      length = ids.length;
      highest = ids.at(-1) ?? -1n;
    },
    forget: reset,
  };
}

function rowIds(batch: RecordBatch): BigUint64Array {
  if (batch.numRows === 0) return new BigUint64Array(0);
  return batch.getChild('_rowid')!.data[0]!.values as BigUint64Array;
}

function isEqual(a: BigUint64Array, b: BigUint64Array): boolean {
  const bytes = (array: BigUint64Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return bytes(a).equals(bytes(b));
}

/** Any array of numbers. */
type Numbers = Uint8Array | Uint32Array | Float64Array | BigUint64Array;

/**
 * Removes some elements, moving those behind them up.
 * @param gone their places, rising
 * @param length how much of the array is in use
 * @source Lance format specification, "Deletion Files"
 */
export function removeAt(array: Numbers, gone: readonly number[], length: number): void {
  gone.forEach((place, i) => {
    array.copyWithin(place - i, place + 1, gone[i + 1] ?? length);
  });
}

/** A longer copy. @source Apache Arrow JavaScript documentation, "Table" */
export function extended<T extends Numbers>(array: T, length: number): T {
  const longer = new (array.constructor as new (length: number) => T)(length);
  longer.set(array as never);
  return longer;
}
