/**
 * Runs `work` once after so many milliseconds; returns what cancels it.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export type After = (delayMs: number, work: () => void) => () => void;

/**
 * By the machine's clock; does not keep the process alive.
 * @source Node.js documentation, timers "timeout.unref()"
 */
export const afterTimeout: After = (delayMs, work) => {
  const timer = setTimeout(work, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
