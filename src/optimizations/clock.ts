/**
 * Time as the flags need it: now (epoch milliseconds) and a task repeated every `intervalMs`. `every` returns what
 * stops it.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export interface Clock {
  now(): number;
  every(intervalMs: number, task: () => void): () => void;
}

/**
 * The clock of the machine. Its timers do not keep the process alive.
 * @source Node.js documentation, timers "timeout.unref()"
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  every: (intervalMs, task) => {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
