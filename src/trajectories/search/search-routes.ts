import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { listedTrajectorySchema } from '../trajectory-routes.js';
import type { TrajectorySearch } from './open-search.js';

/** What the routes need. @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export type SearchRoutesOptions = Pick<TrajectorySearch, 'searchText' | 'searchSimilar'>;

const maxTextLength = 4096;
const sought = (what: string) =>
  z
    .string(`expected ${what}`)
    .max(maxTextLength, `expected at most ${maxTextLength} characters`)
    .refine((text) => text.trim() !== '', `expected ${what}`);
const limit = z
  .string()
  .regex(/^\d{1,4}$/, 'expected a whole number')
  .transform(Number)
  .pipe(z.number().min(1, 'expected 1 or more').max(100, 'expected 100 or less'));
const truth = z.enum(['true', 'false', '1', '0'], 'expected true or false').transform((v) => v === 'true' || v === '1');

const foundSchema = listedTrajectorySchema.extend({ score: z.number() }).meta({ id: 'FoundTrajectory' });
const foundByTextSchema = z
  .object({ data: z.array(foundSchema).describe('best first; score has no upper bound') })
  .meta({ id: 'FoundTrajectories' });
const similarSchema = z
  .object({
    data: z.array(foundSchema).describe('most alike first; score is the cosine, at most 1'),
    complete: z.boolean().describe('false while questions are still waiting for their vector'),
  })
  .meta({ id: 'SimilarTrajectories' });

const json = 'application/json; charset=utf-8';
const comma = Buffer.from(',');

function answerText(rows: readonly Buffer[], rest: Record<string, unknown>): Buffer {
  const end = JSON.stringify(rest).slice(1);
  return Buffer.concat([
    Buffer.from('{"data":['),
    ...rows.flatMap((row, i) => (i === 0 ? [row] : [comma, row])),
    Buffer.from(end === '}' ? ']}' : `],${end}`),
  ]);
}

/** What the routes take and answer. @source product contract, Trajectories (`search/q`, `similar/{question}`) */
export const searchOperations = {
  searchTrajectories: {
    tags: ['trajectories'],
    operationId: 'searchTrajectories',
    summary: 'Full-text search over question and ground truth',
    querystring: z.strictObject({
      q: sought('words to search for').describe('any of its words is enough; rows with more and rarer ones first'),
      limit: limit.default(20),
    }),
    response: { 200: foundByTextSchema, ...problemResponses(400, 422) },
  },
  similarTrajectories: {
    tags: ['trajectories'],
    operationId: 'similarTrajectories',
    summary: 'Trajectories whose question is like the given one',
    params: z.strictObject({ question: sought('a question') }),
    querystring: z.strictObject({
      limit: limit.default(10),
      group: truth.default(true).describe('false: all trajectories of each question, not one'),
    }),
    response: { 200: similarSchema, ...problemResponses(400, 422, 502, 503, 504) },
  },
};

/**
 * `/api/trajectories/search/q` and `/api/trajectories/similar/{question}`.
 * @source product contract, Trajectories (`search/q`, `similar/{question}`)
 */
export function searchRoutes(search: SearchRoutesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/trajectories/search/q',
      {
        schema: searchOperations.searchTrajectories,
      },
      async (request, reply) => {
        const { q, limit: most } = request.query;
        const rows = await search.searchText(q, most);
        reply.type(json).header('cache-control', 'no-store');
        return reply.send(answerText(rows, {}) as never);
      },
    );

    server.get(
      '/api/trajectories/similar/:question',
      {
        schema: searchOperations.similarTrajectories,
      },
      async (request, reply) => {
        const { limit: most, group } = request.query;
        const { rows, complete } = await search.searchSimilar(request.params.question, most, group);
        reply.type(json).header('cache-control', 'no-store');
        return reply.send(answerText(rows, { complete }) as never);
      },
    );
  };
}
