/**
 * Describes the routes of the service, and shows them: a second server that never listens, with the same routes but
 * nothing behind them. It is made when somebody first asks, since it takes a tenth of a second and most services are
 * never asked.
 */
import type { SwaggerTransformObject } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type FastifyRequest, type RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { problemMediaType } from './problem.js';

/**
 * A route as the document needs it.
 * @source OpenAPI 3.1, Operation Object
 */
export type DescribedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema'>;

/**
 * An answer of the page or one of its files. `headers` leave out those of the connection.
 * @source RFC 9110 section 6
 */
export interface PageAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

/**
 * The OpenAPI document as JSON text, and the page that shows it.
 * @source OpenAPI 3.1; product contract, HTTP (`/openapi.json`, `/docs`)
 */
export interface Documentation {
  text: string;
  page(request: Pick<FastifyRequest, 'method' | 'url' | 'headers'>): Promise<PageAnswer>;
  close(): Promise<void>;
}

interface Content {
  content?: Record<string, unknown>;
}

/** Gives errors their media type, drops the twins of schemas that are never sent to the service, and sorts the rest. */
const tidyDocument: SwaggerTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input) as {
    paths?: Record<string, Record<string, { responses?: Record<string, Content> }>>;
    components?: { schemas?: Record<string, unknown> };
  };
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      const json = response.content?.['application/json'];
      if (json !== undefined && JSON.stringify(json).includes('/Problem"')) {
        response.content = { [problemMediaType]: json };
      }
      if (status === '204' || status === '304') delete response.content;
    }
  }
  const schemas = document.components?.schemas ?? {};
  const used = JSON.stringify(document.paths);
  const shown = Object.keys(schemas).filter((name) => !name.endsWith('Input') || used.includes(`/${name}"`));
  // They come in the order in which modules were loaded, which is another one in each program.
  if (document.components)
    document.components.schemas = Object.fromEntries(shown.sort().map((name) => [name, schemas[name]]));
  return document as ReturnType<SwaggerTransformObject>;
};

const ofTheConnection = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

/**
 * @param routes all of them, in the order in which they were added
 * @source OpenAPI 3.1.0; @fastify/swagger documentation
 */
export async function openDocumentation(routes: readonly DescribedRoute[], version: string): Promise<Documentation> {
  const server: FastifyInstance = fastify({
    logger: false,
    schemaController: {
      // Nothing is ever asked here that would be checked.
      compilersFactory: {
        buildValidator: () => (() => () => true) as never,
        buildSerializer: () => () => JSON.stringify,
      },
    },
  });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'canvas-learning-backend',
        version,
        description: 'Canvas files, agent trajectories and learning memory behind one service.',
      },
      tags: [
        { name: 'canvases', description: 'JSON Canvas 1.0 files in the vault' },
        { name: 'trajectories', description: 'Agent trajectories: import and query' },
        { name: 'analysis', description: 'What became of trajectories: verdicts, statistics, failures' },
        { name: 'questions', description: 'Trajectories grouped by the question they answer' },
        { name: 'agents', description: 'Agents that work on a node of a canvas, singly and in jobs' },
        { name: 'memory', description: 'Learning events, facts, and search by meaning' },
        { name: 'monitoring', description: 'Health, metrics' },
        { name: 'admin', description: 'Optimisations and upkeep' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: tidyDocument,
  });
  await server.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  for (const route of routes) server.route({ ...route, handler: async () => undefined } as RouteOptions);
  await server.ready();
  return {
    text: JSON.stringify(server.swagger()),
    async page({ method, url, headers }) {
      const answer = await server.inject({ method: method === 'HEAD' ? 'HEAD' : 'GET', url, headers });
      const kept = Object.entries(answer.headers).filter(([name]) => !ofTheConnection.has(name));
      return {
        status: answer.statusCode,
        headers: Object.fromEntries(kept) as PageAnswer['headers'],
        body: answer.rawPayload,
      };
    },
    close: () => server.close(),
  };
}
