import type { Clock } from './clock.js';
import type { UpstreamEvent } from './events.js';
import type { TimeLimit } from './exchange/time-limit.js';
import type { CircuitBreaker, Verdict } from './retry/circuit-breaker.js';
import { UpstreamFailure } from './retry/failure.js';

/**
 * One try: `answering` is told when the first event of a stream has come, `ended` once how it ended.
 * @source story-17.4 ADR-0009
 */
export interface Attempt {
  answering(): void;
  ended(error?: unknown): void;
}

/**
 * The tries that are under way at one door. Each tells the circuit and whoever listens how it ended.
 * @source story-17.4 ADR-0009, ADR-0010
 */
export interface Attempts {
  readonly underWay: number;
  /** @throws UpstreamFailure `circuit_open`; the limit is then disposed of */
  begin(limit: TimeLimit, isStream: boolean): Attempt;
}

interface AttemptsOptions {
  name: string;
  circuit: CircuitBreaker;
  clock: Clock;
  onEvent: (event: UpstreamEvent) => void;
}

/** What a failed try says about the server: one that answers with an error of ours, or asks for patience, is well. */
function verdictOf(error: unknown): Verdict {
  if (!(error instanceof UpstreamFailure)) return 'unknown';
  if (error.reason === 'busy' || error.reason === 'closed' || error.reason === 'circuit_open') return 'unknown';
  return error.class === 'retryable' ? 'fails' : 'works';
}

/** Nothing is under way yet. @source story-17.4 ADR-0009 */
export function createAttempts({ name, circuit, clock, onEvent }: AttemptsOptions): Attempts {
  /** In the order in which they were sent. */
  const underWay = new Set<{ othersAccepted: number }>();

  /** Those sent after it were sent beside one less than it seemed. */
  function forgetRefused(refused: { othersAccepted: number }): void {
    let isLater = false;
    for (const each of underWay) {
      if (isLater) each.othersAccepted--;
      isLater ||= each === refused;
    }
  }

  return {
    get underWay() {
      return underWay.size;
    },
    begin(limit, isStream) {
      const admission = circuit.admit();
      if (typeof admission === 'number') {
        limit.dispose();
        throw new UpstreamFailure('circuit_open', 'failed again and again and is left alone for a while', {
          retryAfterMs: admission,
        });
      }
      const startedAt = clock.now();
      const seconds = () => (clock.now() - startedAt) / 1000;
      const own = { othersAccepted: underWay.size };
      underWay.add(own);
      return {
        answering: () =>
          onEvent({ type: 'answering', upstream: name, durationSeconds: seconds(), othersRunning: underWay.size - 1 }),
        ended(error) {
          if (!underWay.has(own)) return;
          if (error instanceof UpstreamFailure && error.reason === 'busy') forgetRefused(own);
          underWay.delete(own);
          admission(error === undefined ? 'works' : verdictOf(error));
          const failure = error instanceof UpstreamFailure && error.reason !== 'closed' ? error : undefined;
          onEvent({
            type: 'attempt',
            upstream: name,
            outcome: error === undefined ? 'ok' : (failure?.reason ?? 'cancelled'),
            durationSeconds: seconds(),
            retryAfterSeconds: failure?.retryAfterMs === undefined ? undefined : failure.retryAfterMs / 1000,
            othersRunning: underWay.size,
            othersAccepted: own.othersAccepted,
            isStream,
          });
        },
      };
    },
  };
}
