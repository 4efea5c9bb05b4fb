import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../http/index.js';
import type { Flags } from './flags.js';

const flagsSchema = z.record(
  z.string().meta({ description: 'Name of the flag; `all` is the master switch' }),
  z.object({
    enabled: z.boolean().meta({ description: 'Its own switch in the configuration' }),
    effective: z.boolean().meta({ description: 'Whether it is on now' }),
    since: z.iso.datetime().meta({ description: 'When it was last turned on or off' }),
    reason: z.string(),
  }),
);

const noQuery = z.strictObject({});

/**
 * `GET /admin/flags` (what is on, since when and why) and `POST /admin/reload` (read the file now).
 * @source product contract, Monitoring
 */
export function optimizationRoutes(flags: Flags): FastifyPluginAsyncZod {
  return async (server) => {
    server.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store');
      done();
    });
    server.get(
      '/admin/flags',
      {
        schema: {
          tags: ['admin'],
          operationId: 'listFlags',
          summary: 'Which optimisations are on, since when and why',
          querystring: noQuery,
          response: { 200: z.object({ flags: flagsSchema }), ...problemResponses(400) },
        },
      },
      async () => ({ flags: flags.list() }),
    );
    server.post(
      '/admin/reload',
      {
        schema: {
          tags: ['admin'],
          operationId: 'reloadFlags',
          summary: 'Read the optimisation configuration now',
          querystring: noQuery,
          response: {
            200: z.object({
              changed: z.array(z.string()).meta({ description: 'Switches that are not as before' }),
              flags: flagsSchema,
            }),
            ...problemResponses(400, 422),
          },
        },
      },
      async () => {
        const changed = flags.reload();
        return { changed, flags: flags.list() };
      },
    );
  };
}
