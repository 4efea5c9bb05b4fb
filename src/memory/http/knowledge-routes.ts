import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Fact } from '../graph/graph-memory.js';
import type { Knowledge } from '../graph/open-knowledge.js';
import { episodeOf, groupSchema, knowledgeQuerySchema, newKnowledgeSchema } from './knowledge-input.js';

/** What the routes need. @source product contract, Agents, memory */
export type KnowledgeRoutesOptions = Pick<Knowledge, 'add' | 'search' | 'deleteFact' | 'deleteEpisode' | 'deleteGroup'>;

const moment = z.string().nullable().describe('ISO 8601, UTC');
const factSchema = z
  .object({
    id: z.string(),
    fact: z.string(),
    score: z.number().describe('0 to 1; it orders this answer, and cannot be compared with that of another'),
    valid_at: moment,
    invalid_at: moment,
    created_at: moment,
    expired_at: moment,
    source: z.string().nullable(),
    target: z.string().nullable(),
    group_id: z.string().nullable(),
    episode_id: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Fact' });

const addedSchema = z
  .object({
    episode_id: z.string(),
    group_id: z.string(),
    state: z.enum(['stored', 'pending']).describe('pending: accepted by the graph server, which stores it later'),
    facts: z.int().nullable().describe('null: only the graph server will know'),
    facts_from: z.enum(['triplets', 'model', 'content', 'server']),
    ignored: z.array(z.string()).describe('parts of the input that this memory has no place for'),
  })
  .meta({ id: 'AddedKnowledge' });

const searchedSchema = z
  .object({
    results: z.array(factSchema).describe('best first'),
    cache: z.enum(['hit', 'miss', 'stale']).describe('stale: an earlier answer, while the memory is away'),
  })
  .meta({ id: 'FoundFacts' });

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

function shown(fact: Fact): z.infer<typeof factSchema> {
  return {
    id: fact.id,
    fact: fact.fact,
    score: fact.score,
    valid_at: iso(fact.validAt),
    invalid_at: iso(fact.invalidAt),
    created_at: iso(fact.createdAt),
    expired_at: iso(fact.expiredAt),
    source: fact.source,
    target: fact.target,
    group_id: fact.groupId,
    episode_id: fact.episodeId,
    metadata: { ...fact.metadata },
  };
}

/** The facts as they are sent. What the cache gives again is the same list, and is written down once. */
function resultsText(): (facts: readonly Fact[]) => string {
  const texts = new WeakMap<readonly Fact[], string>();
  return (facts) => {
    const known = texts.get(facts);
    if (known !== undefined) return known;
    const text = JSON.stringify(facts.map(shown));
    texts.set(facts, text);
    return text;
  };
}

const json = 'application/json; charset=utf-8';
const tags = ['memory'];
const noQuery = z.strictObject({});
const idParameter = (what: string) =>
  z.strictObject({ id: z.string().min(1).max(300, 'expected at most 300 characters').describe(`id of ${what}`) });

/** What the routes take and answer. @source product contract, Agents, memory (`/knowledge`) */
export const knowledgeOperations = {
  addKnowledge: {
    tags,
    operationId: 'addKnowledge',
    summary: 'Remember a text and the facts in it',
    description:
      'The facts are the given triplets; else those that the chat model finds, where one is set up; else the text itself, in passages. A fact that contradicts an earlier one ends it; nothing is deleted.',
    querystring: noQuery,
    body: newKnowledgeSchema,
    response: { 201: addedSchema, 202: addedSchema, ...problemResponses(400, 413, 415, 502, 503, 504, 507) },
  },
  searchKnowledge: {
    tags,
    operationId: 'searchKnowledge',
    summary: 'Facts by words and by meaning',
    querystring: noQuery,
    body: knowledgeQuerySchema,
    response: { 200: searchedSchema, ...problemResponses(400, 413, 415, 502, 503, 504) },
  },
  deleteFact: {
    tags,
    operationId: 'deleteFact',
    summary: 'Delete one fact',
    params: idParameter('a fact'),
    querystring: noQuery,
    response: { 204: z.null(), ...problemResponses(400, 404, 502, 503, 504) },
  },
  deleteEpisode: {
    tags,
    operationId: 'deleteEpisode',
    summary: 'Delete an episode and the facts that it alone told',
    params: idParameter('an episode'),
    querystring: noQuery,
    response: { 204: z.null(), ...problemResponses(400, 404, 502, 503, 504) },
  },
  deleteGroup: {
    tags,
    operationId: 'deleteGroup',
    summary: 'Delete everything of a group; an unknown one is deleted already',
    params: z.strictObject({ group_id: groupSchema }),
    querystring: noQuery,
    response: { 204: z.null(), ...problemResponses(400, 502, 503, 504) },
  },
};

/**
 * `/knowledge/add`, `/knowledge/search` and the deletes of the graph memory.
 * @source product contract, Agents, memory; story-17.4 task 4
 */
export function knowledgeRoutes(knowledge: KnowledgeRoutesOptions): FastifyPluginAsyncZod {
  const textOf = resultsText();
  return async (server) => {
    server.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store');
      done();
    });

    server.post(
      '/knowledge/add',
      {
        schema: knowledgeOperations.addKnowledge,
      },
      async (request, reply) => {
        const added = await knowledge.add(episodeOf(request.body));
        return reply.status(added.state === 'stored' ? 201 : 202).send({
          episode_id: added.id,
          group_id: request.body.group_id,
          state: added.state,
          facts: added.facts ?? null,
          facts_from: added.factsFrom,
          ignored: added.ignored,
        });
      },
    );

    server.post(
      '/knowledge/search',
      {
        schema: knowledgeOperations.searchKnowledge,
      },
      async (request, reply) => {
        const { query, top_k, group_ids, as_of } = request.body;
        const asOf = as_of === undefined ? undefined : Date.parse(as_of);
        const { facts, cache } = await knowledge.search({ text: query, limit: top_k, groupIds: group_ids, asOf });
        return reply.type(json).send(Buffer.from(`{"results":${textOf(facts)},"cache":"${cache}"}`) as never);
      },
    );

    server.delete(
      '/knowledge/facts/:id',
      {
        schema: knowledgeOperations.deleteFact,
      },
      async (request, reply) => {
        await knowledge.deleteFact(request.params.id);
        return reply.status(204).send(null);
      },
    );

    server.delete(
      '/knowledge/episodes/:id',
      {
        schema: knowledgeOperations.deleteEpisode,
      },
      async (request, reply) => {
        await knowledge.deleteEpisode(request.params.id);
        return reply.status(204).send(null);
      },
    );

    server.delete(
      '/knowledge/groups/:group_id',
      {
        schema: knowledgeOperations.deleteGroup,
      },
      async (request, reply) => {
        await knowledge.deleteGroup(request.params.group_id);
        return reply.status(204).send(null);
      },
    );
  };
}
