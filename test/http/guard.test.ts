import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { startTestServer } from '../support/server.js';

const counter = () => {
  let writes = 0;
  const routes: FastifyPluginAsyncZod = async (server) => {
    server.get('/health', async () => ({ ok: true }));
    server.post('/write', async () => {
      writes += 1;
      return { writes };
    });
  };
  return { routes, writes: () => writes };
};

test.each(['localhost', 'localhost:8000', '127.0.0.1:1', '[::1]:8000', 'notes.internal', 'NOTES.internal:80'])(
  'Host %s is served',
  async (host) => {
    const server = await startTestServer([counter().routes], { allowedHosts: ['notes.internal'] });
    expect((await server.inject({ url: '/health', headers: { host } })).statusCode).toBe(200);
  },
);

test.each(['evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', 'localhost:8000:1', '.', '[::1', 'a b'])(
  'Host "%s" is refused before anything is done',
  async (host) => {
    const { routes, writes } = counter();
    const server = await startTestServer([routes]);
    const answer = await server.inject({ method: 'POST', url: '/write', headers: { host } });
    expect([answer.statusCode, answer.json().code]).toEqual([421, 'HOST_NOT_ALLOWED']);
    expect(writes()).toBe(0);
  },
);

test.each(['http://evil.test', 'null', 'http://localhost:9999', 'https://notes.example.evil.test'])(
  'a page of origin %s is refused',
  async (origin) => {
    const { routes, writes } = counter();
    const server = await startTestServer([routes], { corsOrigins: ['https://notes.example'] });
    const headers = { host: 'localhost:8000', origin };
    const answer = await server.inject({ method: 'POST', url: '/write', headers });
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'ORIGIN_NOT_ALLOWED']);
    expect(writes()).toBe(0);
  },
);

test('its own pages and allowed origins are served, the latter with CORS headers', async () => {
  const server = await startTestServer([counter().routes], { corsOrigins: ['https://notes.example'] });
  const own = await server.inject({
    url: '/health',
    headers: { host: 'localhost:8000', origin: 'http://localhost:8000' },
  });
  expect(own.statusCode).toBe(200);
  const headers = { host: 'localhost:8000', origin: 'https://notes.example' };
  const allowed = await server.inject({ url: '/health', headers });
  expect(allowed.headers['access-control-allow-origin']).toBe('https://notes.example');
  const preflight = await server.inject({
    method: 'OPTIONS',
    url: '/write',
    headers: { ...headers, 'access-control-request-method': 'PUT' },
  });
  expect(preflight.statusCode).toBe(204);
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    expect(preflight.headers['access-control-allow-methods']).toContain(method);
  }
});

test('with a token set, only its bearer gets in; health stays open', async () => {
  const { routes, writes } = counter();
  const server = await startTestServer([routes], { apiToken: 'a-token-of-some-length' });
  const post = (authorization?: string) =>
    server.inject({ method: 'POST', url: '/write', headers: authorization === undefined ? {} : { authorization } });
  for (const wrong of [
    undefined,
    'Bearer wrong',
    'a-token-of-some-length',
    'Basic a-token-of-some-length',
    'Bearer ',
  ]) {
    const answer = await post(wrong);
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  }
  expect(writes()).toBe(0);
  expect((await post('Bearer a-token-of-some-length')).statusCode).toBe(200);
  expect((await post('bearer a-token-of-some-length')).statusCode).toBe(200);
  expect((await server.inject({ url: '/health' })).statusCode).toBe(200);
});
