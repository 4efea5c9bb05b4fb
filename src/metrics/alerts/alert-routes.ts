import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { type Alert, alertSchema } from './alert.js';

/** What the route takes and answers. @source product contract, Monitoring (`GET /metrics/alerts`) */
export const alertOperations = {
  getAlerts: {
    tags: ['monitoring'],
    operationId: 'getAlerts',
    summary: 'The alerts that fire now, the worst first',
    querystring: z.strictObject({}),
    response: {
      200: z.object({ alerts: z.array(alertSchema), total: z.int().min(0) }),
      ...problemResponses(400),
    },
  },
};

/**
 * `GET /metrics/alerts`.
 * @source product contract, Monitoring; story-17.4 Dev Notes (`AlertList`)
 */
export function alertRoutes(alerts: { active(): Alert[] }): FastifyPluginAsyncZod {
  return async (server) => {
    server.get('/metrics/alerts', { schema: alertOperations.getAlerts }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      const active = alerts.active();
      return { alerts: active, total: active.length };
    });
  };
}
