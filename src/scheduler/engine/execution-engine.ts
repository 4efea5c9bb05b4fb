/**
 * Runs jobs: tasks that depend on each other, through the scheduler. A job is on disk before it is accepted, again
 * about a second after a task of it has ended, and when it has ended itself; one that had not ended when the process
 * did is `interrupted` at the next start. How many tasks wait, how many jobs are kept and for how long is bounded. It
 * does not run anything a second time by itself.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import { schedulerClosed } from '../errors.js';
import type { Scheduler } from '../scheduler.js';
import { jobAlreadyEnded, jobNotFound, jobsFull, jobsNotWritable } from './errors.js';
import { hasEnded, type Job, type JobRequest, type JobStatus } from './job.js';
import { openJobFiles } from './job-files.js';
import { followRun, type JobFollower, type JobListener } from './job-follower.js';
import { createJobRun, type JobRun } from './job-run.js';
import { type JobSaves, openJobSaves } from './job-saves.js';

/**
 * What happens with jobs.
 * @source product contract, Monitoring
 */
export type EngineEvent =
  | { type: 'job_accepted'; tasks: number }
  | { type: 'job_ended'; status: JobStatus; durationSeconds: number };

/**
 * - `folder`: where jobs are kept.
 * - `maxUnfinishedTasks`: in all jobs (default 2000); with those that have ended in jobs that have not, five times as
 *   many. `maxKept` jobs (default 200) are kept for `keepDays` (default 7)
 *   after their end.
 * @source story-17.4 ADR-0004; product contract, Promises 6
 */
export interface EngineOptions {
  scheduler: Pick<Scheduler, 'run'>;
  folder: string;
  logger: Logger;
  onEvent: (event: EngineEvent) => void;
  maxUnfinishedTasks?: number;
  maxKept?: number;
  keepDays?: number;
  clock?: Clock;
  /** Epoch milliseconds. */
  wall?: () => number;
}

