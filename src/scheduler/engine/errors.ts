import { Problem } from '../../errors.js';

const shown = (id: string) => JSON.stringify(id.length > 80 ? `${id.slice(0, 80)}…` : id);

/** @source story-17.4 ADR-0004; product contract, Settled details (Agents and memory) */
export function taskIdTaken(id: string, pointer: string): Problem {
  const message = `expected each task to have an id of its own, got ${shown(id)} twice`;
  return new Problem({ code: 'JOB_TASK_ID_TAKEN', kind: 'unprocessable', message, faults: [{ pointer, message }] });
}

/** @source story-17.4 ADR-0004 (dependency-aware execution) */
export function dependencyUnknown(id: string, wanted: string, pointer: string): Problem {
  const message = `expected task ${shown(id)} to depend on tasks of the same job, got ${shown(wanted)}`;
  return new Problem({
    code: 'JOB_DEPENDENCY_UNKNOWN',
    kind: 'unprocessable',
    message,
    faults: [{ pointer, message }],
  });
}

/**
 * @param cycle the ids along the circle, the first one again at its end
 * @source story-17.4 ADR-0004 (topological order)
 */
export function dependencyCycle(cycle: string[]): Problem {
  const names = cycle.map(shown);
  const path = names.length > 12 ? [...names.slice(0, 10), '…', names.at(-1)] : names;
  const message = `expected no task to depend on itself, got ${path.join(' -> ')}`;
  return new Problem({ code: 'JOB_DEPENDENCY_CYCLE', kind: 'unprocessable', message });
}

/**
 * @param expected how many of what there may be
 * @source product contract, Promises 6; RFC 6585 section 4
 */
export function jobsFull(expected: string, retryAfterSeconds: number): Problem {
  return new Problem({
    code: 'JOBS_QUEUE_FULL',
    kind: 'too_many',
    message: `expected at most ${expected}; try again in ${retryAfterSeconds} s`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  });
}

/** @source product contract, Agents (`GET /agents/jobs/{id}`) */
export function jobNotFound(): Problem {
  return new Problem({ code: 'JOB_NOT_FOUND', kind: 'missing', message: 'there is no such job, or not any more' });
}

/** @source product contract, Settled details (`POST /agents/jobs/{id}/cancel`) */
export function jobAlreadyEnded(status: string): Problem {
  return new Problem({ code: 'JOB_ALREADY_ENDED', kind: 'conflict', message: `the job has ended: it is ${status}` });
}

/** @source product contract, Promises 1 */
export function jobsNotWritable(cause: unknown): Problem {
  const message = 'the job could not be made durable and was not accepted; it may be sent again';
  return new Problem({ code: 'JOBS_NOT_WRITABLE', kind: 'unavailable', message, cause });
}

/** @source story-17.4 ADR-0004 (time-out per task) */
export function taskTimedOut(timeoutMs: number): Problem {
  const message = `expected the task to end within ${timeoutMs / 1000} s of its start`;
  return new Problem({ code: 'JOB_TASK_TIMEOUT', kind: 'upstream_timeout', message });
}

/** @source story-17.4 ADR-0004 (time-out in total) */
export function jobTimedOut(timeoutMs: number): Problem {
  const message = `expected the job to end within ${timeoutMs / 1000} s of its start`;
  return new Problem({ code: 'JOB_TIMEOUT', kind: 'upstream_timeout', message });
}
