import { z } from 'zod';
import type { TaskContext, TaskOptions } from '../task.js';

/**
 * What became of one task. `skipped`: one that it depends on did not complete; `interrupted`: the service ended.
 * @source story-17.4 ADR-0004; product contract, Settled details (Agents and memory)
 */
export const taskStatusSchema = z.enum([
  'pending',
  'running',
  'completed',
  'failed',
  'skipped',
  'cancelled',
  'interrupted',
]);

/** @source product contract, Settled details (Agents and memory) */
export type TaskStatus = z.infer<typeof taskStatusSchema>;

/**
 * `completed`: every task has ended and at least one did what it should; each tells its own outcome. `failed`: none
 * did, or the job's time was over.
 * @source product contract, Settled details ("Jobs: pending, running, completed, failed, cancelled, interrupted")
 */
export const jobStatusSchema = z.enum(['pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted']);

/** @source product contract, Settled details (Agents and memory) */
export type JobStatus = z.infer<typeof jobStatusSchema>;

/** Times are epoch seconds. @source product contract, Settled details (Agents and memory) */
export const jobTaskSchema = z.object({
  id: z.string(),
  status: taskStatusSchema,
  depends_on: z.array(z.string()),
  result: z.unknown().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  started_at: z.number().optional(),
  ended_at: z.number().optional(),
});

/** @source product contract, Settled details (Agents and memory) */
export type JobTask = z.infer<typeof jobTaskSchema>;

/**
 * A job as it is stored and shown; tasks in the order they were given in. Times are epoch seconds.
 * @source product contract, Agents (`GET /agents/jobs/{id}`)
 */
export const jobSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: jobStatusSchema,
  created_at: z.number(),
  started_at: z.number().optional(),
  ended_at: z.number().optional(),
  tasks: z.array(jobTaskSchema),
});

/** @source product contract, Agents (`GET /agents/jobs/{id}`) */
export type Job = z.infer<typeof jobSchema>;

/**
 * One task to be run. `run` gets what the tasks that it depends on answered, by their ids; what it answers must be
 * JSON. `timeoutMs` counts from its start.
 * @source story-17.4 ADR-0004
 */
export interface JobTaskRequest {
  id: string;
  dependsOn: readonly string[];
  schedule: Omit<TaskOptions, 'signal' | 'deadlineMs'>;
  timeoutMs?: number;
  run(context: TaskContext & { results: ReadonlyMap<string, unknown> }): Promise<unknown>;
}

/**
 * Tasks to be run together: `parallel` of them at once (50 when left out), all within `timeoutMs`. `pointer` is where the
 * client wrote them, a JSON pointer into what it sent (`/tasks` when left out), for what is wrong with one of them.
 * @source story-17.4 ADR-0004; product contract, Agents (`POST /agents/batch`)
 */
export interface JobRequest {
  name: string;
  tasks: readonly JobTaskRequest[];
  parallel?: number;
  timeoutMs?: number;
  pointer?: string;
}

/**
 * What watchers of a job are told; `seq` counts from 1 within the job.
 * @source story-17.4 ADR-0004 (progress callback: task id, result, error)
 */
export type JobEvent =
  | { seq: number; type: 'task'; task: JobTask; ended: number; total: number }
  | { seq: number; type: 'job'; status: JobStatus; ended: number; total: number };

const ended: ReadonlySet<string> = new Set<JobStatus>(['completed', 'failed', 'cancelled', 'interrupted']);

/** @source product contract, Settled details (Agents and memory) */
export function hasEnded(job: Job): boolean {
  return ended.has(job.status);
}
