import { connect } from 'node:net';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Problem } from '../../src/errors.js';
import { healthRoutes, problemResponses, type RequestEvent } from '../../src/http/index.js';
import { createLogger } from '../../src/logger.js';
import { startTestServer } from '../support/server.js';

const sampleRoutes: FastifyPluginAsyncZod = async (server) => {
  server.post(
    '/things/:id',
    {
      schema: {
        operationId: 'postThing',
        params: z.object({ id: z.string().max(8) }),
        querystring: z.strictObject({ size: z.coerce.number().optional() }),
        body: z.strictObject({ weight: z.number(), deep: z.unknown().optional() }),
        response: { 200: z.object({ id: z.string() }), ...problemResponses(400, 404) },
      },
    },
    async (request) => ({ id: request.params.id }),
  );
  server.get('/fails', async () => {
    throw new Error('secret /etc/passwd detail');
  });
  server.get('/full', async () => {
    throw new Problem({
      code: 'STORAGE_FULL',
      kind: 'storage_full',
      message: 'No room',
      headers: { 'retry-after': '60' },
      extra: { free_bytes: 0 },
    });
  });
};

const postThing = (payload: unknown, headers: Record<string, string> = {}, url = '/things/a') => ({
  method: 'POST' as const,
  url,
  headers: { 'content-type': 'application/json', ...headers },
  payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
});

test('an unknown address is 404 and a known one with another method is 405 with Allow', async () => {
  const server = await startTestServer([sampleRoutes]);
  const unknown = await server.inject({ url: '/nothing' });
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json()).toMatchObject({ code: 'ROUTE_UNKNOWN', status: 404, instance: '/nothing' });
  const wrongMethod = await server.inject({ method: 'DELETE', url: '/things/a' });
  expect(wrongMethod.statusCode).toBe(405);
  expect(wrongMethod.headers.allow).toBe('POST');
  expect(wrongMethod.headers['content-type']).toContain('application/problem+json');
});

test('faults of the input name the parameter or point into the body', async () => {
  const server = await startTestServer([sampleRoutes]);
  const body = await server.inject(postThing({ weight: 'heavy', colour: 1 }));
  expect(body.statusCode).toBe(400);
  expect(body.json().errors).toEqual([
    { pointer: '/weight', message: expect.stringContaining('expected number') },
    { pointer: '/colour', message: 'expected no such name' },
  ]);
  const query = await server.inject(postThing({ weight: 1 }, {}, '/things/a?size=big&shape=round'));
  expect(query.json().errors).toEqual([
    { parameter: 'size', message: expect.stringContaining('expected number') },
    { parameter: 'shape', message: 'expected no such name' },
  ]);
  const path = await server.inject(postThing({ weight: 1 }, {}, '/things/much-too-long'));
  expect(path.json().errors).toEqual([{ parameter: 'id', message: expect.any(String) }]);
});

test.each([
  ['no JSON', '{"weight":'],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['nested 5,000 deep', '['.repeat(5000)],
  ['a key that poisons prototypes', '{"weight":1,"__proto__":{"x":1}}'],
])('a body that is %s is a 400', async (_name, payload) => {
  const server = await startTestServer([sampleRoutes]);
  const answer = await server.inject(postThing(payload));
  expect(answer.statusCode).toBe(400);
  expect(answer.json().code).toBe('BODY_MALFORMED');
});

test('brackets inside strings do not count as nesting', async () => {
  const server = await startTestServer([sampleRoutes]);
  const answer = await server.inject(postThing({ weight: 1, deep: `"${'['.repeat(500)}\\` }));
  expect(answer.statusCode).toBe(200);
});

test('a body of another type is 415, and one over the limit is 413', async () => {
  const server = await startTestServer([sampleRoutes]);
  const text = await server.inject(postThing('{"weight":1}', { 'content-type': 'text/plain' }));
  expect(text.statusCode).toBe(415);
  const large = await server.inject(postThing({ weight: 1, deep: 'x'.repeat(1_100_000) }));
  expect(large.statusCode).toBe(413);
});

test('a fault of the service says nothing about its insides and is logged with its cause', async () => {
  const lines: string[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const server = await startTestServer([sampleRoutes], { logger });
  const answer = await server.inject({ url: '/fails' });
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toMatch(/passwd|secret|at .+\(/);
  expect(lines.some((line) => line.includes('secret /etc/passwd detail'))).toBe(true);
});

test('a problem carries its headers and further members', async () => {
  const server = await startTestServer([sampleRoutes]);
  const answer = await server.inject({ url: '/full' });
  expect(answer.statusCode).toBe(507);
  expect(answer.headers['retry-after']).toBe('60');
  expect(answer.json()).toMatchObject({
    type: 'urn:problem:canvas-learning-backend:storage-full',
    title: 'Insufficient Storage',
    free_bytes: 0,
  });
});

test('an address with broken percent-encoding is a 400', async () => {
  const server = await startTestServer([sampleRoutes]);
  const answer = await server.inject({ url: '/%zz' });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().code).toBe('URL_MALFORMED');
});

test('each request makes one log line and two events, counted by the route and not by the address', async () => {
  const lines: string[] = [];
  const events: RequestEvent[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(line) });
  const server = await startTestServer([sampleRoutes], { logger, onEvent: (event) => events.push(event) });
  const answer = await server.inject({
    ...postThing({ weight: 1 }, { 'x-request-id': 'abc-1', authorization: 'Bearer topsecret' }),
    url: '/things/a?size=3',
  });
  expect(answer.headers['x-request-id']).toBe('abc-1');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    requestId: 'abc-1',
    path: '/things/a',
    status: 200,
    method: 'POST',
  });
  expect(lines[0]).not.toContain('topsecret');
  expect(events.map((event) => event.type)).toEqual(['started', 'answered']);
  expect(events[1]).toMatchObject({ endpoint: '/things/:id', status: 200, method: 'POST' });
  expect((events[1] as { durationSeconds: number }).durationSeconds).toBeGreaterThan(0);
});

