/**
 * Keeps callers away from a server that fails again and again. After `failures` failed tries in a row the circuit
 * opens for `openMs`; then one try goes through, and its outcome closes the circuit or opens it again. A try that takes
 * longer than `openMs`, a long stream, keeps nobody waiting: another one goes through beside it. It counts tries, not
 * calls, and only those that tell something about the server.
 */
import type { Clock } from '../clock.js';
import type { CircuitState } from '../events.js';

/**
 * When a circuit opens, and for how long.
 * @source story-17.4 ADR-0009 (circuit breaker)
 */
export interface CircuitOptions {
  failures: number;
  openMs: number;
  clock: Clock;
  onChange(state: CircuitState): void;
}

/**
 * What a try showed: the server works, the server fails, or nothing (it was cancelled, or asked to be left alone).
 * @source story-17.4 ADR-0009
 */
export type Verdict = 'works' | 'fails' | 'unknown';

/**
 * The permission for one try; exactly one verdict is to follow.
 * @source story-17.4 ADR-0009
 */
export type Admission = (verdict: Verdict) => void;

/**
 * @source story-17.4 ADR-0009; Nygard, "Release It!", chapter "Circuit Breaker"
 */
export interface CircuitBreaker {
  readonly state: CircuitState;
  /** @returns the admission, or for how many milliseconds more nobody is let through */
  admit(): Admission | number;
}

/**
 * Opens a breaker whose circuit is closed.
 * @source story-17.4 ADR-0009
 */
export function createCircuitBreaker({ failures, openMs, clock, onChange }: CircuitOptions): CircuitBreaker {
  let state: CircuitState = 'closed';
  let failedInARow = 0;
  let openUntil = 0;
  /** Until when the one that tries is waited for. */
  let probedUntil = Number.NEGATIVE_INFINITY;
  /** Tries admitted before the circuit last opened say nothing about the time after. */
  let epoch = 0;

  const change = (next: CircuitState) => {
    if (next === state) return;
    state = next;
    onChange(next);
  };
  const open = () => {
    epoch++;
    openUntil = clock.now() + openMs;
    change('open');
  };

  return {
    get state() {
      return state;
    },
    admit() {
      const leftMs = openUntil - clock.now();
      if (state === 'open' && leftMs > 0) return leftMs;
      if (state === 'open') change('half_open');
      const isProbe = state === 'half_open';
      // The one that tries needs a while; whoever comes meanwhile is told to come back soon.
      if (isProbe && clock.now() < probedUntil) return Math.min(openMs, 1000);
      const probesUntil = clock.now() + openMs;
      if (isProbe) probedUntil = probesUntil;
      const admittedIn = epoch;
      return (verdict) => {
        if (isProbe && probedUntil === probesUntil) probedUntil = Number.NEGATIVE_INFINITY;
        if (admittedIn !== epoch) return;
        if (verdict === 'works') {
          failedInARow = 0;
          change('closed');
        } else if (verdict === 'fails') {
          failedInARow++;
          if (isProbe || failedInARow >= failures) open();
        }
      };
    },
  };
}
