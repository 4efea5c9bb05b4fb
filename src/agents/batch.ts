import { z } from 'zod';
import type { JobRequest, TaskContext } from '../scheduler/index.js';
import type { AgentResult } from './agent-runner.js';
import { placeUnknown } from './errors.js';
import { type Invocation, invocationSchema } from './parameters.js';

const maxInvocations = 500;
/** In all calls of a batch: each is kept, stored and shown. */
const maxDependencies = 5000;
const maxParallel = 50;
/** Below a single call's 5: somebody waits for that one. */
const batchPriority = 4;
/** What one call may take once it has begun. */
const timeoutMs = 15 * 60 * 1000;
/** What all of them may take: five hundred calls one after another, on a small machine, come to some hours. */
const defaultTotalSeconds = 12 * 60 * 60;
const maxTotalSeconds = 24 * 60 * 60;
/** Where the calls are in what the client sent. */
const pointer = '/invocations';

const member = invocationSchema.extend({
  id: z.string().min(1).max(100).optional().describe('its place in the list, from 0, if left out'),
  depends_on: z
    .array(z.union([z.string().min(1).max(100), z.int().min(0)]))
    .max(maxInvocations)
    .default([])
    .describe('ids, or places in the list from 0; it starts when they have completed'),
});

/**
 * Calls of agents to run together, as `POST /agents/batch` takes them.
 * @source product contract, Agents and Settled details (`invocations[].id?`, `invocations[].depends_on`)
 */
export const batchSchema = z.strictObject({
  invocations: z
    .array(member)
    .min(1)
    .max(maxInvocations)
    .refine((members) => members.reduce((sum, { depends_on }) => sum + depends_on.length, 0) <= maxDependencies, {
      message: `expected at most ${maxDependencies} entries of depends_on in all`,
    }),
  parallel: z
    .int()
    .min(1)
    .max(maxParallel)
    .optional()
    .describe('at most so many at once; the scheduler may allow fewer'),
  timeout_seconds: z
    .int()
    .min(1)
    .max(maxTotalSeconds)
    .default(defaultTotalSeconds)
    .describe('what has not ended by then is cancelled, and the job has failed'),
});

/**
 * Calls of agents to run together.
 * @source product contract, Agents (`POST /agents/batch`)
 */
export type Batch = z.infer<typeof batchSchema>;

/**
 * The batch as a job of the execution engine: one task a call, in the order of the list.
 * @throws Problem JOB_DEPENDENCY_UNKNOWN
 * @source product contract, Agents ("dependency-aware"); story-17.4 ADR-0004
 */
export function jobOf(
  { invocations, parallel, timeout_seconds: totalSeconds }: Batch,
  run: (invocation: Invocation, context: TaskContext) => Promise<AgentResult>,
): JobRequest {
  const ids = invocations.map(({ id }, index) => id ?? String(index));
  const idOf = (wanted: string | number, index: number) => {
    const id = typeof wanted === 'string' ? wanted : ids[wanted];
    if (id === undefined) throw placeUnknown(Number(wanted), ids.length, `${pointer}/${index}/depends_on`);
    return id;
  };
  return {
    name: 'agents',
    pointer,
    timeoutMs: totalSeconds * 1000,
    ...(parallel === undefined ? {} : { parallel }),
    tasks: invocations.map(({ id: _, depends_on: wanted, ...invocation }, index) => ({
      id: ids[index] as string,
      dependsOn: [...new Set(wanted.map((each) => idOf(each, index)))],
      schedule: { name: invocation.agent_type, kind: 'agent', priority: batchPriority, upstream: 'model' },
      timeoutMs,
      run: (context) => run(invocation, context),
    })),
  };
}
