import type { Clock } from '../../../src/canvases/clock.js';
import { ManualClock as StillClock } from '../../support/manual-clock.js';

export { settle } from '../../support/manual-clock.js';

/**
 * The tests' clock with the machine's date, because files carry that, plus what the test lets pass: time in which
 * nobody touches a file.
 */
export class ManualClock extends StillClock implements Clock {
  #passedMs = 0;

  override wall(): number {
    return Date.now() + this.#passedMs;
  }

  /** Lets the date move on, as if no file were changed for so long. */
  letPass(ms: number): void {
    this.#passedMs += ms;
  }

  /** Waits, in real time, until somebody waits for this clock. */
  async untilAwaited(): Promise<void> {
    while (this.timers === 0) await nextTurn();
  }

  /** Moves on from timer to timer while real work (files, sockets) goes on, until the promise is settled. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const end = () => {
      isSettled = true;
    };
    promise.then(end, end);
    while (!isSettled) {
      const [next] = this.dueInMs;
      if (next === undefined) await nextTurn();
      else await this.advance(Math.max(0, next));
    }
    return promise;
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
