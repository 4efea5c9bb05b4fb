import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { onDemand } from '../on-demand.js';
import type { DescribedRoute, Documentation } from './documentation.js';
import { routeUnknown } from './unknown-route.js';

/** Where the page is, and what it loads. */
const pages = ['/docs', '/docs/', '/docs/json', '/docs/yaml', '/docs/static/*'];
const notFound = 404;

/**
 * The OpenAPI 3.1 document at `/openapi.json`, made from the schemas that validate, and a page to read it at `/docs`
 * which needs no internet. Both are made when they are first asked for. Call it before the routes are added.
 * @source OpenAPI 3.1.0; product contract, HTTP
 */
export function installOpenApi(server: FastifyInstance, version: string): void {
  const routes: DescribedRoute[] = [];
  server.addHook('onRoute', ({ method, url, schema }) => {
    if (method !== 'HEAD' && !schema?.hide) routes.push({ method, url, ...(schema && { schema }) });
  });
  let opened: Documentation | undefined;
  const documentation = onDemand(async () => {
    const { openDocumentation } = await import('./documentation.js');
    opened = await openDocumentation(routes, version);
    return opened;
  });
  server.addHook('onClose', () => opened?.close());

  const sendPage = async (request: FastifyRequest, reply: FastifyReply) => {
    const { page } = await documentation();
    const { status, headers, body } = await page(request);
    if (status === notFound) throw routeUnknown();
    return reply.code(status).headers(headers).send(body);
  };
  server.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    const { text } = await documentation();
    return reply.type('application/json; charset=utf-8').send(text);
  });
  for (const url of pages) server.get(url, { schema: { hide: true } }, sendPage);
}