/** @source story-17.4 ADR-0004 */
export interface ExecutionEngine {
  /**
   * Accepts a job, durably, and begins it.
   * @throws Problem `JOB_TASK_ID_TAKEN`, `JOB_DEPENDENCY_UNKNOWN`, `JOB_DEPENDENCY_CYCLE`, `JOBS_QUEUE_FULL`,
   * `JOBS_NOT_WRITABLE`
   */
  submit(request: JobRequest): Promise<{ job: Job; ended: Promise<Job> }>;
  /** @throws Problem `JOB_NOT_FOUND` */
  find(id: string): Promise<Job>;
  /**
   * Ends what has not begun, and tells what runs to end.
   * @throws Problem `JOB_NOT_FOUND`, `JOB_ALREADY_ENDED`
   */
  cancel(id: string): Promise<Job>;
  /**
   * Tells the listener every event after `afterSeq` (0: from the beginning), the missed ones at once; while it returns
   * a promise, the next event waits for that. Of a job that ended some while ago only the end is told.
   * @returns what stops it, and what resolves when the last event was told
   * @throws Problem `JOB_NOT_FOUND`
   */
  watch(id: string, afterSeq: number, listener: JobListener): Promise<{ stop(): void; ended: Promise<void> }>;
  /** Ends all jobs as `interrupted`. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;
/** What ended tasks answered stays in memory until their job has ended. */
const heldPerUnfinished = 5;
const retryAfterSeconds = 5;
/** A job whose tasks end is written down no more often than this. */
const saveEveryMs = 1000;

/**
 * Opens the engine; jobs of an earlier process that had not ended become `interrupted`.
 * @throws Error when the folder cannot be used
 * @source story-17.4 ADR-0004; product contract, Settled details (Agents and memory)
 */
export async function openExecutionEngine(options: EngineOptions): Promise<ExecutionEngine> {
  const { scheduler, folder, logger, onEvent, clock = systemClock, wall = Date.now } = options;
  const { maxUnfinishedTasks = 2000, maxKept = 200, keepDays = 7 } = options;
  const files = await openJobFiles(folder, (name) =>
    logger.warn({ job: name }, 'a job cannot be read and is left out'),
  );
  const runs = new Map<string, { run: JobRun; saves: JobSaves; followers: Set<JobFollower> }>();
  const endings = new Set<Promise<Job>>();
  let endedJobs: { id: string; endedMs: number }[] = [];
  let unfinishedTasks = 0;
  let heldTasks = 0;
  let isClosed = false;

  const forget = async () => {
    const oldestMs = wall() - keepDays * dayMs;
    const kept = endedJobs.slice(-maxKept).filter(({ endedMs }) => endedMs >= oldestMs);
    const dropped = endedJobs.filter((each) => !kept.includes(each));
    endedJobs = kept;
    for (const { id } of dropped) await files.remove(id);
  };
  for (const job of await files.load()) {
    if (!hasEnded(job)) {
      interrupt(job, wall() / 1000);
      await files.save(job);
    }
    endedJobs.push({ id: job.id, endedMs: (job.ended_at ?? job.created_at) * 1000 });
  }
  endedJobs.sort((a, b) => a.endedMs - b.endedMs);
  await forget();

  const onJobEnded = async (job: Job, saves: JobSaves) => {
    heldTasks -= job.tasks.length;
    onEvent({ type: 'job_ended', status: job.status, durationSeconds: (job.ended_at ?? 0) - job.created_at });
    await saves.finish().catch((error) => logger.error({ err: error, job: job.id }, 'the end of a job was not stored'));
    runs.delete(job.id);
    endedJobs.push({ id: job.id, endedMs: wall() });
    await forget().catch((error) => logger.warn({ err: error }, 'an old job could not be removed'));
  };
  const known = async (id: string): Promise<Job> => {
    const job = runs.get(id)?.run.job ?? (await files.find(id));
    if (job === undefined) throw jobNotFound();
    return job;
  };

  return {
    async submit(request) {
      const id = randomUUID();
      const followers = new Set<JobFollower>();
      const run = createJobRun({
        id,
        request,
        run: scheduler.run,
        clock,
        wall,
        onEvent: (event) => {
          if (event.type === 'task' && event.task.ended_at !== undefined) {
            unfinishedTasks--;
            saves.changed();
          }
          for (const follower of followers) follower.proceed();
        },
        onFault: (error) => logger.error({ err: error, job: id }, 'a task of a job failed'),
      });
      const saves = openJobSaves(run.job, {
        files,
        clock,
        everyMs: saveEveryMs,
        onFailed: (error) => logger.warn({ err: error, job: id }, 'how far a job has come was not stored'),
      });
      if (isClosed) throw schedulerClosed();
      const tasks = request.tasks.length;
      const maxHeld = maxUnfinishedTasks * heldPerUnfinished;
      if (unfinishedTasks + tasks > maxUnfinishedTasks) {
        throw jobsFull(`${maxUnfinishedTasks} unfinished tasks in all jobs`, retryAfterSeconds);
      }
      if (heldTasks + tasks > maxHeld) throw jobsFull(`${maxHeld} tasks in unfinished jobs`, retryAfterSeconds);
      unfinishedTasks += tasks;
      heldTasks += tasks;
      try {
        await files.save(run.job);
      } catch (error) {
        unfinishedTasks -= tasks;
        heldTasks -= tasks;
        throw jobsNotWritable(error);
      }
      runs.set(id, { run, saves, followers });
      onEvent({ type: 'job_accepted', tasks });
      const ended = run.ended.then(async (job) => {
        await onJobEnded(job, saves);
        endings.delete(ended);
        return job;
      });
      endings.add(ended);
      run.start();
      if (isClosed) run.stop('interrupted');
      return { job: run.job, ended };
    },
    find: known,
    async cancel(id) {
      const running = runs.get(id);
      const job = await known(id);
      if (running === undefined || hasEnded(job)) throw jobAlreadyEnded(job.status);
      running.run.stop('cancelled');
      return job;
    },
    async watch(id, afterSeq, listener) {
      const running = runs.get(id);
      if (running === undefined) {
        const { status, tasks } = await known(id);
        await listener({
          seq: Math.max(1, afterSeq + 1),
          type: 'job',
          status,
          ended: tasks.length,
          total: tasks.length,
        });
        return { stop() {}, ended: Promise.resolve() };
      }
      const { run, followers } = running;
      const follower = followRun(run, afterSeq, listener, (error) =>
        logger.warn({ err: error, job: id }, 'one who followed a job could not be told'),
      );
      followers.add(follower);
      void follower.ended.then(() => followers.delete(follower));
      return follower;
    },
    async close() {
      isClosed = true;
      for (const { run } of runs.values()) run.stop('interrupted');
      await Promise.all(endings);
    },
  };
}

function interrupt(job: Job, now: number): void {
  job.status = 'interrupted';
  job.ended_at = now;
  for (const task of job.tasks) {
    if (task.ended_at !== undefined) continue;
    task.status = 'interrupted';
    task.ended_at = now;
  }
}
