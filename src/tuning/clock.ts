/**
 * Time as tuning needs it: `now` never goes back, `wall` is the machine's date as epoch milliseconds. `every` returns what
 * stops it.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export interface Clock {
  now(): number;
  wall(): number;
  every(intervalMs: number, task: () => void): () => void;
}

/**
 * The clock of the machine. Its timers do not keep the process alive.
 * @source Node.js documentation, timers "timeout.unref()"
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  every: (intervalMs, task) => {
    const timer = setInterval(task, intervalMs).unref();
    return () => clearInterval(timer);
  },
};
