import type { Reading } from './reading.js';

/** A timer that runs a little late must not make a window one interval longer. */
const toleranceMs = 1000;

/**
 * The readings of the last minutes, taken at even intervals, so that rates and percentiles can be told of a window.
 * Holds as many as the longest window needs, and the first one of the process until then.
 * @source product contract, Promises 6 ("What is in memory is bounded")
 */
export class RecentReadings {
  readonly #longestMs: number;
  #readings: Reading[] = [];

  /** @param longestMs the longest window that will be asked for */
  constructor(first: Reading, longestMs: number) {
    this.#longestMs = longestMs;
    this.#readings = [first];
  }

  get size(): number {
    return this.#readings.length;
  }

  add(reading: Reading): void {
    this.#readings.push(reading);
    const needed = this.#indexBefore(reading.atMs - this.#longestMs);
    if (needed > 0) this.#readings = this.#readings.slice(needed);
  }

  /** The newest reading that is at least `windowMs` older than `atMs`, or the oldest one while there is none. */
  before(atMs: number, windowMs: number): Reading {
    return this.#readings[this.#indexBefore(atMs - windowMs)] as Reading;
  }

  #indexBefore(atMs: number): number {
    const later = this.#readings.findIndex((reading) => reading.atMs > atMs + toleranceMs);
    return Math.max(0, (later === -1 ? this.#readings.length : later) - 1);
  }
}
