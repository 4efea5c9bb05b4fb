import { performance } from 'node:perf_hooks';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Agents } from '../open-agents.js';
import { invocationSchema } from '../parameters.js';
import { agentAnswerSchema, agentResultSchema } from './answers.js';
import { hangUpSignal } from './hang-up.js';

/** What the routes take and answer. @source product contract, Agents (`POST /agents/invoke`) */
export const invokeOperations = {
  invokeAgent: {
    tags: ['agents'],
    operationId: 'invokeAgent',
    summary: 'Run one agent on a node of a canvas',
    description:
      'The answer is drawn beside the node in one change of the canvas. Hanging up calls it off, unless the canvas is being written.',
    querystring: z.strictObject({}),
    body: invocationSchema,
    response: {
      200: agentAnswerSchema.extend({ success: z.literal(true), result: agentResultSchema }),
      ...problemResponses(400, 404, 413, 415, 422, 429, 502, 503, 504, 507),
    },
  },
};

/**
 * `POST /agents/invoke`: one call of one agent, answered when it is done.
 * @source product contract, Agents; story-17.4 task 3
 */
export function invokeRoutes(agents: Pick<Agents, 'invoke'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/agents/invoke',
      {
        schema: invokeOperations.invokeAgent,
      },
      async (request, reply) => {
        const startedAt = performance.now();
        const result = await agents.invoke(request.body, hangUpSignal(reply));
        return {
          success: true as const,
          agent_type: request.body.agent_type,
          result,
          error: null,
          execution_time_ms: Math.round(performance.now() - startedAt),
        };
      },
    );
  };
}
