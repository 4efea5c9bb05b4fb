import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { type Summary, summarySchema } from './summary-schema.js';

/** What the route takes and answers. @source product contract, Monitoring (`GET /metrics/summary`) */
export const summaryOperations = {
  getMetricsSummary: {
    tags: ['monitoring'],
    operationId: 'getMetricsSummary',
    summary: 'The figures of the service: totals since its start, rates and percentiles of the last five minutes',
    querystring: z.strictObject({}),
    response: { 200: summarySchema, ...problemResponses(400) },
  },
};

/**
 * `GET /metrics/summary`.
 * @source product contract, Monitoring; story-17.4 Dev Notes (`MetricsSummary`)
 */
export function summaryRoutes(read: () => Promise<Summary>): FastifyPluginAsyncZod {
  return async (server) => {
    server.get('/metrics/summary', { schema: summaryOperations.getMetricsSummary }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return read();
    });
  };
}
