import fastify, { type FastifyInstance } from 'fastify';
import { type FastifyPluginAsyncZod, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { Problem } from '../errors.js';
import type { Logger } from '../logger.js';
import { answerBrokenRequest } from './broken-request.js';
import { createErrorHandler } from './error-handler.js';
import { installJsonBody } from './json-body.js';
import { installOpenApi } from './openapi.js';
import { installConnectionClosing } from './requests/connection-closing.js';
import { type DirectRoute, installDirectAnswers } from './requests/direct-answers.js';
import { createGuard, installGuard } from './requests/guard.js';
import { idleTimeoutMs, installIdleTime } from './requests/idle-time.js';
import { createRequestLog, installRequestLog, type RequestEvent } from './requests/request-log.js';
import { installUnknownRoute } from './unknown-route.js';

/**
 * What the server is built from. `routes` are the parts' plugins, mounted in order; `foldUrl` rewrites an address
 * before it is routed; `draining` turns every new request away with 503 while the service stops; `direct` answers plain
 * requests in front of the framework.
 * @source product contract, HTTP
 */
export interface ServerOptions {
  logger: Logger;
  version: string;
  allowedHosts: string[];
  corsOrigins: string[];
  apiToken: string | undefined;
  /** Patterns of routes that answer without the token, beside those of health: they tell nothing of the service. */
  openPaths?: readonly string[];
  routes: FastifyPluginAsyncZod[];
  direct?: DirectRoute | undefined;
  foldUrl(url: string): string;
  draining(): boolean;
  onEvent(event: RequestEvent): void;
}

const maxParamBytes = 16 * 1024;
const headersTimeoutMs = 30_000;
const requestTimeoutMs = 30 * 60_000;

/** What a page of an allowed origin may read beside the body. */
const exposedHeaders = [
  'Accept-Patch',
  'Cache-Status',
  'ETag',
  'Last-Modified',
  'Location',
  'Preference-Applied',
  'Retry-After',
  'X-Request-Id',
];

let lastRequestNumber = 0;

function requestId(given: string | string[] | undefined): string {
  if (typeof given === 'string' && /^[\w.-]{1,64}$/.test(given)) return given;
  lastRequestNumber += 1;
  return `${process.pid}-${lastRequestNumber}`;
}

/**
 * Builds the HTTP server: guard, one log line a request, problem documents, OpenAPI, then the parts' routes. It does
 * not listen. Slow clients are cut: headers after 30 s, a silent socket after 75 s
 * unless it waits for its answer, a whole request after 30 min.
 * @source Fastify documentation, "Server"; RFC 9110
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const sendError = createErrorHandler(options.logger);
  const server: FastifyInstance = fastify({
    logger: false,
    genReqId: (request) => requestId(request.headers['x-request-id']),
    rewriteUrl: (request) => options.foldUrl(request.url ?? '/'),
    routerOptions: { maxParamLength: maxParamBytes },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: idleTimeoutMs,
    http: { headersTimeout: headersTimeoutMs },
    exposeHeadRoutes: true,
    // Given here, the framework's own compilers are never loaded, which would cost a tenth of a second at each start.
    schemaController: {
      compilersFactory: {
        buildValidator: () => validatorCompiler as never,
        buildSerializer: () => () => JSON.stringify,
      },
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: sendError,
  });
  server.setErrorHandler(sendError);
  installUnknownRoute(server);
  installConnectionClosing(server);
  installIdleTime(server);
  const log = createRequestLog(options.logger, options.onEvent);
  installRequestLog(server, log);
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('x-request-id', request.id);
    if (options.draining() && request.routeOptions.url !== '/ready' && request.routeOptions.url !== '/health') {
      throw new Problem({
        code: 'SHUTTING_DOWN',
        kind: 'unavailable',
        message: 'The service is stopping and takes no new requests',
        headers: { connection: 'close', 'retry-after': '5' },
      });
    }
    done();
  });
  const { allowedHosts, corsOrigins, apiToken, openPaths = [] } = options;
  const guard = createGuard({ allowedHosts, corsOrigins, apiToken, openPaths: ['/health', '/ready', ...openPaths] });
  installGuard(server, guard);
  if (corsOrigins.length > 0) {
    const { default: cors } = await import('@fastify/cors');
    await server.register(cors, {
      origin: corsOrigins,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders,
    });
  }
  installJsonBody(server);
  installOpenApi(server, options.version);
  for (const plugin of options.routes) await server.withTypeProvider<ZodTypeProvider>().register(plugin);
  await server.ready();
  // With CORS each answer carries more headers, and which ones is the plugin's affair.
  if (options.direct && corsOrigins.length === 0) {
    const { direct: route, logger, draining } = options;
    installDirectAnswers(server, { route, guard, log, logger, requestId, draining });
  }
  return server;
}
