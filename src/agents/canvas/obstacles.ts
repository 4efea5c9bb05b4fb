import { isNear, type Rectangle } from './rectangle.js';

/** About the height of a large card, so that a place reaches into two or three rows. */
const rowHeight = 512;
/** What is higher, a group around half of the canvas, is asked about each time. */
const maxRows = 32;

const rowOf = (y: number) => Math.floor(y / rowHeight);

/**
 * The rectangles that a new card has to keep clear of, sorted into rows: a place is compared with those in its rows
 * instead of with all of them. The answers are those of comparing with all.
 * @source product contract, Agents ("placed without overlap")
 */
export class Obstacles {
  readonly #rows = new Map<number, Rectangle[]>();
  readonly #high: Rectangle[] = [];
  readonly #all: readonly Rectangle[];
  readonly #gap: number;

  /** @param gap canvas pixels that are kept free around each of them */
  constructor(rectangles: readonly Rectangle[], gap: number) {
    this.#all = rectangles;
    this.#gap = gap;
    for (const rectangle of rectangles) {
      // A pixel more than the gap on either side, since sums of fractions may come out a little less; real files hold
      // heights below zero, too.
      const ends = [rectangle.y, rectangle.y + rectangle.height];
      const first = rowOf(Math.min(...ends) - gap - 1);
      const last = rowOf(Math.max(...ends) + gap + 1);
      if (!isCountable(first, last) || last - first >= maxRows) this.#high.push(rectangle);
      else for (let row = first; row <= last; row++) this.#row(row).push(rectangle);
    }
  }

  /** Whether a place comes closer than the gap to none of them. */
  areClearOf(place: Rectangle): boolean {
    const isClear = (rectangle: Rectangle) => !isNear(place, rectangle, this.#gap);
    const first = rowOf(place.y);
    const last = rowOf(place.y + place.height);
    if (!isCountable(first, last)) return this.#all.every(isClear);
    for (let row = first; row <= last; row++) {
      if (this.#rows.get(row)?.every(isClear) === false) return false;
    }
    return this.#high.every(isClear);
  }

  #row(row: number): Rectangle[] {
    const known = this.#rows.get(row);
    if (known) return known;
    const made: Rectangle[] = [];
    this.#rows.set(row, made);
    return made;
  }
}

/** Whether counting from one to the other comes to an end: very large numbers have no next one. */
const isCountable = (first: number, last: number) => Number.isSafeInteger(first) && Number.isSafeInteger(last);