test('a request whose client hangs up before the answer is counted and logged all the same', async () => {
  let hangUp = () => {};
  const hungUp = new Promise<RequestEvent>((resolve) => {
    const waits: FastifyPluginAsyncZod = async (server) => {
      server.get('/waits', (_request, reply) => {
        reply.raw.write('half');
        hangUp();
      });
    };
    void startTestServer([waits], {
      onEvent: (event) => event.type === 'answered' && resolve(event),
    }).then(async (server) => {
      await server.listen({ port: 0, host: '127.0.0.1' });
      const { port } = server.server.address() as { port: number };
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n'));
      hangUp = () => socket.destroy();
    });
  });
  expect(await hungUp).toMatchObject({ endpoint: '/waits', status: 499 });
});

test('a request id that could break a log line is replaced', async () => {
  const server = await startTestServer([sampleRoutes]);
  const answer = await server.inject({ url: '/full', headers: { 'x-request-id': 'a b"c' } });
  expect(answer.headers['x-request-id']).toMatch(/^\d+-\d+$/);
});

test('bytes that are no HTTP request get a problem document and the connection is closed', async () => {
  const server = await startTestServer([sampleRoutes]);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as { port: number };
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        'GET /things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
    });
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('"code":"HTTP_MALFORMED"');
});

test('/ready speaks for every part: starting, ready, draining', async () => {
  const state = { ready: false, draining: false };
  const server = await startTestServer([
    healthRoutes({
      draining: () => state.draining,
      components: () => ({ canvases: { ready: true }, trajectories: { ready: state.ready, detail: 'opening' } }),
    }),
  ]);
  expect((await server.inject({ url: '/ready' })).json()).toMatchObject({ status: 'starting' });
  state.ready = true;
  const ready = await server.inject({ url: '/ready' });
  expect([ready.statusCode, ready.json().status]).toEqual([200, 'ready']);
  state.draining = true;
  const draining = await server.inject({ url: '/ready' });
  expect([draining.statusCode, draining.json().status]).toEqual([503, 'draining']);
  expect((await server.inject({ url: '/health' })).json()).toMatchObject({ status: 'ok' });
});

test('while the service stops, new requests are turned away but its health can be asked', async () => {
  let draining = false;
  const server = await startTestServer(
    [sampleRoutes, healthRoutes({ draining: () => draining, components: () => ({}) })],
    { draining: () => draining },
  );
  draining = true;
  const refused = await server.inject(postThing({ weight: 1 }));
  expect(refused.statusCode).toBe(503);
  expect(refused.headers['retry-after']).toBe('5');
  expect((await server.inject({ url: '/health' })).statusCode).toBe(200);
});

test('the OpenAPI document shows each route with its errors as problem documents, and a page to read it', async () => {
  const server = await startTestServer([sampleRoutes]);
  const document = (await server.inject({ url: '/openapi.json' })).json();
  expect(document.openapi).toBe('3.1.0');
  const { responses } = document.paths['/things/{id}'].post;
  expect(Object.keys(responses['404'].content)).toEqual(['application/problem+json']);
  expect(document.components.schemas).not.toHaveProperty('ProblemInput');
  const page = await server.inject({ url: '/docs' });
  expect(page.statusCode).toBe(200);
  expect(page.body).toContain('swagger-ui');
  expect(page.body).not.toMatch(/https?:\/\//);
});

test('the page of the documentation has its files, and what it does not have is an unknown address', async () => {
  const server = await startTestServer([sampleRoutes]);
  const [script, page, head, again] = await Promise.all([
    server.inject({ url: '/docs/static/swagger-ui.css' }),
    server.inject({ url: '/docs/' }),
    server.inject({ method: 'HEAD', url: '/docs' }),
    server.inject({ url: '/docs/json' }),
  ]);
  expect([script.statusCode, script.headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
  expect(Number(script.headers['content-length'])).toBe(script.rawPayload.length);
  expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  expect([head.statusCode, head.body]).toEqual([200, '']);
  expect(again.json()).toEqual((await server.inject({ url: '/openapi.json' })).json());
  const unchanged = await server.inject({
    url: '/docs/static/swagger-ui.css',
    headers: { 'if-none-match': String(script.headers.etag) },
  });
  expect(unchanged.statusCode).toBe(304);
  for (const url of ['/docs/nothing', '/docs/static/nothing.js', '/docs/static/../../package.json']) {
    const missing = await server.inject({ url });
    expect([missing.statusCode, missing.json().code]).toEqual([404, 'ROUTE_UNKNOWN']);
    expect(missing.headers['x-request-id']).toBeDefined();
  }
  expect((await server.inject({ method: 'POST', url: '/docs' })).statusCode).toBe(405);
});

test('a connection on which nothing was asked does not hold a server that closes, one that is answered does', async () => {
  let isAnswered = false;
  let begun = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const slow: FastifyPluginAsyncZod = async (routes) => {
    routes.get('/slow', async () => {
      begun();
      await new Promise((resolve) => setImmediate(resolve));
      isAnswered = true;
      return 'done';
    });
  };
  const server = await startTestServer([slow]);
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  const ended = new Promise((resolve) => silent.on('close', resolve));
  await new Promise((resolve) => server.server.once('connection', resolve));
  const answer = fetch(`${url}/slow`);
  await hasBegun;
  await server.close();
  expect(isAnswered).toBe(true);
  expect((await answer).status).toBe(200);
  await ended;
});
