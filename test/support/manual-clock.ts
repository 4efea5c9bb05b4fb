/** A clock that stands still until the test moves it. Its date begins at 2026-01-01 and moves along. */
export class ManualClock {
  #now = 0;
  #timers: { dueMs: number; work: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { dueMs: this.#now + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  every(intervalMs: number, work: () => void): () => void {
    let cancel = () => {};
    const again = () => {
      cancel = this.after(intervalMs, () => {
        again();
        work();
      });
    };
    again();
    return () => cancel();
  }

  /** Turns of the event loop are not what stands still: at once. */
  nextTurn(work: () => void): void {
    work();
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** When each timer falls due, from now, in order. */
  get dueInMs(): number[] {
    return this.#timers.map(({ dueMs }) => dueMs - this.#now).sort((a, b) => a - b);
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

  /** Waits, in real time, until a timer falls due in exactly so many milliseconds. */
  async untilDueIn(ms: number): Promise<void> {
    while (!this.dueInMs.some((due) => Math.abs(due - ms) < 0.001)) await nextTurn();
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Lets everything that waits for nothing but its turn go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}
