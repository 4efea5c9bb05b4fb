import type { Clock } from '../../../src/canvases/clock.js';

/**
 * A clock that stands still until the test moves it. Its date is the machine's, because files carry that, plus what the
 * test lets pass: time in which nobody touches a file.
 */
export class ManualClock implements Clock {
  #now = 0;
  #passedMs = 0;
  #timers: { dueMs: number; work: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return Date.now() + this.#passedMs;
  }

  /** Lets the date move on, as if no file were changed for so long. */
  letPass(ms: number): void {
    this.#passedMs += ms;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { dueMs: this.#now + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Moves on, running what falls due, in order, and everything that follows from it without waiting. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((timer) => timer.dueMs <= end).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.dueMs);
      next.work();
    }
    this.#now = end;
    await settle();
  }

  /** Waits, in real time, until somebody waits for this clock. */
  async untilAwaited(): Promise<void> {
    while (this.#timers.length === 0) await nextTurn();
  }

  /** Moves on from timer to timer while real work (files, sockets) goes on, until the promise is settled. */
  async runUntil<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const end = () => {
      isSettled = true;
    };
    promise.then(end, end);
    while (!isSettled) {
      const next = Math.min(...this.#timers.map((timer) => timer.dueMs));
      if (Number.isFinite(next)) await this.advance(Math.max(0, next - this.#now));
      else await nextTurn();
    }
    return promise;
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets everything that waits for nothing but its turn go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}
