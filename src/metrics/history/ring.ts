import type { Point } from './columns.js';
import type { Series } from './series.js';

/**
 * How finely, and how far back, a range of time is kept.
 * @source product contract, Monitoring; the time ranges of the dashboard
 */
export interface Resolution {
  range: string;
  stepSeconds: number;
  points: number;
}

const empty = -1;

/**
 * A range of time in points of equal length, the oldest overwritten by the newest. Its memory is fixed when it is made.
 * A point whose time comes again (the clock was set back) begins anew.
 * @source product contract, Promises 6 ("What is in memory is bounded")
 */
export class Ring {
  readonly resolution: Resolution;
  /** When each point begins, in epoch seconds; -1 where there is none. */
  readonly starts: Float64Array<ArrayBuffer>;
  /** How many seconds of each point were seen. */
  readonly seconds: Float32Array<ArrayBuffer>;
  readonly samples: Uint32Array<ArrayBuffer>;
  /** Point by point, in the order of the series. */
  readonly values: Float32Array<ArrayBuffer>;
  readonly #series: readonly Series[];
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(resolution: Resolution, series: readonly Series[]) {
    this.resolution = resolution;
    this.#series = series;
    this.#indexes = new Map(series.map(({ name }, index) => [name, index]));
    this.starts = new Float64Array(resolution.points).fill(empty);
    this.seconds = new Float32Array(resolution.points);
    this.samples = new Uint32Array(resolution.points);
    this.values = new Float32Array(resolution.points * series.length).fill(Number.NaN);
  }

  /** @param sample a value for each series; for a `count`, what it gained during `elapsedSeconds` */
  add(wallSeconds: number, elapsedSeconds: number, sample: Float64Array): void {
    const { stepSeconds, points } = this.resolution;
    const number = Math.floor(wallSeconds / stepSeconds);
    const slot = number % points;
    const start = number * stepSeconds;
    const from = slot * this.#series.length;
    if (this.starts[slot] !== start) {
      this.starts[slot] = start;
      this.seconds[slot] = 0;
      this.samples[slot] = 0;
      this.values.fill(Number.NaN, from, from + this.#series.length);
    }
    this.seconds[slot] = (this.seconds[slot] as number) + elapsedSeconds;
    this.samples[slot] = (this.samples[slot] as number) + 1;
    const taken = this.samples[slot] as number;
    for (const [index, { kind }] of this.#series.entries()) {
      const value = sample[index] as number;
      if (Number.isNaN(value)) continue;
      const before = this.values[from + index] as number;
      this.values[from + index] = Number.isNaN(before) ? value : joined[kind](before, value, taken);
    }
  }

  /** The points inside the range that ends now, oldest first. */
  *points(wallSeconds: number): Generator<[start: number, point: Point]> {
    const { stepSeconds, points } = this.resolution;
    const last = Math.floor(wallSeconds / stepSeconds);
    for (let number = last - points + 1; number <= last; number++) {
      const slot = ((number % points) + points) % points;
      if (number >= 0 && this.starts[slot] === number * stepSeconds) yield [number * stepSeconds, this.#at(slot)];
    }
  }

  #at(slot: number): Point {
    const from = slot * this.#series.length;
    return {
      seconds: this.seconds[slot] as number,
      get: (name) => {
        const index = this.#indexes.get(name);
        return index === undefined ? Number.NaN : (this.values[from + index] as number);
      },
    };
  }
}

const joined = {
  count: (before: number, value: number) => before + value,
  max: (before: number, value: number) => Math.max(before, value),
  last: (_before: number, value: number) => value,
  mean: (before: number, value: number, taken: number) => before + (value - before) / taken,
} as const;

/**
 * Several points as one, such as the last minute: counts and seconds are added up, of everything else the last is taken.
 * @source product contract, Monitoring
 */
export function joinedPoints(points: readonly Point[], series: readonly Series[]): Point {
  const kinds = new Map(series.map(({ name, kind }) => [name, kind]));
  return {
    seconds: points.reduce((sum, point) => sum + point.seconds, 0),
    get(name) {
      const values = points.map((point) => point.get(name)).filter((value) => !Number.isNaN(value));
      if (kinds.get(name) === 'count') return values.reduce((sum, value) => sum + value, 0);
      return values.at(-1) ?? Number.NaN;
    },
  };
}
