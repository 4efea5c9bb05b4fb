// The range of time that the charts show: loaded once, then carried on by the newest point of each snapshot.

import { ask } from './connection.js';

/** @typedef {import('../../history/history.js').HistoryTable} HistoryTable */
/** @typedef {import('../../history/history.js').HistoryRow} HistoryRow */
/** @typedef {import('../../history/history.js').HistoryRange} HistoryRange */

/** @type {Record<HistoryRange, number>} */
const secondsOf = { '15m': 900, '1h': 3600, '24h': 86_400 };

const leastSeconds = 120;

/** @source product contract, Promises 6; Monitoring (`GET /dashboard`) */
export class Past {
  /** @type {HistoryRange} */
  range = '15m';
  stepSeconds = 5;
  /** Epoch seconds. */
  now = Date.now() / 1000;
  /** @type {HistoryRow[]} */
  #rows = [];
  /** @type {Map<string, number>} */
  #places = new Map();
  #loads = 0;

  get seconds() {
    return secondsOf[this.range];
  }

  /** Where the charts begin: a service that is younger than the range of time fills them all the same. */
  get from() {
    const first = Math.min(this.#rows[0]?.[0] ?? this.now, this.now - leastSeconds);
    return Math.max(this.now - this.seconds, first);
  }

  /** @param {HistoryRange} range */
  async load(range) {
    this.#loads += 1;
    const load = this.#loads;
    this.range = range;
    this.#rows = [];
    /** @type {HistoryTable} */
    let table;
    try {
      const answer = await ask(`/dashboard/history?range=${range}`);
      table = await answer.json();
    } catch (error) {
      if (load !== this.#loads) return;
      throw error;
    }
    if (load !== this.#loads) return;
    this.stepSeconds = table.step_seconds;
    this.#places = new Map(table.columns.map((column, place) => [column, place]));
    this.#rows = table.points;
  }

  /** @param {number} now epoch seconds @param {HistoryRow | undefined} row the newest point, which may still change */
  carryOn(now, row) {
    this.now = now;
    if (row === undefined || this.#places.size === 0) return;
    const time = row[0] ?? 0;
    const last = this.#rows.at(-1)?.[0] ?? 0;
    if (time < last) return;
    if (time === last) this.#rows.pop();
    this.#rows.push(row);
    const oldest = now - this.seconds;
    while ((this.#rows[0]?.[0] ?? oldest) < oldest - this.stepSeconds) this.#rows.shift();
  }

  /**
   * Columns as a chart takes them, the middles of the points' times first. Where points are missing there is a gap.
   * @param {readonly string[]} columns
   * @returns {(number | null)[][]}
   */
  columns(columns) {
    const places = columns.map((column) => this.#places.get(column) ?? -1);
    /** @type {(number | null)[][]} */
    const data = [[], ...columns.map(() => [])];
    let before = 0;
    const half = this.stepSeconds / 2;
    const push = (/** @type {number} */ time, /** @type {HistoryRow | undefined} */ row) => {
      data[0]?.push(time + half);
      for (const [index, place] of places.entries()) data[index + 1]?.push(row?.[place] ?? null);
    };
    for (const row of this.#rows) {
      const time = row[0] ?? 0;
      if (before > 0 && time - before > 1.5 * this.stepSeconds) push(before + this.stepSeconds, undefined);
      push(time, row);
      before = time;
    }
    return data;
  }

  /** @param {string} column */
  values(column) {
    return this.columns([column])[1] ?? [];
  }
}
