import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../errors.js';

/**
 * Who may talk to the service. `allowedHosts` are names without port; IP addresses and `localhost` always pass, since
 * a foreign page can rebind a name but not an address. `corsOrigins` are full origins (`https://notes.example`).
 * @source product contract, "foreign Host/Origin are refused"
 */
export interface GuardOptions {
  allowedHosts: string[];
  corsOrigins: string[];
  apiToken: string | undefined;
  /** Addresses that answer without a token, so that a supervisor can ask whether the service lives. */
  openPaths: string[];
}

const digest = (text: string) => createHash('sha256').update(text).digest();

function hostnameOf(hostHeader: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*)(?::\d{1,5})?$/.exec(hostHeader);
  return match?.[1]?.toLowerCase().replace(/^\[|\]$/g, '');
}

/**
 * Refuses, before any work is done: a Host that is not ours (421), a page of a foreign Origin (403), and, when a token
 * is set, a request without it (401). Checked Host values are remembered, so that a busy client costs one map lookup.
 * @source RFC 9110 section 7.4; RFC 6750 (bearer token)
 */
export function installGuard(server: FastifyInstance, options: GuardOptions): void {
  const allowedNames = new Set(['localhost', ...options.allowedHosts.map((host) => host.toLowerCase())]);
  const allowedOrigins = new Set(options.corsOrigins);
  const openPaths = new Set(options.openPaths);
  const token = options.apiToken === undefined ? undefined : digest(options.apiToken);
  const trustedHosts = new Set<string>();

  const checkHost = (host: string) => {
    if (trustedHosts.has(host)) return;
    const name = hostnameOf(host);
    if (name === undefined || !(allowedNames.has(name) || isIP(name) !== 0)) {
      throw new Problem({
        code: 'HOST_NOT_ALLOWED',
        kind: 'misdirected',
        message: 'Expected a Host that this service is configured for',
      });
    }
    if (trustedHosts.size < 1000) trustedHosts.add(host);
  };

  const checkOrigin = (origin: string, host: string) => {
    if (origin === `http://${host}` || origin === `https://${host}` || allowedOrigins.has(origin)) return;
    throw new Problem({
      code: 'ORIGIN_NOT_ALLOWED',
      kind: 'forbidden',
      message: 'Expected a page of this service or of an allowed origin',
    });
  };

  const checkToken = (request: FastifyRequest, expected: Buffer) => {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
    throw new Problem({
      code: 'TOKEN_REQUIRED',
      kind: 'unauthorized',
      message: 'Expected "Authorization: Bearer" with the token of this service',
      headers: { 'www-authenticate': 'Bearer' },
    });
  };

  server.addHook('onRequest', (request, _reply, done) => {
    const { host, origin } = request.headers;
    checkHost(host ?? '');
    if (origin !== undefined) checkOrigin(origin, host ?? '');
    if (token && !openPaths.has(request.routeOptions.url ?? '') && request.method !== 'OPTIONS') {
      checkToken(request, token);
    }
    done();
  });
}
