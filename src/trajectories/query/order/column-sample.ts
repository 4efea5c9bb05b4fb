import { readFresh, type Table } from '../../../lance/index.js';
import type { PageQuery } from '../page-query.js';
import { type IntegerColumn, integerColumns, type NumberColumn, numberColumns } from '../trajectory-columns.js';

/** Columns whose values can be sampled. @source product contract, Trajectories ("sorted page") */
export type SampledColumn = NumberColumn | IntegerColumn;

/**
 * A place in an order by value, then `seq`. Without `seq` it is behind all rows with the value.
 * @source product contract, Trajectories ("sorted page")
 */
export interface SampledPlace {
  value: number;
  seq?: number;
}

/**
 * Samples of columns, taken behind the scenes, from which follows roughly where the first rows of an order end. They
 * are guesses and may be old: who uses them checks what comes of it.
 * @source product contract, Optimisations (`native_query`)
 */
export interface ColumnSamples {
  /**
   * The place up to which, in the query's direction, about `share` (0..1) of all rows lie, counted from `after`. It is
   * among the rows of one value only where many rows share that value.
   * @returns undefined when nothing is known yet, or when so many rows lie there that a bound is of no use
   */
  bound(
    column: SampledColumn,
    order: PageQuery['order'],
    share: number,
    after?: Required<SampledPlace>,
  ): SampledPlace | undefined;
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
  /** Ascending by value, then by `seq`. */
  places: Required<SampledPlace>[];
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
        samples.set(column, { places: await sampledPlaces(table, column, rows), rows });
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
      const places = samples.get(column)?.places;
      return places && boundIn(places, order, share, after);
    },
    async idle() {
      await taking;
    },
  };
}

async function sampledPlaces(table: Table, column: SampledColumn, rows: number): Promise<Required<SampledPlace>[]> {
  const stride = Math.max(1, Math.ceil(rows / sampleSize));
  const places: Required<SampledPlace>[] = [];
  let passed = 0;
  for await (const batch of table.query().select([column, 'seq'])) {
    const values = batch.getChild(column)?.toArray() as Float64Array | Int32Array;
    const seqs = batch.getChild('seq')?.toArray() as Float64Array;
    for (let i = (stride - (passed % stride)) % stride; i < values.length; i += stride) {
      places.push({ value: values[i]!, seq: seqs[i]! });
    }
    passed += values.length;
  }
  return places.sort(compare);
}

const compare = (a: Required<SampledPlace>, b: Required<SampledPlace>) => a.value - b.value || a.seq - b.seq;

function boundIn(
  places: readonly Required<SampledPlace>[],
  order: PageQuery['order'],
  share: number,
  after?: Required<SampledPlace>,
): SampledPlace | undefined {
  const count = places.length;
  const wanted = Math.max(leastValues, Math.ceil(share * count));
  if (wanted > count * greatestShare) return undefined;
  const isRising = order === 'asc';
  const start = isRising ? 0 : count;
  const from = after
    ? placeOf(places, (place) => (isRising ? compare(place, after) >= 0 : compare(place, after) > 0))
    : start;
  const bound = places[isRising ? from + wanted : from - 1 - wanted];
  if (bound === undefined) return undefined;
  const { value } = bound;
  const end = placeOf(places, (place) => (isRising ? place.value > value : place.value >= value));
  return Math.abs(end - from) > count * greatestShare ? bound : { value };
}

/** The first place that passes; those behind it pass too. */
function placeOf(
  places: readonly Required<SampledPlace>[],
  passes: (place: Required<SampledPlace>) => boolean,
): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(places[middle]!)) high = middle;
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
