import type { After } from './after.js';

/**
 * What follows changes without running for each of them.
 * @source story-17.4 task 3
 */
export interface SettledPassesOptions {
  /** One pass over what changed; never two at once. It must not throw. */
  pass(): Promise<void>;
  /** A pass begins when there was no change for so long, ... */
  quietMs: number;
  /** ... at the latest so long after the first. */
  maxDelayMs: number;
  after: After;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Aborted: no pass begins any more. */
  signal: AbortSignal;
}

/**
 * Passes that begin once changes have settled, one at a time.
 * @source story-17.4 task 3
 */
export interface SettledPasses {
  /** Something changed. Cheap. */
  changed(): void;
  /** A pass now, or one more after that which runs. */
  run(): Promise<void>;
  /** A pass after `delayMs`, if none is due already. */
  runLater(delayMs: number): void;
  isRunning(): boolean;
  /** Ends the waiting and outlasts what runs; what is to give it up is the signal's affair. */
  close(): Promise<void>;
}

/** Starts nothing by itself. @source story-17.4 task 3 */
export function createSettledPasses(options: SettledPassesOptions): SettledPasses {
  const { pass, quietMs, maxDelayMs, after, now, signal } = options;
  let cancelTimer: (() => void) | undefined;
  let firstChangeAt: number | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function stopWaiting(): void {
    cancelTimer?.();
    cancelTimer = undefined;
  }

  function start(): Promise<void> {
    stopWaiting();
    firstChangeAt = undefined;
    running = pass().finally(() => {
      running = undefined;
    });
    return running;
  }

  function run(): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    if (!running) return start();
    next ??= running.then(() => {
      next = undefined;
      return signal.aborted ? undefined : start();
    });
    return next;
  }

  function schedule(delayMs: number): void {
    stopWaiting();
    cancelTimer = after(delayMs, () => {
      cancelTimer = undefined;
      void run();
    });
  }

  return {
    changed() {
      if (signal.aborted) return;
      firstChangeAt ??= now();
      schedule(Math.min(quietMs, Math.max(0, firstChangeAt + maxDelayMs - now())));
    },
    run,
    runLater(delayMs) {
      if (!cancelTimer && !signal.aborted) schedule(delayMs);
    },
    isRunning: () => running !== undefined,
    async close() {
      stopWaiting();
      await next;
      await running;
    },
  };
}
