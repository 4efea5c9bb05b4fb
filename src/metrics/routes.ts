import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../http/index.js';
import type { Metrics } from './metrics.js';

/** What the routes take and answer. @source product contract, Monitoring (`GET /metrics`) */
export const metricsOperations = {
  getMetrics: {
    tags: ['monitoring'],
    operationId: 'getMetrics',
    summary: 'All metrics in the text format of Prometheus',
    querystring: z.strictObject({}),
    response: { 200: z.string(), ...problemResponses(400) },
  },
};

/**
 * `GET /metrics`, for Prometheus to scrape.
 * @source product contract, Monitoring
 */
export function metricsRoutes(metrics: Metrics): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/metrics',
      {
        schema: metricsOperations.getMetrics,
      },
      async (_request, reply) => {
        const text = await metrics.text();
        return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text);
      },
    );
  };
}
