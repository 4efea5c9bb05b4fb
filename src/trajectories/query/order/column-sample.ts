import { readFresh, type Table } from '../../../lance/index.js';
import type { PageQuery } from '../page-query.js';
import { type IntegerColumn, integerColumns, type NumberColumn, numberColumns } from '../trajectory-columns.js';

/** Columns whose values can be sampled. @source product contract, Trajectories ("sorted page") */
export type SampledColumn = NumberColumn | IntegerColumn;

/**
 * Samples of columns, taken behind the scenes, from which follows roughly where the first rows of an order end. They
 * are guesses and may be old: who uses them checks what comes of it.
 * @source product contract, Optimisations (`native_query`)
 */
export interface ColumnSamples {
  /**
   * The value up to which, in the query's direction, about `share` (0..1) of all rows lie, counted from `after`.
   * @returns undefined when nothing is known yet, or when so many rows lie there that a bound is of no use
   */
  bound(column: SampledColumn, order: PageQuery['order'], share: number, after?: number): number | undefined;
  /** Resolves when no sample is being taken. */
  idle(): Promise<void>;
}

const sampleSize = 8192;
/** With fewer values than this before the bound, chance decides how many rows lie there. */
const leastValues = 8;
const greatestShare = 0.2;
/** A sample is taken anew once the number of rows has changed by this share. */
const staleShare = 0.1;

interface Sample {
  /** Ascending. */
  values: Float64Array;
  rows: number;
}

/**
 * @param smallestTable number of rows below which sorting all of them is as quick
 * @source product contract, Optimisations (`native_query`)
 */
export function createColumnSamples(table: Table, smallestTable: number): ColumnSamples {
  const samples = new Map<SampledColumn, Sample>();
  let taking: Promise<void> | undefined;

  async function take(column: SampledColumn): Promise<void> {
    try {
      const rows = await readFresh(table, () => table.countRows());
      const known = samples.get(column);
      if (rows < smallestTable) samples.delete(column);
      else if (!known || Math.abs(rows - known.rows) > rows * staleShare) {
        samples.set(column, { values: await sampledValues(table, column, rows), rows });
      }
    } catch {
      samples.delete(column);
    }
  }

  return {
    bound(column, order, share, after) {
      taking ??= take(column).finally(() => {
        taking = undefined;
      });
      const values = samples.get(column)?.values;
      return values && boundIn(values, order, share, after);
    },
    async idle() {
      await taking;
    },
  };
}

async function sampledValues(table: Table, column: SampledColumn, rows: number): Promise<Float64Array> {
  const stride = Math.max(1, Math.ceil(rows / sampleSize));
  const values: number[] = [];
  let passed = 0;
  for await (const batch of table.query().select([column])) {
    const all = batch.getChild(column)?.toArray() as Float64Array | Int32Array;
    for (let i = (stride - (passed % stride)) % stride; i < all.length; i += stride) values.push(all[i]!);
    passed += all.length;
  }
  return Float64Array.from(values).sort();
}

function boundIn(values: Float64Array, order: PageQuery['order'], share: number, after?: number): number | undefined {
  const count = values.length;
  const wanted = Math.max(leastValues, Math.ceil(share * count));
  if (order === 'asc') {
    const start = after === undefined ? 0 : placeOf(values, (value) => value >= after);
    const bound = values[start + wanted];
    if (bound === undefined) return undefined;
    return placeOf(values, (value) => value > bound) - start > count * greatestShare ? undefined : bound;
  }
  const end = after === undefined ? count : placeOf(values, (value) => value > after);
  const bound = values[end - 1 - wanted];
  if (bound === undefined) return undefined;
  return end - placeOf(values, (value) => value >= bound) > count * greatestShare ? undefined : bound;
}

/** The first place whose value passes; those behind it pass too. */
function placeOf(values: Float64Array, passes: (value: number) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(values[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether values of this column are numbers. @source product contract, Trajectories ("Record") */
export function isSampled(column: string): column is SampledColumn {
  return (numberColumns as readonly string[]).includes(column) || isInteger(column);
}

/** Whether values of this column are whole numbers of 32 bits. @source product contract, Trajectories ("Record") */
export function isInteger(column: string): column is IntegerColumn {
  return (integerColumns as readonly string[]).includes(column);
}
