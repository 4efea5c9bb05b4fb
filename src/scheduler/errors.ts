import { Problem } from '../errors.js';

/**
 * More waits than is kept; `retryAfterSeconds` is about when a place will be free.
 * @source product contract, Promises 6; RFC 6585 section 4
 */
export function queueFull(maxWaiting: number, retryAfterSeconds: number): Problem {
  return new Problem({
    code: 'SCHEDULER_QUEUE_FULL',
    kind: 'too_many',
    message: `expected at most ${maxWaiting} waiting tasks; try again in ${retryAfterSeconds} s`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  });
}

/**
 * The other server wants to be left alone for longer than the task would wait.
 * @source RFC 9110 section 10.2.3; story-17.4 task 3 ("the model endpoint's own answers")
 */
export function upstreamPaused(upstream: string, pauseMs: number): Problem {
  const seconds = Math.ceil(pauseMs / 1000);
  return new Problem({
    code: 'UPSTREAM_PAUSED',
    kind: 'unavailable',
    message: `${upstream} asked to be left alone for ${seconds} s more`,
    headers: { 'retry-after': String(seconds) },
  });
}

/**
 * The task had not ended at its deadline.
 * @source story-17.4 task 3 (deadline)
 */
export function deadlinePassed(deadlineMs: number, wasRunning: boolean): Problem {
  const when = wasRunning ? 'it was still running' : 'it was still waiting';
  return new Problem({
    code: 'TASK_DEADLINE_PASSED',
    kind: 'upstream_timeout',
    message: `expected the task to end within ${deadlineMs / 1000} s; ${when}`,
  });
}

/**
 * The service is stopping.
 * @source product contract, Monitoring ("503 while starting or draining")
 */
export function schedulerClosed(): Problem {
  return new Problem({
    code: 'SCHEDULER_CLOSED',
    kind: 'unavailable',
    message: 'the service is stopping and runs no more tasks',
  });
}
