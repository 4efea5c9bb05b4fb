import type { FailureClass, FailureReason } from './retry/failure.js';

/**
 * State of a circuit: `closed` lets every call through, `open` none, `half_open` one that tries.
 * @source story-17.4 ADR-0009
 */
export type CircuitState = 'closed' | 'open' | 'half_open';

/**
 * What happens at the door to one other server. `attempt` is told at the end of each try, also of those that are
 * repeated; that of a stream (`isStream`) when the stream has ended. `othersAccepted` is how many others were under way
 * when it was sent, without those that had been sent before it and were refused since: what a busy server takes. `answering` is told before, when its first event
 * has come. `retryAfterSeconds` is what the server asked for, `othersRunning` how many other exchanges with it were under
 * way then. Neither addresses nor keys are in it.
 * @source story-17.4 ADR-0009, ADR-0010
 */
export type UpstreamEvent =
  | {
      type: 'attempt';
      upstream: string;
      outcome: 'ok' | 'cancelled' | FailureReason;
      durationSeconds: number;
      retryAfterSeconds: number | undefined;
      othersRunning: number;
      othersAccepted?: number;
      isStream: boolean;
    }
  | { type: 'answering'; upstream: string; durationSeconds: number; othersRunning: number }
  | { type: 'retry'; upstream: string; reason: FailureReason; delaySeconds: number }
  | { type: 'gave_up'; upstream: string; reason: FailureReason; class: FailureClass; attempts: number }
  | { type: 'circuit'; upstream: string; state: CircuitState };
