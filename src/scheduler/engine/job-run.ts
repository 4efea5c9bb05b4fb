/**
 * One job while it runs. Tasks go to the scheduler as soon as all that they depend on has completed; what depends on a
 * failed one is skipped. Every task ends in exactly one status, and the job when all have.
 */
import { Problem } from '../../errors.js';
import type { Clock } from '../clock.js';
import type { Scheduler } from '../scheduler.js';
import type { TaskContext } from '../task.js';
import { dependencyOrder } from './dependency-order.js';
import { jobTimedOut, taskTimedOut } from './errors.js';
import { hasEnded, type Job, type JobEvent, type JobRequest, type JobTask, type JobTaskRequest } from './job.js';

/**
 * @source story-17.4 ADR-0004
 */
export interface JobRunOptions {
  id: string;
  request: JobRequest;
  run: Scheduler['run'];
  clock: Clock;
  /** Epoch milliseconds. */
  wall(): number;
  /** Told after each change. */
  onEvent(event: JobEvent, job: Job): void;
  /** An error that is no Problem: for the log. */
  onFault(error: unknown): void;
}

/**
 * @source story-17.4 ADR-0004
 */
export interface JobRun {
  readonly job: Job;
  readonly events: readonly JobEvent[];
  /** Whether no more events will come. */
  readonly hasToldAll: boolean;
  /** Resolves when every task has ended. */
  readonly ended: Promise<Job>;
  start(): void;
  /** Ends what has not begun, as cancelled or interrupted; what runs is told to end, and says itself how it ended. */
  stop(as: 'cancelled' | 'interrupted'): void;
}

const defaultParallel = 50;
const retryFullMs = 1000;
/** What runs is told to end, and then says itself how it ended: it may have begun to write. So long it is waited for. */
const endWithinMs = 5000;

const errorOf = (error: unknown) =>
  error instanceof Problem
    ? { code: error.code, message: error.message }
    : { code: 'INTERNAL', message: 'the service failed; its log has the cause' };

/**
 * @throws Problem when the dependencies cannot be ordered
 * @source story-17.4 ADR-0004
 */
