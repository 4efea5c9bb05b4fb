import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isRehearsal, problemResponses } from '../http/index.js';
import { type Analysis, type AnalysisRow, analysisInputSchema, analysisRowSchema } from './analysis/analysis.js';
import { listParametersSchema, listQueryOf } from './list-parameters.js';
import { createKnownAddresses } from './query/cache/known-addresses.js';
import { pageText } from './query/page-text.js';
import type { Explanation, ListQuery, TrajectoryRepository } from './query/trajectory-repository.js';
import { trajectoryRecordSchema } from './trajectory.js';

/** What the routes need. @source product contract, Trajectories */
export interface TrajectoryRoutesOptions extends TrajectoryRepository {
  setAnalysis(trajectoryId: string, analysis: Analysis): Promise<AnalysisRow>;
  /** What a rehearsal reads, since no client has asked; the same as clients when left out. */
  unasked?: Pick<TrajectoryRepository, 'list'>;
}

/** One row of the list, whole. @source product contract, Trajectories ("each row") */
export const listedTrajectorySchema = trajectoryRecordSchema
  .extend({
    questionId: z.string().describe('the same as data_id'),
    isSuccess: z.boolean().describe('from the analysis row; without one, whether the reward is above 0'),
    category: z.string().describe('from the analysis row, else empty'),
    rootCause: z.string().describe('from the analysis row, else empty'),
  })
  .meta({ id: 'ListedTrajectory' });

const explanationSchema = z.object({
  variant: z.enum(['optimized', 'baseline']),
  plan: z.array(z.string()).describe('the steps of reading; their wording may change'),
  indexes: z.array(z.object({ column: z.string(), kind: z.string() })).describe('those that the filter uses'),
  row_ids: z.enum(['hit', 'miss', 'off']).describe('whether the order of the rows is known already'),
  query_cache: z.enum(['hit', 'miss', 'off']).describe('whether the answer is known already'),
});

/** One page of the list. @source product contract, Trajectories ("GET /api/trajectories") */
export const trajectoryPageSchema = z
  .object({
    data: z.array(listedTrajectorySchema.partial()).describe('whole records unless `fields` narrows'),
    total: z.int().min(0),
    page: z.int().min(1).optional().describe('absent in a walk'),
    pageSize: z.int().min(1),
    next_cursor: z.string().nullable().optional().describe('in a walk: for the next part; null at the end'),
    explain: explanationSchema.optional(),
  })
  .meta({ id: 'TrajectoryPage' });

const idParameters = z.strictObject({ trajectory_id: z.string().min(1) });
const noQuery = z.strictObject({});
const json = 'application/json; charset=utf-8';

/**
 * Asks for a page and writes it as JSON text.
 * @source product contract, Trajectories ("answers `{data, total, page, pageSize}`")
 */
export async function listText(
  trajectories: Pick<TrajectoryRepository, 'list'>,
  query: ListQuery,
  explain?: Explanation,
): Promise<Buffer> {
  return pageText(await trajectories.list(query), query, explain);
}

/** What the routes take and answer. @source product contract, Trajectories */
export const trajectoryOperations = {
  listTrajectories: {
    tags: ['trajectories'],
    operationId: 'listTrajectories',
    summary: 'Lists trajectories: filtered, sorted, paged',
    querystring: listParametersSchema,
    response: { 200: trajectoryPageSchema, ...problemResponses(400, 422) },
  },
  getTrajectory: {
    tags: ['trajectories'],
    operationId: 'getTrajectory',
    summary: 'One trajectory, whole',
    params: idParameters,
    querystring: noQuery,
    response: { 200: listedTrajectorySchema, ...problemResponses(400, 404) },
  },
  setTrajectoryAnalysis: {
    tags: ['trajectories'],
    operationId: 'setTrajectoryAnalysis',
    summary: 'Stores what was found out about a trajectory',
    params: idParameters,
    querystring: noQuery,
    body: analysisInputSchema,
    response: { 200: analysisRowSchema, ...problemResponses(400, 404, 413, 415, 503) },
  },
};

/**
 * `/api/trajectories`: the list, one record, its analysis. Answers are put together from stored JSON text.
 * @source product contract, Trajectories; trajectory-optimization 2.2
 */
export function trajectoryRoutes(trajectories: TrajectoryRoutesOptions): FastifyPluginAsyncZod {
  const known = createKnownAddresses();
  const { unasked = trajectories } = trajectories;
  const listFor = (request: FastifyRequest, query: ListQuery, explain?: Explanation) =>
    listText(isRehearsal(request) ? unasked : trajectories, query, explain);
  return async (server) => {
    server.get(
      '/api/trajectories',
      {
        schema: trajectoryOperations.listTrajectories,
        async onRequest(request, reply) {
          const query = known.get(request.url);
          if (!query) return;
          reply.type(json);
          return reply.send((await listFor(request, query)) as never);
        },
      },
      async (request, reply) => {
        const query = listQueryOf(request.query);
        const explain = request.query.explain ? await trajectories.explain(query) : undefined;
        if (!explain) known.add(request.url, query);
        reply.type(json);
        return reply.send((await listFor(request, query, explain)) as never);
      },
    );

    server.get(
      '/api/trajectories/:trajectory_id',
      {
        schema: trajectoryOperations.getTrajectory,
      },
      async (request, reply) => {
        const text = await trajectories.get(request.params.trajectory_id);
        reply.type(json);
        return reply.send(text as never);
      },
    );

    server.put(
      '/api/trajectories/:trajectory_id/analysis',
      {
        schema: trajectoryOperations.setTrajectoryAnalysis,
      },
      async (request) => trajectories.setAnalysis(request.params.trajectory_id, request.body),
    );
  };
}
