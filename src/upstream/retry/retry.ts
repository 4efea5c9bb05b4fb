import type { Clock } from '../clock.js';
import { UpstreamFailure } from './failure.js';
import type { Permit } from './permit.js';
import { type RetryPolicy, retryDelayMs } from './retry-policy.js';

/**
 * What a repeated call needs to know.
 * - `mayRepeat`: asked before each repetition; false after the first streamed token.
 * - `onRetry`: told before each pause.
 * - `permit`: given back for each pause. The wait for it afterwards does not count into the policy's total.
 * @source story-17.4 ADR-0009
 */
export interface RetryOptions {
  policy: RetryPolicy;
  clock: Clock;
  random(): number;
  /** Whichever aborts ends a pause; its reason is thrown. */
  signals?: readonly (AbortSignal | undefined)[];
  mayRepeat?(): boolean;
  onRetry?(failure: UpstreamFailure, delayMs: number): void;
  permit?: Permit | undefined;
}

function pause(clock: Clock, delayMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      cancel();
      for (const signal of signals) signal?.removeEventListener('abort', settle);
      const aborted = signals.find((signal) => signal?.aborted);
      if (aborted) reject(aborted.reason);
      else resolve();
    };
    const cancel = clock.after(delayMs, settle);
    for (const signal of signals) signal?.addEventListener('abort', settle);
    if (signals.some((signal) => signal?.aborted)) settle();
  });
}

/**
 * Runs `attempt` until it succeeds, fails in a way that stays, or the policy is used up.
 * @param attempt gets how many milliseconds of the policy's total are left
 * @throws UpstreamFailure of the last try, or what else `attempt` threw, or the signal's reason
 * @source story-17.4 ADR-0009
 */
export async function retry<T>(attempt: (leftMs: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy, clock, random, signals = [], mayRepeat, onRetry, permit } = options;
  let endsAt = clock.now() + policy.totalMs;
  for (let failed = 1; ; failed++) {
    try {
      return await attempt(endsAt - clock.now());
    } catch (error) {
      if (!(error instanceof UpstreamFailure) || error.class !== 'retryable') throw error;
      const delayMs = retryDelayMs(policy, failed, error.retryAfterMs, random());
      const isLast = failed >= policy.tries || clock.now() + delayMs >= endsAt;
      if (isLast || mayRepeat?.() === false) throw error;
      onRetry?.(error, delayMs);
      permit?.release();
      await pause(clock, delayMs, signals);
      const pausedUntil = clock.now();
      await permit?.acquire(AbortSignal.any(signals.filter((signal) => signal !== undefined)));
      endsAt += clock.now() - pausedUntil;
    }
  }
}
