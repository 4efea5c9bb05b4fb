import type { FastifyInstance } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { onTestFinished } from 'vitest';
import { createServer, type ServerOptions } from '../../src/http/index.js';
import { createLogger } from '../../src/logger.js';

/**
 * The real HTTP server around the given routes, closed when the test ends. Use `inject`, or `listen` for real sockets.
 */
export async function startTestServer(
  routes: FastifyPluginAsyncZod[],
  options: Partial<ServerOptions> = {},
): Promise<FastifyInstance> {
  const server = await createServer({
    logger: createLogger('silent'),
    version: '0.0.0-test',
    allowedHosts: [],
    corsOrigins: [],
    apiToken: undefined,
    routes,
    foldUrl: (url) => url,
    draining: () => false,
    onEvent: () => {},
    ...options,
  });
  onTestFinished(async () => {
    await server.close();
  });
  return server;
}