export function createJobRun(options: JobRunOptions): JobRun {
  const { request, clock, wall, onEvent, onFault } = options;
  const ordered = dependencyOrder(request.tasks, request.pointer);
  const parallel = request.parallel ?? defaultParallel;
  const seconds = () => wall() / 1000;
  const job: Job = {
    id: options.id,
    name: request.name,
    status: 'pending',
    created_at: seconds(),
    tasks: request.tasks.map(({ id, dependsOn }) => ({ id, status: 'pending', depends_on: [...dependsOn] })),
  };
  const tasks = new Map(job.tasks.map((task) => [task.id, task]));
  const results = new Map<string, unknown>();
  const events: JobEvent[] = [];
  const controller = new AbortController();
  /** How many of those that it depends on have not completed, by task; and who waits for a task. */
  const missing = new Map<string, number>();
  const dependants = new Map<string, JobTaskRequest[]>();
  for (const each of ordered) {
    const needs = new Set(each.dependsOn);
    missing.set(each.id, needs.size);
    for (const id of needs) {
      const others = dependants.get(id);
      if (others === undefined) dependants.set(id, [each]);
      else others.push(each);
    }
  }
  const ready = ordered.filter(({ id }) => missing.get(id) === 0);
  let underWay = 0;
  let ended = 0;
  let stoppedAs: 'cancelled' | 'interrupted' | 'failed' | undefined;
  let stoppedWhy: Problem | undefined;
  let stopTimeout = () => {};
  let stopWaiting = () => {};
  let announceEnd: (job: Job) => void = () => {};
  const endPromise = new Promise<Job>((resolve) => {
    announceEnd = resolve;
  });

  const tell = (event: { type: 'task'; task: JobTask } | { type: 'job'; status: Job['status'] }) => {
    const numbered = { seq: events.length + 1, ...event, ended, total: job.tasks.length } as JobEvent;
    events.push(numbered);
    onEvent(numbered, job);
  };
  const endTask = (task: JobTask, status: JobTask['status'], error?: { code: string; message: string }) => {
    if (task.ended_at !== undefined) return;
    task.status = status;
    if (error) task.error = error;
    task.ended_at = seconds();
    ended++;
    tell({ type: 'task', task: { ...task } });
    if (stoppedAs === undefined) tellDependants(task);
  };
  /** Those that have all they need may begin; those that never will are skipped. */
  const tellDependants = ({ id, status }: JobTask) => {
    for (const each of dependants.get(id) ?? []) {
      if (status === 'completed') {
        const left = (missing.get(each.id) as number) - 1;
        missing.set(each.id, left);
        if (left === 0) ready.push(each);
      } else {
        const message = `it depends on ${JSON.stringify(id)}, which was ${status === 'failed' ? 'not completed' : 'skipped'}`;
        endTask(tasks.get(each.id) as JobTask, 'skipped', { code: 'JOB_TASK_SKIPPED', message });
      }
    }
  };
  /** Ends a task because the job was stopped. */
  const endStopped = (task: JobTask) =>
    endTask(task, stoppedAs === 'interrupted' ? 'interrupted' : 'cancelled', stoppedWhy && errorOf(stoppedWhy));
  const endJob = () => {
    if (ended < job.tasks.length || hasEnded(job)) return;
    stopTimeout();
    stopWaiting();
    const isFine = job.tasks.length === 0 || job.tasks.some(({ status }) => status === 'completed');
    job.status = stoppedAs ?? (isFine ? 'completed' : 'failed');
    job.ended_at = seconds();
    tell({ type: 'job', status: job.status });
    announceEnd(job);
  };

  const proceed = () => {
    while (stoppedAs === undefined && underWay < parallel) {
      const next = ready.shift();
      if (next === undefined) break;
      hand(next, tasks.get(next.id) as JobTask);
    }
    endJob();
  };

  const hand = (each: JobTaskRequest, task: JobTask) => {
    underWay++;
    // The work itself tells its end: the scheduler answers at once when it is given up, while the work may yet succeed.
    const work = async (context: TaskContext) => {
      task.status = 'running';
      task.started_at = seconds();
      tell({ type: 'task', task: { ...task } });
      try {
        const result = await withinTime(each, context, clock, results, (late) => {
          endTask(task, 'failed', errorOf(late));
          proceed();
        });
        if (task.ended_at === undefined) {
          results.set(task.id, result);
          if (result !== undefined) task.result = result;
        }
        endTask(task, 'completed');
      } catch (error) {
        failed(task, error);
      }
      if (stoppedAs !== undefined) endJob();
    };
    const settled = () => {
      underWay--;
      proceed();
    };
    options.run(work, { ...each.schedule, signal: controller.signal }).then(settled, (error) => {
      const isFull = error instanceof Problem && error.code === 'SCHEDULER_QUEUE_FULL';
      if (isFull && stoppedAs === undefined) {
        // The job was accepted; that others fill the queue meanwhile is no failure of it.
        clock.after(retryFullMs, () => {
          ready.unshift(each);
          settled();
        });
        return;
      }
      if (task.status !== 'running') failed(task, error);
      settled();
    });
  };
  const failed = (task: JobTask, error: unknown) => {
    if (task.ended_at !== undefined) return;
    if (stoppedAs !== undefined) return endStopped(task);
    if (!(error instanceof Problem)) onFault(error);
    endTask(task, 'failed', errorOf(error));
  };
  const stop = (as: 'cancelled' | 'interrupted' | 'failed', why?: Problem) => {
    if (hasEnded(job) || (stoppedAs !== undefined && as !== 'interrupted')) return;
    stoppedAs ??= as;
    stoppedWhy ??= why;
    controller.abort(why ?? new Error(`the job was ${as}`));
    for (const task of job.tasks) if (task.status !== 'running') endStopped(task);
    endJob();
    if (as === 'cancelled' || hasEnded(job)) return;
    stopWaiting();
    stopWaiting = clock.after(endWithinMs, () => {
      for (const task of job.tasks) endStopped(task);
      endJob();
    });
  };

  return {
    job,
    events,
    get hasToldAll() {
      return events.at(-1)?.type === 'job' && hasEnded(job);
    },
    ended: endPromise,
    start() {
      job.status = 'running';
      job.started_at = seconds();
      tell({ type: 'job', status: 'running' });
      const { timeoutMs } = request;
      if (timeoutMs !== undefined) stopTimeout = clock.after(timeoutMs, () => stop('failed', jobTimedOut(timeoutMs)));
      proceed();
    },
    stop,
  };
}

/**
 * Runs the task; when its own time is over its signal aborts. `onLate` is told where it has not ended a while later; its
 * slot stays taken then.
 */
async function withinTime(
  { run, timeoutMs }: JobTaskRequest,
  { signal, permit }: TaskContext,
  clock: Clock,
  results: ReadonlyMap<string, unknown>,
  onLate: (problem: Problem) => void,
): Promise<unknown> {
  if (timeoutMs === undefined) return run({ signal, permit, results });
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let cancel = clock.after(timeoutMs, () => {
    const late = taskTimedOut(timeoutMs);
    cancel = clock.after(endWithinMs, () => onLate(late));
    controller.abort(late);
  });
  try {
    return await run({ signal: controller.signal, permit, results });
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
