import type { RecordBatch, Vector } from 'apache-arrow';
import { LRUCache } from 'lru-cache';
import { readFresh, scanBatches, type Table } from '../../../lance/index.js';
import { rowIdsOf } from '../arrow-rows.js';
import type { Column, TrajectoryRow } from '../trajectory-columns.js';

/**
 * Keeps the small columns of rows, so that a page reads the texts of its records and nothing else: each column read adds
 * a third of a millisecond to a page. A row id names a row that never changes (an update makes a new one, and ids are
 * never used twice), so what is kept can be useless, when its row is gone, but never wrong, and no change of the table
 * has to be noticed. All rows are read at once when that is asked for, or when pages that had to read these columns
 * have cost as much; rows that came later are kept as they are read.
 */

/** The columns kept: all of a whole row but its text. @source product contract, Trajectories ("each row") */
export const keptColumns = ['tags', 'notes', 'is_bookmarked', 'updated_at', 'step_count', 'is_success'] as const;

/** The values of one row in {@link keptColumns}; not to be changed. @source product contract, Trajectories ("each row") */
export type RowValues = Required<Pick<TrajectoryRow, (typeof keptColumns)[number]>>;

/** The small columns of rows, by row id. @source product contract, Optimisations (`native_query`) */
export interface KeptValues {
  /** @returns undefined when they are not known */
  of(id: bigint): RowValues | undefined;
  /** Whether a row that is asked for next is likely known. */
  readonly isLikely: boolean;
  /** Told of rows that had to be read with these columns. */
  learn(ids: ArrayLike<bigint>, rows: readonly TrajectoryRow[]): void;
  /** Reads all rows, where they fit into memory. Those who come meanwhile share one reading. */
  fill(): Promise<void>;
  /** Bytes of memory held, about. */
  bytes(): number;
  /** Resolves when nothing is under way behind the scenes. */
  idle(): Promise<void>;
}

/** The table, and the memory for what is kept, in bytes. @source product contract, Promises 6 ("caches by bytes") */
export interface KeptValuesOptions {
  table: Table;
  maxBytes?: number;
}

/** Reading the columns of all rows costs, for each so many rows, about what one page of them costs. */
const rowsWorthPage = 3000;
const leastPages = 4;
/** After rows that did not fit, they are not read again soon. */
const patience = 20;
const bytesPerRow = 21;
const bytesPerMark = 120;
const maxLearned = 10_000;

/** Nothing is known at first. @source product contract, Optimisations (`native_query`) */
export function createKeptValues({ table, maxBytes = 32 * 1024 * 1024 }: KeptValuesOptions): KeptValues {
  const learned = new LRUCache<bigint, RowValues>({ max: maxLearned });
  let filled: FilledValues | undefined;
  let filling: Promise<void> | undefined;
  let considering: Promise<void> | undefined;
  let pagesMissed = 0;
  let missesInTurn = 0;
  let pagesWanted = leastPages;

  async function readAll(): Promise<void> {
    pagesMissed = 0;
    const rows = await table.countRows();
    pagesWanted = Math.max(leastPages, (rows / rowsWorthPage) * patience);
    if (rows * bytesPerRow > maxBytes) return;
    const values = new FilledValues(rows);
    for await (const batch of scanBatches(
      table
        .query()
        .select([...keptColumns])
        .withRowId(),
    )) {
      if (!values.add(batch) || values.bytes > maxBytes) return;
    }
    pagesWanted = Math.max(leastPages, rows / rowsWorthPage);
    filled = values;
    learned.clear();
  }

  function fill(): Promise<void> {
    filling ??= readFresh(table, readAll).finally(() => {
      filling = undefined;
    });
    return filling;
  }

  async function fillWhereWorth(): Promise<void> {
    if (!filled) pagesWanted = Math.max(pagesWanted, (await table.countRows()) / rowsWorthPage);
    if (pagesMissed >= pagesWanted) await fill();
  }

  return {
    of(id) {
      const values = filled?.find(id) ?? learned.get(id);
      missesInTurn = values ? 0 : missesInTurn + 1;
      return values;
    },
    get isLikely() {
      return filled !== undefined && missesInTurn < leastPages;
    },
    learn(ids, rows) {
      for (const [i, row] of rows.entries()) learned.set(ids[i]!, valuesOf(row));
      pagesMissed += 1;
      // What is wrong with the table, the pages say.
      considering ??= fillWhereWorth()
        .catch(() => {})
        .finally(() => {
          considering = undefined;
        });
    },
    fill,
    bytes: () => (filled?.bytes ?? 0) + learned.size * (bytesPerRow + bytesPerMark),
    async idle() {
      await considering;
      await filling;
    },
  };
}

