/**
 * Time as monitoring needs it: `now` never goes back and is for durations, `wall` is the machine's date as epoch
 * milliseconds. `every` and `after` return what stops them. All in ms.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export interface Clock {
  now(): number;
  wall(): number;
  after(delayMs: number, work: () => void): () => void;
  every(intervalMs: number, work: () => void): () => void;
}

/**
 * The clock of the machine. Its timers do not keep the process alive.
 * @source Node.js documentation, timers "timeout.unref()"; perf_hooks "performance.now()"
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every: (intervalMs, work) => {
    const timer = setInterval(work, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
