/**
 * One day in memory, as columns: of each event the time, where its line is, and the values that it is looked up by, as
 * numbers of a list that only this day has. With `keepsTexts` the events themselves, too. An event costs 44 bytes
 * without its text, 88 just after the columns have grown.
 */
import { type FilterValues, filterFields } from '../learning-event.js';
import { comparePositions, type EventPosition, type EventQuery } from './event-query.js';

/**
 * An event in a view: its number there, its place in the order, and the length of its line in bytes.
 * @source story-17.4 task 6
 */
export interface ViewRow extends EventPosition {
  row: number;
  length: number;
}

const bytesPerRow = 8 + 8 + 4 + 4 * filterFields.length;
/** What a value costs besides its characters, about. */
const bytesPerValue = 100;
const bytesPerText = 32;
const noValue = 0;

/** @source story-17.4 task 6 (hot views) */
export class DayView {
  #size = 0;
  #times = new Float64Array(16);
  #offsets = new Float64Array(16);
  #lengths = new Uint32Array(16);
  #codes = filterFields.map(() => new Uint32Array(16));
  readonly #names = filterFields.map(() => new Map<string, number>());
  #namesBytes = 0;
  #texts: string[] | undefined;
  #textBytes = 0;
  /** The first rows in ascending order, as many as it is long; undefined while all came in that order. */
  #order: Uint32Array | undefined;
  #isOrdered = true;
  /** Whether a part of the day could not be read. */
  isDamaged = false;

  constructor(keepsTexts: boolean) {
    this.#texts = keepsTexts ? [] : undefined;
  }

  get size(): number {
    return this.#size;
  }

  /** About what it takes in memory. */
  get bytes(): number {
    return this.#times.length * bytesPerRow + this.#namesBytes + this.#textBytes + (this.#order?.byteLength ?? 0);
  }

  get textBytes(): number {
    return this.#textBytes;
  }

  get keepsTexts(): boolean {
    return this.#texts !== undefined;
  }

  /** Lets go of the texts; they are read from the file from now on. */
  dropTexts(): void {
    this.#texts = undefined;
    this.#textBytes = 0;
  }

  add(position: EventPosition, length: number, values: FilterValues, text: string): void {
    if (this.#size === this.#times.length) this.#grow();
    const row = this.#size++;
    this.#times[row] = position.timestampMs;
    this.#offsets[row] = position.offset;
    this.#lengths[row] = length;
    for (const [field, codes] of this.#codes.entries()) codes[row] = this.#code(field, values[field]);
    if (row > 0 && position.timestampMs < (this.#times[row - 1] as number)) this.#isOrdered = false;
    if (!this.#texts) return;
    this.#texts.push(text);
    this.#textBytes += 2 * text.length + bytesPerText;
  }

  text(row: number): string | undefined {
    return this.#texts?.[row];
  }

  /**
   * The rows that are asked for, in the order of answers.
   * @param most rows
   * @returns how many events were looked at besides
   */
  find(query: EventQuery, most: number): { rows: ViewRow[]; scanned: number } {
    const wanted: [Uint32Array, number][] = [];
    for (const [field, value] of query.values.entries()) {
      if (value === undefined) continue;
      const code = this.#names[field]?.get(value);
      if (code === undefined) return { rows: [], scanned: 0 };
      wanted.push([this.#codes[field] as Uint32Array, code]);
    }
    this.#sort();
    const first = this.#firstNotBefore({ timestampMs: query.fromMs, offset: -1 });
    const end = { timestampMs: query.toMs, offset: -1 };
    const { after = end } = query;
    const last = this.#firstNotBefore(comparePositions(after, end) > 0 ? after : end);
    const rows: ViewRow[] = [];
    let at = last;
    while (at > first && rows.length < most) {
      const row = this.#rowAt(--at);
      if (wanted.every(([codes, code]) => codes[row] === code)) rows.push(this.#row(row));
    }
    return { rows, scanned: last - at };
  }

  #row(row: number): ViewRow {
    const [timestampMs, offset] = [this.#times[row] as number, this.#offsets[row] as number];
    return { row, timestampMs, offset, length: this.#lengths[row] as number };
  }

  #rowAt(index: number): number {
    return this.#order ? (this.#order[index] as number) : index;
  }

  /** How many rows lie before a position, in ascending order. */
  #firstNotBefore(position: EventPosition): number {
    let [low, high] = [0, this.#size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePositions(this.#row(this.#rowAt(middle)), position) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Rows that came since the last time are sorted by themselves, then merged: a busy day is not sorted again and again. */
  #sort(): void {
    const known = this.#order ?? new Uint32Array();
    if (this.#isOrdered || known.length === this.#size) return;
    const times = this.#times;
    const compare = (a: number, b: number) => (times[a] as number) - (times[b] as number) || a - b;
    const fresh = Uint32Array.from({ length: this.#size - known.length }, (_, i) => known.length + i).sort(compare);
    const order = new Uint32Array(this.#size);
    let [i, j] = [0, 0];
    for (let at = 0; at < order.length; at++) {
      const isKnown = j === fresh.length || (i < known.length && compare(known[i] as number, fresh[j] as number) < 0);
      order[at] = (isKnown ? known[i++] : fresh[j++]) as number;
    }
    this.#order = order;
  }

  #code(field: number, value: string | undefined): number {
    if (value === undefined) return noValue;
    const names = this.#names[field] as Map<string, number>;
    let code = names.get(value);
    if (code === undefined) {
      code = names.size + 1;
      names.set(value, code);
      this.#namesBytes += 2 * value.length + bytesPerValue;
    }
    return code;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const larger = <T extends Float64Array | Uint32Array>(column: T, next: T): T => {
      next.set(column);
      return next;
    };
    this.#times = larger(this.#times, new Float64Array(capacity));
    this.#offsets = larger(this.#offsets, new Float64Array(capacity));
    this.#lengths = larger(this.#lengths, new Uint32Array(capacity));
    this.#codes = this.#codes.map((codes) => larger(codes, new Uint32Array(capacity)));
  }
}
