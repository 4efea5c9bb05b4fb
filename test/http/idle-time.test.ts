import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { idleTimeoutMs } from '../../src/http/requests/idle-time.js';
import { startTestServer } from '../support/server.js';

/** Answers with the socket's limit of silence in ms before and after the body has been read; 0 is none. */
const waitingRoutes: FastifyPluginAsyncZod = async (server) => {
  server.post('/json', async ({ raw }) => [raw.socket.timeout]);
  server.addContentTypeParser('application/x-ndjson', (_request, _body, done) => done(null));
  server.post('/stream', async ({ raw }) => {
    const before = raw.socket.timeout;
    await text(raw);
    return [before, raw.socket.timeout];
  });
};

test('a connection is not cut while its client waits for the answer, but while it sends and when it rests', async () => {
  const server = await startTestServer([waitingRoutes]);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const sockets: { timeout?: number | undefined }[] = [];
  server.server.on('connection', (socket) => sockets.push(socket));
  const { port } = server.server.address() as AddressInfo;
  const post = async (path: string, type: string, parts: string[]) => {
    const sending = request({ port, path, method: 'POST', agent: false, headers: { 'content-type': type } });
    for (const part of parts) sending.write(part);
    sending.end();
    const [response] = await once(sending, 'response');
    return JSON.parse(await text(response));
  };
  expect(await post('/json', 'application/json', ['{}'])).toEqual([0]);
  expect(await post('/stream', 'application/x-ndjson', ['{}\n'.repeat(100_000), '{}\n'])).toEqual([idleTimeoutMs, 0]);
  expect(sockets.map(({ timeout }) => timeout)).not.toContain(0);
});

test.each([
  ['/json', 'application/json'],
  ['/stream', 'application/x-ndjson'],
])('a body that stops arriving is answered with 408, and the connection closed: %s', async (path, type) => {
  const statuses: unknown[] = [];
  const server = await startTestServer([waitingRoutes], {
    onEvent: (event) => event.type === 'answered' && statuses.push(event.status),
  });
  server.server.timeout = 50;
  await server.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\n{"a"`);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 408 /);
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ code: 'REQUEST_TIMEOUT', status: 408, instance: path });
  expect(statuses).toEqual([408]);
});
