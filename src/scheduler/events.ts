import type { LimitReason, LoadReadings } from './capacity/capacity.js';
import type { UpstreamLimitReason } from './capacity/upstream-capacity.js';
import type { TaskKind } from './task.js';

/**
 * How a task ended: `refused` never waited (the queue was full), `expired` passed its deadline, `cancelled` was given
 * up by its caller or by the end of the service.
 * @source story-17.4 task 3
 */
export type TaskOutcome = 'completed' | 'failed' | 'cancelled' | 'expired' | 'refused';

/**
 * What the scheduler decided. `limit` is told when it changes, or its reason alone (`previous` is equal then), with the
 * load (`cpu` and `memory` as shares, `event_loop` in milliseconds); a task is told when it starts and when it ends.
 * @source product contract, Monitoring ("Every decision is a log line and a metric")
 */
export type SchedulerEvent =
  | {
      type: 'limit';
      limit: number;
      previous: number;
      reason: LimitReason;
      load: LoadReadings;
      waiting: number;
      running: number;
    }
  | {
      type: 'upstream_limit';
      upstream: string;
      limit: number;
      previous: number;
      reason: UpstreamLimitReason;
      running: number;
    }
  | { type: 'task_started'; kind: TaskKind; waitSeconds: number }
  | { type: 'task_ended'; kind: TaskKind; outcome: TaskOutcome; durationSeconds: number };
