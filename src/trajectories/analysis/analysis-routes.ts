import type { IncomingMessage } from 'node:http';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Figures } from '../questions/figures.js';
import { type AnalysisImport, analysisImportResultSchema } from './analysis-import.js';
import { analysisEncodingUnsupported } from './errors.js';
import { distributionOf, failureDistributionSchema } from './failures/failure-figures.js';
import { statisticsSchema } from './statistics.js';

/** What the routes need. @source product contract, Trajectories ("/api/analysis") */
export interface AnalysisRoutesOptions {
  importAnalysis: AnalysisImport;
  figures: Figures;
}

const noQuery = z.strictObject({});
const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().min(1, 'expected 1 or more').max(max, `expected ${max} or less`));
const statisticsQuery = z.strictObject({
  k: wholeNumber(1_000_000).optional().describe('estimates pass_at_k for so many attempts'),
});
const distributionQuery = z.strictObject({
  limit: wholeNumber(1000).default(100).describe('most values of each distribution'),
});
const lineTypes = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/json',
  'application/octet-stream',
];

async function* noPieces(): AsyncGenerator<Buffer> {}

/** What the routes take and answer. @source product contract, Trajectories (`/api/analysis`) */
export const analysisOperations = {
  getAnalysisStatistics: {
    tags: ['analysis'],
    operationId: 'getAnalysisStatistics',
    summary: 'Successes, pass rates and averages over all trajectories',
    querystring: statisticsQuery,
    response: { 200: statisticsSchema, ...problemResponses(400) },
  },
  getFailureDistribution: {
    tags: ['analysis'],
    operationId: 'getFailureDistribution',
    summary: 'Failed trajectories by category, root cause and termination reason',
    querystring: distributionQuery,
    response: { 200: failureDistributionSchema, ...problemResponses(400) },
  },
  importAnalysis: {
    tags: ['analysis'],
    operationId: 'importAnalysis',
    summary: 'Stores analysis rows, one JSON object a line; durable when answered',
    consumes: lineTypes,
    querystring: noQuery,
    response: { 200: analysisImportResultSchema, ...problemResponses(400, 415, 429) },
  },
};

/**
 * `/api/analysis`: rows in bulk, and what they add up to.
 * @source product contract, Trajectories ("/api/analysis")
 */
export function analysisRoutes(options: AnalysisRoutesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/analysis/stats',
      {
        schema: analysisOperations.getAnalysisStatistics,
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return options.figures.statistics(request.query.k);
      },
    );

    server.get(
      '/api/analysis/failures/distribution',
      {
        schema: analysisOperations.getFailureDistribution,
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return distributionOf(await options.figures.failures(), request.query.limit);
      },
    );

    await server.register(async (uploads: Parameters<FastifyPluginAsyncZod>[0]) => {
      // In a scope of its own, since here every media type is a stream.
      uploads.removeAllContentTypeParsers();
      uploads.addContentTypeParser(lineTypes, (_request, body: IncomingMessage, done) => done(null, body));
      uploads.post(
        '/api/analysis/import',
        {
          schema: analysisOperations.importAnalysis,
        },
        async (request, reply) => {
          const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
          if (encoding !== 'identity') throw analysisEncodingUnsupported();
          reply.header('cache-control', 'no-store');
          return options.importAnalysis((request.body as AsyncIterable<Buffer> | undefined) ?? noPieces());
        },
      );
    });
  };
}
