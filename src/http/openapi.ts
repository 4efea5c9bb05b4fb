import type { SwaggerTransformObject } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { problemMediaType } from './problem.js';

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

/**
 * The OpenAPI 3.1 document at `/openapi.json`, made from the schemas that validate, and a page to read it at `/docs`
 * which needs no internet. Call it before the routes are added.
 * @source OpenAPI 3.1.0; @fastify/swagger documentation
 */
export async function installOpenApi(server: FastifyInstance, version: string): Promise<void> {
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
  server.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger());
}
