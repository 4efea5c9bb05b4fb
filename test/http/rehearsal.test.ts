import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { isRehearsal, type RequestEvent, rehearse } from '../../src/http/index.js';
import { createLogger } from '../../src/logger.js';
import { eventually } from '../support/eventually.js';
import { startTestServer } from '../support/server.js';

const apiToken = 'a-token-of-the-test';

async function startAsked() {
  const seen: boolean[] = [];
  const events: RequestEvent[] = [];
  const lines: string[] = [];
  const routes: FastifyPluginAsyncZod = async (server) => {
    server.get('/page', async (request) => {
      seen.push(isRehearsal(request));
      return { data: [] };
    });
  };
  const server = await startTestServer([routes], {
    apiToken,
    logger: createLogger('info', { write: (line: string) => lines.push(line) }),
    onEvent: (event) => events.push(event),
  });
  return { server, seen, events, lines };
}

test('a rehearsal is answered like a request, and neither the log nor the figures tell of it', async () => {
  const { server, seen, events, lines } = await startAsked();
  await rehearse(server, '/page', apiToken);
  expect([seen, events, lines]).toEqual([[true], [], []]);
  const headers = { authorization: `Bearer ${apiToken}` };
  await server.inject({ url: '/page', headers });
  await eventually(() => expect(lines).not.toEqual([]));
  expect([seen, events.map(({ type }) => type), lines.length]).toEqual([[true, false], ['started', 'answered'], 1]);
});

test('no client passes for one, whatever its headers say', async () => {
  const { server, seen, events } = await startAsked();
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization: `Bearer ${apiToken}`, 'x-forwarded-for': 'rehearsal', forwarded: 'for=rehearsal' };
  expect((await fetch(`${origin}/page`, { headers })).status).toBe(200);
  expect([seen, events.length > 0]).toEqual([[false], true]);
});

test('another answer than 200 is said by its status', async () => {
  const { server } = await startAsked();
  await expect(rehearse(server, '/page')).rejects.toThrow('expected 200, got 401');
  await expect(rehearse(server, '/nothing', apiToken)).rejects.toThrow('expected 200, got 404');
});
