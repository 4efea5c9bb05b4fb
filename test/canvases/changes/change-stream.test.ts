import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { type ChangeLog, createChangeLog } from '../../../src/canvases/changes/change-log.js';
import { streamChanges } from '../../../src/canvases/changes/change-stream.js';
import { closingSignal, type EventStream } from '../../../src/http/index.js';
import { openEvents } from '../../http/event-client.js';
import { startTestServer } from '../../support/server.js';

async function startChanges(log: ChangeLog = createChangeLog(), heartbeatMs = 15_000) {
  const streams: EventStream[] = [];
  const routes: FastifyPluginAsyncZod = async (server) => {
    const closing = closingSignal(server);
    server.get('/canvas/events', (request, reply) => {
      streams.push(streamChanges(request, reply, { log, closing, heartbeatMs }));
      return reply;
    });
    server.get('/canvas/a.canvas/events', (request, reply) => {
      streams.push(streamChanges(request, reply, { log, path: 'a.canvas', closing, heartbeatMs }));
      return reply;
    });
  };
  const publish = (path: string, etag: string) => log.publish({ path, etag, kind: 'changed', origin: 'api' });
  return { server: await startTestServer([routes]), log, publish, streams };
}

test('a change reaches those who follow its canvas and those who follow all', async () => {
  const { server, log, publish } = await startChanges();
  const all = await openEvents(server, '/canvas/events');
  const one = await openEvents(server, '/canvas/a.canvas/events');
  publish('b.canvas', '"b1"');
  const published = log.publish({ path: 'a.canvas', etag: null, kind: 'deleted', origin: 'external' });
  const [event] = await one.events(1);
  expect(event).toMatchObject({ id: published.id, event: 'change' });
  expect(JSON.parse(event?.data ?? '')).toEqual({
    path: 'a.canvas',
    etag: null,
    kind: 'deleted',
    origin: 'external',
  });
  expect((await all.events(2)).map(({ data }) => JSON.parse(data).path)).toEqual(['b.canvas', 'a.canvas']);
});

test('a client that comes back gets exactly what it missed, then what follows', async () => {
  const { server, publish } = await startChanges();
  const first = await openEvents(server, '/canvas/events');
  publish('a.canvas', '"1"');
  await first.events(1);
  first.leave();
  await first.ended;
  publish('a.canvas', '"2"');
  publish('b.canvas', '"3"');
  const second = await openEvents(server, '/canvas/events', { lastEventId: first.parser.lastEventId });
  await second.events(2);
  publish('a.canvas', '"4"');
  expect((await second.events(3)).map(({ data }) => JSON.parse(data).etag)).toEqual(['"2"', '"3"', '"4"']);
});

test('a client that left before its first event still misses none', async () => {
  const { server, publish } = await startChanges();
  const first = await openEvents(server, '/canvas/events');
  await first.until(({ parser }) => parser.lastEventId !== '');
  first.leave();
  await first.ended;
  publish('a.canvas', '"1"');
  const second = await openEvents(server, '/canvas/events', { lastEventId: first.parser.lastEventId });
  expect((await second.events(1)).map(({ data }) => JSON.parse(data).etag)).toEqual(['"1"']);
});

test('a follower of a quiet canvas can resume although the log went on without it', async () => {
  const { server, publish, log } = await startChanges(createChangeLog({ capacity: 10 }), 5);
  const first = await openEvents(server, '/canvas/a.canvas/events');
  for (let i = 0; i < 50; i += 1) publish('b.canvas', `"${i}"`);
  await first.until(({ parser }) => parser.lastEventId === log.position());
  publish('a.canvas', '"1"');
  expect((await first.events(1)).map(({ event }) => event)).toEqual(['change']);
});

test.each([
  ['too old', (log: ChangeLog) => log.position()],
  ['of an earlier run', () => createChangeLog().position()],
])('an id that is %s is answered with one reset, from which it goes on', async (_name, idFrom) => {
  const { server, publish, log } = await startChanges(createChangeLog({ capacity: 3 }));
  const lastEventId = idFrom(log);
  for (let i = 0; i < 5; i += 1) publish('a.canvas', `"${i}"`);
  const client = await openEvents(server, '/canvas/events', { lastEventId });
  await client.events(1);
  publish('a.canvas', '"after"');
  const [reset, next, ...others] = await client.events(2);
  expect(reset).toEqual({ id: expect.any(String), event: 'reset', data: '{}' });
  expect(log.since(reset?.id ?? '')).toHaveLength(1);
  expect(JSON.parse(next?.data ?? '')).toMatchObject({ etag: '"after"' });
  expect(others).toEqual([]);
});

test('an id that this service never gave out is a 400, and no stream is opened', async () => {
  const { server, streams } = await startChanges();
  for (const lastEventId of ['nonsense', '42', '../../etc/passwd']) {
    const answer = await server.inject({ url: '/canvas/events', headers: { 'last-event-id': lastEventId } });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: 'LAST_EVENT_ID_INVALID',
      errors: [{ parameter: 'last-event-id', message: expect.stringContaining('expected') }],
    });
  }
  expect(streams).toEqual([]);
});

test('a slow reader gets all changes in order at its own pace, and hardly anything is held for it', async () => {
  const { server, publish, streams } = await startChanges(createChangeLog({ maxBytes: 1024 ** 3 }));
  const client = await openEvents(server, '/canvas/events', { reads: false });
  let most = 0;
  for (let i = 0; i < 9000; i += 1) {
    publish(`${'x'.repeat(2000)}.canvas`, `"${i}"`);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, streams[0]?.bufferedBytes ?? 0);
  }
  expect(most).toBeLessThan(256 * 1024);
  client.response.resume();
  const etags = (await client.events(9000)).map(({ data }) => JSON.parse(data).etag);
  expect(etags).toEqual(Array.from({ length: 9000 }, (_, i) => `"${i}"`));
});

test('a reader that is too slow for the log gets one reset instead of what was forgotten', async () => {
  const { server, publish } = await startChanges(createChangeLog({ capacity: 100 }));
  const client = await openEvents(server, '/canvas/events', { reads: false });
  for (let i = 0; i < 9000; i += 1) {
    publish(`${'x'.repeat(2000)}.canvas`, `"${i}"`);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  client.response.resume();
  await client.until(({ parser }) => parser.events.some(({ event }) => event === 'reset'));
  publish('b.canvas', '"last"');
  await client.until(({ parser }) => parser.events.at(-1)?.data.includes('last') ?? false);
  expect(client.parser.events.filter(({ event }) => event === 'reset')).toHaveLength(1);
});

test('a client that left is not followed any more', async () => {
  const log = createChangeLog();
  let followers = 0;
  const counted: ChangeLog = {
    ...log,
    subscribe: (listener, path) => {
      followers += 1;
      const leave = log.subscribe(listener, path);
      return () => {
        followers -= 1;
        leave();
      };
    },
  };
  const { server, streams } = await startChanges(counted);
  const client = await openEvents(server, '/canvas/a.canvas/events');
  expect(followers).toBe(1);
  client.leave();
  await streams[0]?.closed;
  expect(followers).toBe(0);
});
