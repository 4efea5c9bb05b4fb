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
  /** Ends what has not ended, as cancelled or interrupted. */
  stop(as: 'cancelled' | 'interrupted'): void;
}

const defaultParallel = 50;
const retryFullMs = 1000;

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
  const ordered = dependencyOrder(request.tasks);
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
  let waiting = ordered;
  let underWay = 0;
  let ended = 0;
  let stoppedAs: 'cancelled' | 'interrupted' | 'failed' | undefined;
  let stopTimeout = () => {};
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
  };
  const endJob = () => {
    if (ended < job.tasks.length || hasEnded(job)) return;
    stopTimeout();
    const isFine = job.tasks.length === 0 || job.tasks.some(({ status }) => status === 'completed');
    job.status = stoppedAs ?? (isFine ? 'completed' : 'failed');
    job.ended_at = seconds();
    tell({ type: 'job', status: job.status });
    announceEnd(job);
  };

  /** Starts what can be, skips what never can. */
  const proceed = () => {
    if (stoppedAs !== undefined) return endJob();
    const left: JobTaskRequest[] = [];
    for (const each of waiting) {
      const task = tasks.get(each.id) as JobTask;
      const needs = each.dependsOn.map((id) => tasks.get(id) as JobTask);
      const lost = needs.find(({ status }) => status === 'failed' || status === 'skipped');
      if (lost !== undefined) {
        const message = `it depends on ${JSON.stringify(lost.id)}, which was ${lost.status === 'failed' ? 'not completed' : 'skipped'}`;
        endTask(task, 'skipped', { code: 'JOB_TASK_SKIPPED', message });
      } else if (underWay < parallel && needs.every(({ status }) => status === 'completed')) {
        hand(each, task);
      } else left.push(each);
    }
    waiting = left;
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
          waiting = [each, ...waiting];
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
    if (stoppedAs !== undefined) return endTask(task, stoppedAs === 'interrupted' ? 'interrupted' : 'cancelled');
    if (!(error instanceof Problem)) onFault(error);
    endTask(task, 'failed', errorOf(error));
  };
  const stop = (as: 'cancelled' | 'interrupted' | 'failed', why?: Problem) => {
    if (hasEnded(job) || (stoppedAs !== undefined && as !== 'interrupted')) return;
    stoppedAs ??= as;
    controller.abort(why ?? new Error(`the job was ${as}`));
    for (const task of job.tasks) {
      // What runs when a job is cancelled may have begun to write: its own end says what it is.
      if (as === 'cancelled' && task.status === 'running') continue;
      endTask(task, as === 'interrupted' ? 'interrupted' : 'cancelled', why && errorOf(why));
    }
    endJob();
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

/** Runs the task; when its own time is over its signal aborts and `onLate` is told, and its slot stays taken. */
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
  const cancel = clock.after(timeoutMs, () => {
    const late = taskTimedOut(timeoutMs);
    controller.abort(late);
    onLate(late);
  });
  try {
    return await run({ signal: controller.signal, permit, results });
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
