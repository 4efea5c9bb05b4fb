import type { Permit } from '../upstream/index.js';

/**
 * What asks to be run. Requests are what somebody waits for; all else is background: it never takes the last slots,
 * and ages like everything, so that it does not starve either.
 * @source story-17.4 task 3; product contract, Optimisations (`scheduler`)
 */
export type TaskKind = 'agent' | 'import' | 'embedding' | 'compression' | 'prewarm';

/**
 * - `name`: for the log; `kind`: for metrics and for whether it is background.
 * - `priority`: 0 to 9, higher first; 5 for requests and 1 for background when left out. Waiting raises it by one each
 *   `ageing_seconds`.
 * - `weight`: how many slots it takes; 1 when left out, at most the limit.
 * - `upstream`: the other server it asks, whose own limit then holds too.
 * - `maxPauseMs`: it is refused where that server wants to be left alone for longer; it waits for ever when left out.
 * - `deadlineMs`: from now; a task that has not ended by then is given up.
 * - `signal`: gives it up.
 * @source story-17.4 task 3 (ResourceAwareScheduler)
 */
export interface TaskOptions {
  name: string;
  kind: TaskKind;
  priority?: number;
  weight?: number;
  upstream?: string;
  maxPauseMs?: number;
  deadlineMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * What a running task gets. `signal` aborts at its deadline, when its caller gives it up, and when the service stops.
 * `permit` is its place at the other server that it asks, for its calls, one at a time.
 * @source story-17.4 task 3
 */
export interface TaskContext {
  readonly signal: AbortSignal;
  readonly permit?: Permit | undefined;
}

/** @source story-17.4 task 3 */
export type Task<T> = (context: TaskContext) => Promise<T> | T;

/**
 * @source product contract, Optimisations (`scheduler`)
 */
export function isBackground(kind: TaskKind): boolean {
  return kind !== 'agent';
}
