import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../http/index.js';
import type { Flags } from './flags.js';

const flagsSchema = z.record(
  z.string().meta({ description: 'Name of the flag; `all` is the master switch' }),
  z.object({
    enabled: z
      .boolean()
      .meta({ description: 'Its own switch in the configuration; off while auto_rollback keeps it off' }),
    effective: z.boolean().meta({ description: 'Whether it is on now' }),
    since: z.iso.datetime().meta({ description: 'When it was last turned on or off' }),
    reason: z.string(),
  }),
);

const noQuery = z.strictObject({});
const changedSchema = z.array(z.string()).meta({ description: 'Switches that are not as before' });

/** What the routes take and answer. @source product contract, Monitoring (`/admin/flags`, `/admin/reload`) */
export const optimizationOperations = {
  listFlags: {
    tags: ['admin'],
    operationId: 'listFlags',
    summary: 'Which optimisations are on, since when and why',
    querystring: noQuery,
    response: { 200: z.object({ flags: flagsSchema }), ...problemResponses(400) },
  },
  setFlag: {
    tags: ['admin'],
    operationId: 'setFlag',
    summary: 'Turn one optimisation, or all, on or off: at once, and in the configuration file',
    params: z.strictObject({
      name: z.string().meta({ description: 'Name of the flag; `all` is the master switch' }),
    }),
    querystring: noQuery,
    body: z.strictObject({ enabled: z.boolean('expected true or false') }),
    response: {
      200: z.object({ changed: changedSchema, flags: flagsSchema }),
      ...problemResponses(400, 404, 409, 413, 415, 503),
    },
  },
  reloadFlags: {
    tags: ['admin'],
    operationId: 'reloadFlags',
    summary: 'Read the optimisation configuration now',
    querystring: noQuery,
    response: {
      200: z.object({
        changed: changedSchema,
        flags: flagsSchema,
      }),
      ...problemResponses(400, 422),
    },
  },
};

/**
 * `GET /admin/flags` (what is on, since when and why), `PUT /admin/flags/{name}` (set one switch, in the file too) and
 * `POST /admin/reload` (read the file now).
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
        schema: optimizationOperations.listFlags,
      },
      async () => ({ flags: flags.list() }),
    );
    server.put(
      '/admin/flags/:name',
      {
        schema: optimizationOperations.setFlag,
      },
      async (request) => {
        const { id: request_id, ip: client } = request;
        const changed = flags.set(request.params.name, request.body.enabled, { request_id, client });
        return { changed, flags: flags.list() };
      },
    );
    server.post(
      '/admin/reload',
      {
        schema: optimizationOperations.reloadFlags,
      },
      async () => {
        const changed = flags.reload();
        return { changed, flags: flags.list() };
      },
    );
  };
}
