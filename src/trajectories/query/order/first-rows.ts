/** Rows are sorted in runs of this many, so that no step holds the event loop for long. */
const runRows = 5000;

/**
 * The first rows of an order, from rows that come one after the other in any order.
 * @source trajectory-optimization 2.1
 */
export interface FirstRows<Row> {
  add(row: Row): void;
  /** In their order, `most` of them or all there were; ends the adding. */
  rows(): Row[];
}

/**
 * Sorts short runs and merges each into the rows so far: holds no more than `most` and a run.
 * @source Knuth, The Art of Computer Programming, volume 3, section 5.2.4 (merging)
 */
export function createFirstRows<Row>(most: number, compare: (a: Row, b: Row) => number): FirstRows<Row> {
  let first: Row[] = [];
  let run: Row[] = [];

  function endRun(): void {
    first = merged(first, run.sort(compare), most, compare);
    run = [];
  }

  return {
    add(row) {
      run.push(row);
      if (run.length >= runRows) endRun();
    },
    rows() {
      endRun();
      return first;
    },
  };
}

function merged<Row>(
  one: readonly Row[],
  other: readonly Row[],
  most: number,
  compare: (a: Row, b: Row) => number,
): Row[] {
  const all: Row[] = [];
  const length = Math.min(most, one.length + other.length);
  let i = 0;
  for (let j = 0; all.length < length; ) {
    const a = one[i];
    const b = other[j];
    if (b === undefined || (a !== undefined && compare(a, b) <= 0)) {
      all.push(a as Row);
      i++;
    } else {
      all.push(b);
      j++;
    }
  }
  return all;
}

/**
 * Texts by code point, as a database sorts their UTF-8 bytes; without making the bytes.
 * @returns below, at or above 0
 * @source The Unicode Standard, section 5.17 (binary order of UTF-16 and UTF-8)
 */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const one = a.charCodeAt(i);
    const other = b.charCodeAt(i);
    if (one !== other) return inOrder(one) - inOrder(other);
  }
  return a.length - b.length;
}

/** Halves of a character beyond the first plane come after all of that plane. */
const inOrder = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
