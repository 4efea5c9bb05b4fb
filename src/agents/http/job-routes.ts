import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { closingSignal, lastEventIdOf, openEventStream, problemResponses } from '../../http/index.js';
import { jobSchema } from '../../scheduler/index.js';
import type { Agents } from '../open-agents.js';

const params = z.object({ id: z.string().min(1).max(100) });
const noQuery = z.strictObject({});
const tags = ['agents'];

/** The number of the last event that the client has; 0 when it names none of ours. */
function seenSeq(id: string | undefined): number {
  return id !== undefined && /^\d{1,9}$/.test(id) ? Number(id) : 0;
}

/** What the routes take and answer. @source product contract, Agents (`GET /agents/jobs/{id}`) */
export const jobOperations = {
  readJob: {
    tags,
    operationId: 'readJob',
    summary: 'A job, with the state and the result of each of its calls',
    params,
    querystring: noQuery,
    response: { 200: jobSchema, ...problemResponses(400, 404) },
  },
  followJob: {
    tags,
    operationId: 'followJob',
    summary: 'What happens with a job, as server-sent events',
    description: '`task` for each change of a call, `job` for the whole; Last-Event-ID resumes. Ends with the job.',
    produces: ['text/event-stream'],
    params,
    querystring: noQuery,
    response: { 200: z.string().describe('an event stream'), ...problemResponses(400, 404) },
  },
  cancelJob: {
    tags,
    operationId: 'cancelJob',
    summary: 'Cancel a job: what has not begun never will, what runs is told to end',
    params,
    querystring: noQuery,
    response: { 200: jobSchema, ...problemResponses(400, 404, 409) },
  },
};

/**
 * Jobs of batches: to look at, to follow, to cancel.
 * @source product contract, Agents (`GET /agents/jobs/{id}` + SSE; cancel)
 */
export function jobRoutes({ jobs }: Pick<Agents, 'jobs'>): FastifyPluginAsyncZod {
  return async (server) => {
    const closing = closingSignal(server);
    server.get(
      '/agents/jobs/:id',
      {
        schema: jobOperations.readJob,
      },
      async (request) => jobs.find(request.params.id),
    );

    server.get(
      '/agents/jobs/:id/events',
      {
        schema: jobOperations.followJob,
      },
      async (request, reply) => {
        const { id } = request.params;
        await jobs.find(id);
        const stream = openEventStream(request, reply, { closing });
        const seen = seenSeq(lastEventIdOf(request));
        // A client that reads slowly keeps its place in the job; nothing is piled up for it.
        const watching = await jobs.watch(id, seen, ({ seq, type, ...data }) => {
          stream.send({ id: String(seq), event: type, data });
          return stream.drained();
        });
        void watching.ended.then(() => stream.close());
        void stream.closed.then(() => watching.stop());
        return reply;
      },
    );

    server.post(
      '/agents/jobs/:id/cancel',
      {
        schema: jobOperations.cancelJob,
      },
      async (request) => jobs.cancel(request.params.id),
    );
  };
}
