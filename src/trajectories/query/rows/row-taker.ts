import { setImmediate } from 'node:timers/promises';
import { fewRows, readFresh, type Table } from '../../../lance/index.js';
import { rowsOf } from '../arrow-rows.js';
import type { Column, TrajectoryRow } from '../trajectory-columns.js';
import { type KeptValues, notKept, type RowValues, takesKept } from './kept-values.js';
import { noPageLimit, type PageLimit, takenInSteps } from './page-limit.js';

/**
 * Takes rows by row id. Who asks while others are being read is read together with all who wait: most of the cost of a
 * reading does not depend on how many rows it is for. Row ids name rows that never change, so it does not matter
 * which version of the table is read.
 * @source product contract, Optimisations (`native_query`); LanceDB documentation, "Query" (takeRowIds)
 */
export interface RowTaker {
  /**
   * @returns the rows in the order given; undefined when one of them has moved or is gone
   * @throws Problem PAGE_TOO_LARGE
   */
  take(ids: BigUint64Array, columns: readonly Column[]): Promise<TrajectoryRow[] | undefined>;
}

interface Asking {
  ids: BigUint64Array;
  columns: readonly Column[];
  resolve(rows: TrajectoryRow[] | undefined): void;
  reject(error: unknown): void;
}

/** One reading decodes on one core for the most part. */
const readingsAtOnce = 2;
/** Bounds the time of one reading, unless one asking alone is larger. */
const maxRowsAtOnce = 400;

/**
 * Nothing is read until somebody asks.
 * @param limit bounds the memory of one asking, and of those that are read together
 * @param kept where it knows the small columns of all rows asked for, those are not read
 * @source product contract, Optimisations (`native_query`)
 */
export function createRowTaker(table: Table, kept?: KeptValues, limit: PageLimit = noPageLimit): RowTaker {
  let waiting: Asking[] = [];
  let reading = 0;

  /** The oldest asking, and all that fit in with it. */
  function nextTogether(): Asking[] {
    const [first] = waiting;
    if (!first) return [];
    if (waiting.length === 1) {
      waiting = [];
      return [first];
    }
    const most = Math.min(maxRowsAtOnce, limit.rowsAtOnce());
    const together: Asking[] = [];
    const others: Asking[] = [];
    let rows = 0;
    for (const asking of waiting) {
      const fits = asking === first || (rows + asking.ids.length <= most && haveSameColumns(asking, first));
      (fits ? together : others).push(asking);
      if (fits) rows += asking.ids.length;
    }
    waiting = others;
    return together;
  }

  async function readOn(): Promise<void> {
    reading += 1;
    // Those who ask in the same turn of the event loop are read together.
    await setImmediate();
    for (let together = nextTogether(); together.length > 0; together = nextTogether()) await serve(together);
    reading -= 1;
  }

  /** Where one asking spoils the reading of several, each of them is read alone. */
  async function serve(together: readonly Asking[]): Promise<void> {
    try {
      const found = await read(together);
      if (found || together.length === 1) {
        for (const [i, asking] of together.entries()) asking.resolve(found?.[i]);
        return;
      }
    } catch (error) {
      if (together.length === 1) {
        together[0]?.reject(error);
        return;
      }
    }
    for (const asking of together) await serve([asking]);
  }

  async function read(together: readonly Asking[]): Promise<TrajectoryRow[][] | undefined> {
    const columns = together[0]?.columns ?? [];
    const rising = Array.from(risingUnion(together.map(({ ids }) => ids)));
    const known = kept && takesKept(columns) ? valuesOf(kept, rising) : undefined;
    const read = known ? notKept(columns) : [...columns];
    const batches = await readFresh(table, () => fewRows(table.takeRowIds(rising).select(read), rising.length));
    const rows = batches.flatMap((batch) => rowsOf(batch, read));
    if (rows.length < rising.length) return undefined;
    if (known) for (const [i, row] of rows.entries()) Object.assign(row, known[i]);
    else if (takesKept(columns)) kept?.learn(rising, rows);
    const places = new Map(rising.map((id, place) => [id, place] as const));
    return together.map(({ ids }) => Array.from(ids, (id) => rows[places.get(id) ?? -1] ?? {}));
  }

  function ask(ids: BigUint64Array, columns: readonly Column[]): Promise<TrajectoryRow[] | undefined> {
    return new Promise((resolve, reject) => {
      waiting.push({ ids, columns, resolve, reject });
      if (reading < readingsAtOnce) void readOn();
    });
  }

  return {
    async take(ids, columns) {
      if (ids.length === 0) return [];
      if (!columns.includes('record_json')) return ask(ids, columns);
      return takenInSteps(ids, limit, (some) => ask(some, columns), textBytes);
    },
  };
}

/** @source product contract, Promises 6 */
export const textBytes = (row: TrajectoryRow): number => row.record_json?.length ?? 0;

/** @returns undefined unless those of all are known */
function valuesOf(kept: KeptValues, ids: readonly bigint[]): RowValues[] | undefined {
  const known: RowValues[] = [];
  for (const id of ids) {
    const values = kept.of(id);
    if (!values) return undefined;
    known.push(values);
  }
  return known;
}

const haveSameColumns = (one: Asking, other: Asking) => one.columns.join() === other.columns.join();

/** The database gives rows in the order of their ids, and each once. */
function risingUnion(parts: readonly BigUint64Array[]): BigUint64Array {
  const all = new BigUint64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  all.sort();
  return all.filter((id, i) => i === 0 || id !== all[i - 1]);
}