/** Whether rows of these columns are whole, and so worth being put together. @source product contract, Trajectories ("each row") */
export const takesKept = (columns: readonly Column[]): boolean =>
  columns.includes('record_json') && keptColumns.every((column) => columns.includes(column));

/** What is left to read of a whole row. @source product contract, Trajectories ("each row") */
export const notKept = (columns: readonly Column[]): Column[] =>
  columns.filter((column) => !(keptColumns as readonly Column[]).includes(column));

function valuesOf(row: TrajectoryRow): RowValues {
  const { tags = [], notes = '', is_bookmarked = false, updated_at = 0, step_count = 0, is_success = false } = row;
  return { tags, notes, is_bookmarked, updated_at, step_count, is_success };
}

/** Reads a column of truth values, eight to a byte, the lowest bit first. */
function bitsOf(column: Vector): (i: number) => boolean {
  const { values, offset } = column.data[0]!;
  const bytes = values as Uint8Array;
  return (i) => ((bytes[(i + offset) >> 3]! >> ((i + offset) & 7)) & 1) === 1;
}

const noTags: string[] = [];
const noMarks = { tags: noTags, notes: '' };
const successBit = 1;
const bookmarkBit = 2;
const markBit = 4;

/** The values of many rows, in the order of their ids; most have neither tags nor notes. */
class FilledValues {
  private readonly ids: BigUint64Array;
  private readonly updatedAt: Float64Array;
  private readonly stepCounts: Int32Array;
  private readonly flags: Uint8Array;
  private readonly marks = new Map<number, { tags: string[]; notes: string }>();
  private length = 0;
  bytes: number;

  constructor(rows: number) {
    this.ids = new BigUint64Array(rows);
    this.updatedAt = new Float64Array(rows);
    this.stepCounts = new Int32Array(rows);
    this.flags = new Uint8Array(rows);
    this.bytes = rows * bytesPerRow;
  }

  /** @returns false when there are more rows than expected, or they come in another order */
  add(batch: RecordBatch): boolean {
    const { numRows } = batch;
    if (numRows === 0) return true;
    const from = this.length;
    const ids = rowIdsOf(batch);
    if (from + numRows > this.ids.length) return false;
    if (from > 0 && ids[0]! <= this.ids[from - 1]!) return false;
    for (let i = 1; i < numRows; i++) if (ids[i]! <= ids[i - 1]!) return false;
    this.ids.set(ids, from);
    const child = (name: string) => batch.getChild(name)!;
    this.updatedAt.set(child('updated_at').toArray() as Float64Array, from);
    this.stepCounts.set(child('step_count').toArray() as Int32Array, from);
    const [isSuccess, isBookmarked] = [bitsOf(child('is_success')), bitsOf(child('is_bookmarked'))];
    const [tags, notes] = [child('tags'), child('notes')];
    const [tagEnds, noteEnds] = [tags.data[0]!.valueOffsets, notes.data[0]!.valueOffsets];
    for (let i = 0; i < numRows; i++) {
      let flags = (isSuccess(i) ? successBit : 0) | (isBookmarked(i) ? bookmarkBit : 0);
      if (tagEnds[i] !== tagEnds[i + 1] || noteEnds[i] !== noteEnds[i + 1]) {
        flags |= markBit;
        this.mark(from + i, [...(tags.get(i) as Iterable<string>)], String(notes.get(i)));
      }
      this.flags[from + i] = flags;
    }
    this.length += numRows;
    return true;
  }

  find(id: bigint): RowValues | undefined {
    let [low, high] = [0, this.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.ids[middle]!;
      if (found === id) return this.at(middle);
      if (found < id) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  private at(place: number): RowValues {
    const flags = this.flags[place]!;
    const { tags, notes } = (flags & markBit ? this.marks.get(place) : undefined) ?? noMarks;
    return {
      tags,
      notes,
      is_bookmarked: (flags & bookmarkBit) !== 0,
      updated_at: this.updatedAt[place]!,
      step_count: this.stepCounts[place]!,
      is_success: (flags & successBit) !== 0,
    };
  }

  private mark(place: number, tags: string[], notes: string): void {
    this.marks.set(place, { tags, notes });
    this.bytes += tags.reduce((bytes, tag) => bytes + 2 * tag.length + 16, bytesPerMark + 2 * notes.length);
  }
}
