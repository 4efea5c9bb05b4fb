/**
 * Time as the canvases need it. `now` never goes back and is for windows and delays; `wall` is the machine's date and
 * is only compared with the times of files. `after` calls `work` once, and returns what cancels it. All in ms.
 * @source house rules, Tests ("No sleeping: a manual clock")
 */
export interface Clock {
  now(): number;
  wall(): number;
  after(delayMs: number, work: () => void): () => void;
}

/**
 * The clock of the machine.
 * @source Node.js documentation, perf_hooks "performance.now()"
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (delayMs, work) => {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits `delayMs` on the given clock.
 * @source house rules, Tests
 */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
