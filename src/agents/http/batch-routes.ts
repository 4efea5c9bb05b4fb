import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { type Job, jobSchema } from '../../scheduler/index.js';
import { type Batch, batchSchema } from '../batch.js';
import type { Agents } from '../open-agents.js';
import { type AgentAnswer, agentAnswerSchema } from './answers.js';
import { hangUpSignal } from './hang-up.js';

const headers = z.object({ prefer: z.string().optional() }).loose();
const wantsNoWait = (prefer: string | undefined) => /(^|,)\s*respond-async\s*(;|,|$)/i.test(prefer ?? '');

/** The calls of a job that has ended, as their clients asked for them. */
function answersOf(job: Job, { invocations }: Batch): (AgentAnswer & { id: string })[] {
  return job.tasks.map((task, index) => ({
    id: task.id,
    success: task.status === 'completed',
    agent_type: (invocations[index] as Batch['invocations'][number]).agent_type,
    result: (task.result as AgentAnswer['result']) ?? null,
    error:
      task.status === 'completed'
        ? null
        : (task.error ?? { code: 'JOB_TASK_CANCELLED', message: `the call was not run to its end: ${task.status}` }),
    execution_time_ms: Math.max(0, Math.round(((task.ended_at ?? 0) - (task.started_at ?? task.ended_at ?? 0)) * 1000)),
  }));
}

/** What the routes take and answer. @source product contract, Agents (`POST /agents/batch`) */
export const batchOperations = {
  invokeAgents: {
    tags: ['agents'],
    operationId: 'invokeAgents',
    summary: 'Run several agents, in the order that they depend on each other',
    description:
      'With `Prefer: respond-async` the answer is 202 and a job to look at; otherwise it comes when all have ended, and hanging up cancels what has not begun.',
    headers,
    querystring: z.strictObject({}),
    body: batchSchema,
    response: {
      200: z.object({ job_id: z.string(), results: z.array(agentAnswerSchema.extend({ id: z.string() })) }),
      202: jobSchema,
      ...problemResponses(400, 413, 415, 422, 429, 503),
    },
  },
};

/**
 * `POST /agents/batch`: calls that may depend on each other, answered when all have ended, or at once as a job.
 * @source product contract, Agents; RFC 7240 section 4.1 (`respond-async`)
 */
export function batchRoutes(agents: Pick<Agents, 'submit' | 'jobs'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/agents/batch',
      {
        schema: batchOperations.invokeAgents,
      },
      async (request, reply) => {
        const hungUp = hangUpSignal(reply);
        const { job, ended } = await agents.submit(request.body);
        if (wantsNoWait(request.headers.prefer)) {
          reply.code(202).header('location', `/agents/jobs/${job.id}`).header('preference-applied', 'respond-async');
          return reply.send(job);
        }
        const cancel = () => void agents.jobs.cancel(job.id).catch(() => {});
        if (hungUp.aborted) cancel();
        else hungUp.addEventListener('abort', cancel, { once: true });
        const finished = await ended;
        return reply.code(200).send({ job_id: job.id, results: answersOf(finished, request.body) });
      },
    );
  };
}
