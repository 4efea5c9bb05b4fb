import { readFileSync } from 'node:fs';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';

const files = {
  '/dashboard': { name: 'dashboard.html', type: 'text/html; charset=utf-8' },
  '/dashboard/dashboard.css': { name: 'dashboard.css', type: 'text/css; charset=utf-8' },
  '/dashboard/dashboard.js': { name: 'dashboard.js', type: 'text/javascript; charset=utf-8' },
} as const;

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'";

/**
 * The live page of the service and the two files it is made of; it needs nothing from the internet.
 * @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`)
 */
export function dashboardRoutes(): FastifyPluginAsyncZod {
  return async (server) => {
    for (const [url, { name, type }] of Object.entries(files)) {
      const body = readFileSync(new URL(`./page/${name}`, import.meta.url));
      server.get(
        url,
        {
          schema: {
            tags: ['monitoring'],
            operationId: `get_${name.replace('.', '_')}`,
            summary: 'The dashboard',
            querystring: z.strictObject({}),
            response: { 200: z.string(), ...problemResponses(400) },
          },
        },
        async (_request, reply) => {
          reply.header('cache-control', 'no-cache').header('content-security-policy', policy);
          return reply.type(type).send(body as never);
        },
      );
    }
  };
}
