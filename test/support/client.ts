import type { FastifyInstance, InjectOptions } from 'fastify';
import { type Client, createClient } from '../../src/client/index.js';

/** The typed client of a server that need not listen. Streams of events want one that does. */
export const clientOf = (server: FastifyInstance): Client =>
  createClient({
    url: 'http://localhost',
    fetch: async (url, { method, headers, body } = {}) => {
      const request = { method, url: String(url), headers, payload: body } as InjectOptions;
      const { statusCode: status, headers: received, rawPayload } = await server.inject(request);
      const isEmpty = status === 204 || status === 304;
      return new Response(isEmpty ? null : new Uint8Array(rawPayload), {
        status,
        headers: Object.entries(received).map(([name, value]): [string, string] => [name, String(value)]),
      });
    },
  });
