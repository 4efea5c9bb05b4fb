import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.js';
import { UpstreamFailure } from '../retry/failure.js';

/**
 * The times one exchange may take: `totalMs` in all, and at most `idleMs` without a byte.
 * @source story-17.4 ADR-0009; facts on chat clients ("a stalled stream hung past its time-out")
 */
export interface TimeLimits {
  totalMs: number;
  idleMs?: number | undefined;
}

/**
 * One abort signal out of the caller's signal and the limits. `heard()` begins the idle time anew; between `rest()` and
 * `goOn()` there is none, since the reader itself is slow. All three are cheap: a stream calls them for each of its
 * pieces. `dispose()` lets go of every timer and listener.
 * @source story-17.4 ADR-0009
 */
export interface TimeLimit {
  readonly signal: AbortSignal;
  heard(): void;
  rest(): void;
  goOn(): void;
  dispose(): void;
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;

/**
 * Starts the limits.
 * @source story-17.4 ADR-0009
 */
export function startTimeLimit(clock: Clock, limits: TimeLimits, signals: (AbortSignal | undefined)[]): TimeLimit {
  const controller = new AbortController();
  const abort = (reason: unknown) => {
    if (!controller.signal.aborted) controller.abort(reason);
  };
  const late = (what: string, ms: number) => () =>
    abort(new UpstreamFailure('timeout', `${what} within ${seconds(ms)}`));

  const listening: [AbortSignal, () => void][] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    const pass = () => abort(signal.reason);
    if (signal.aborted) pass();
    // Many calls may share one signal; there is no number of them that would mean a leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', pass, { once: true });
    listening.push([signal, pass]);
  }
  const cancelTotal = clock.after(limits.totalMs, late('did not finish its answer', limits.totalMs));
  const { idleMs } = limits;
  let heardAt = clock.now();
  let isResting = false;
  // One timer for many pieces: when it is due it looks when the last one came, and waits for the rest of the time.
  let cancelIdle: (() => void) | undefined;
  const waitFor = (ms: number) => {
    cancelIdle = clock.after(ms, () => {
      cancelIdle = undefined;
      if (isResting || idleMs === undefined) return;
      const leftMs = heardAt + idleMs - clock.now();
      if (leftMs <= 0) late('sent nothing', idleMs)();
      else waitFor(leftMs);
    });
  };
  if (idleMs !== undefined) waitFor(idleMs);
  const heard = () => {
    heardAt = clock.now();
  };

  return {
    signal: controller.signal,
    heard,
    rest() {
      isResting = true;
    },
    goOn() {
      isResting = false;
      heard();
      if (idleMs !== undefined && cancelIdle === undefined) waitFor(idleMs);
    },
    dispose() {
      cancelTotal();
      cancelIdle?.();
      for (const [signal, pass] of listening) signal.removeEventListener('abort', pass);
    },
  };
}
