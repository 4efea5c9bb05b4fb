/**
 * Time as the scheduler needs it. `now` never goes back; `after` calls `work` once and `every` again and again, and
 * both return what stops them. All in ms. `nextTurn` calls `work` in the next turn of the event loop.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export interface Clock {
  now(): number;
  after(delayMs: number, work: () => void): () => void;
  every(intervalMs: number, work: () => void): () => void;
  nextTurn(work: () => void): void;
}

/**
 * The clock of the machine. What repeats does not keep the process alive.
 * @source Node.js documentation, timers "timeout.unref()"
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
  every: (intervalMs, work) => {
    const timer = setInterval(work, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  nextTurn: (work) => void setImmediate(work),
};
