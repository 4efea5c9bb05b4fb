const dayMs = 24 * 60 * 60 * 1000;
const betweenMs = 5 * 60 * 1000;
/** Over less than this a single upload would look like a trend. */
const shortestMs = 10 * 60 * 1000;

/**
 * How fast a size grows, over at most the last day: what was measured is kept once in five minutes.
 * @source issue "growth visible"
 */
export class Growth {
  #kept: { at: number; bytes: number }[] = [];
  #latest: { at: number; bytes: number } | undefined;

  /** @param at milliseconds of a clock that never goes back */
  add(at: number, bytes: number): void {
    this.#latest = { at, bytes };
    const last = this.#kept.at(-1);
    if (last === undefined || at - last.at >= betweenMs) this.#kept.push(this.#latest);
    while (this.#kept[0] && at - this.#kept[0].at > dayMs) this.#kept.shift();
  }

  /** Negative when it shrinks; undefined while too little is known. */
  get bytesPerSecond(): number | undefined {
    const [first] = this.#kept;
    const latest = this.#latest;
    if (!first || !latest || latest.at - first.at < shortestMs) return undefined;
    return ((latest.bytes - first.bytes) / (latest.at - first.at)) * 1000;
  }
}
