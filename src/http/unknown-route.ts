import type { FastifyInstance } from 'fastify';
import { Problem } from '../errors.js';

const patternOf = (route: string) =>
  new RegExp(
    `^${route
      .split('/')
      .map((part) =>
        part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('/')}$`,
  );

/**
 * What is said of an address that does not exist.
 * @source RFC 9110 section 15.5.5
 */
export const routeUnknown = (): Problem =>
  new Problem({ code: 'ROUTE_UNKNOWN', kind: 'missing', message: 'No such address; /docs lists them all' });

/**
 * Answers what no route takes: 405 with `Allow` when the address exists for other methods, else 404.
 * Call it before the routes are added.
 * @source RFC 9110 sections 15.5.5 and 15.5.6
 */
export function installUnknownRoute(server: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  server.addHook('onRoute', (route) => {
    routes.push({ pattern: patternOf(route.url), methods: [route.method].flat() });
  });
  server.setNotFoundHandler((request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods);
    if (allowed.length === 0) throw routeUnknown();
    const methods = [...new Set(allowed)].sort().join(', ');
    throw new Problem({
      code: 'METHOD_NOT_ALLOWED',
      kind: 'method_not_allowed',
      message: `Expected one of ${methods}, got ${request.method}`,
      headers: { allow: methods },
    });
  });
}
