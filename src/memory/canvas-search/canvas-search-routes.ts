import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { CanvasSearch } from './open-canvas-search.js';

const maxQueryLength = 4096;
const questionSchema = z
  .strictObject({
    query: z
      .string('expected a text to search for')
      .max(maxQueryLength, `expected at most ${maxQueryLength} characters`)
      .refine((text) => text.trim() !== '', 'expected a text to search for'),
    top_k: z.int('expected a whole number').min(1, 'expected 1 or more').max(100, 'expected 100 or less').default(10),
    prefix: z.string().max(4096).default('').describe('only canvases whose path begins with this'),
  })
  .meta({ id: 'CanvasSearchRequest' });
const answerSchema = z
  .object({
    results: z
      .array(
        z.object({
          path: z.string(),
          node_id: z.string(),
          text: z.string().describe('what the node says, its first 4000 characters'),
          score: z.number().describe('the cosine, at most 1'),
        }),
      )
      .describe('most alike first'),
    complete: z.boolean().describe('false while changes of canvases are still waiting to be seen by the search'),
  })
  .meta({ id: 'CanvasSearchResults' });

/** What the routes take and answer. @source product contract, Settled details (`/canvas/search`) */
export const canvasSearchOperations = {
  searchCanvasNodes: {
    tags: ['memory'],
    operationId: 'searchCanvasNodes',
    summary: 'Nodes of all canvases whose text is most like the query',
    querystring: z.strictObject({}),
    body: questionSchema,
    response: { 200: answerSchema, ...problemResponses(400, 413, 415, 502, 503, 504) },
  },
};

/**
 * `POST /canvas/search`.
 * @source product contract, Settled details (`/canvas/search`)
 */
export function canvasSearchRoutes(search: Pick<CanvasSearch, 'search'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/canvas/search',
      {
        schema: canvasSearchOperations.searchCanvasNodes,
      },
      async (request, reply) => {
        const { query, top_k, prefix } = request.body;
        reply.header('cache-control', 'no-store');
        return search.search(query, top_k, prefix);
      },
    );
  };
}
