import fc from 'fast-check';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import {
  closingSignal,
  type EventStream,
  type EventStreamOptions,
  lastEventIdOf,
  openEventStream,
} from '../../src/http/index.js';
import { formatEvent } from '../../src/http/sse.js';
import { startTestServer } from '../support/server.js';
import { EventParser, openEvents } from './event-client.js';

/** A server with one stream a request, and the streams that were opened. */
async function startStreams(options: EventStreamOptions = {}) {
  const streams: EventStream[] = [];
  const lastEventIds: (string | undefined)[] = [];
  const routes: FastifyPluginAsyncZod = async (server) => {
    const closing = closingSignal(server);
    server.get('/events', (request, reply) => {
      lastEventIds.push(lastEventIdOf(request));
      streams.push(openEventStream(request, reply, { closing, ...options }));
      return reply;
    });
  };
  return { server: await startTestServer([routes]), streams, lastEventIds };
}

test('what is sent comes back line for line, whatever line breaks and words it holds', () => {
  const word = fc.string({ unit: fc.constantFrom('a', ' ', ':', '\n', '\r', '\r\n', 'data: ', '学', '\u2028', '') });
  fc.assert(
    fc.property(word, fc.stringMatching(/^[a-z0-9-]{1,20}$/), (data, id) => {
      const parser = new EventParser();
      const text = formatEvent({ id, event: 'change', data }) + formatEvent({ data: 'next' });
      for (const unit of text) parser.push(unit);
      parser.push('');
      expect(parser.events).toEqual([
        { id, event: 'change', data: data.replace(/\r\n|\r/g, '\n') },
        { id, event: 'message', data: 'next' },
      ]);
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('data that is no string is sent as JSON, and an id with a line break is refused', () => {
  expect(formatEvent({ data: { path: 'a\nb.canvas' } })).toBe('data: {"path":"a\\nb.canvas"}\n\n');
  expect(() => formatEvent({ id: 'a\ndata: forged', data: '' })).toThrow(RangeError);
  expect(() => formatEvent({ event: 'a\r', data: '' })).toThrow(RangeError);
});

test('a stream opens with a comment, not an event, and no one on the way may keep it', async () => {
  const { server, streams } = await startStreams({ position: () => 'run-7' });
  const client = await openEvents(server, '/events');
  await client.until(({ text }) => text.includes('\n\n'));
  expect(client.text).toBe(': open\nid: run-7\n\n');
  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'x-request-id': expect.any(String),
  });
  streams[0]?.send({ id: 'run-8', event: 'change', data: { etag: '"a"' } });
  expect(await client.events(1)).toEqual([{ id: 'run-8', event: 'change', data: '{"etag":"\\"a\\""}' }]);
});

test('heartbeats are comments that carry the position on', async () => {
  let position = 1;
  const { server } = await startStreams({ heartbeatMs: 5, position: () => `run-${position}` });
  const client = await openEvents(server, '/events');
  await client.until(({ parser }) => parser.comments >= 3);
  position = 2;
  await client.until(({ parser }) => parser.lastEventId === 'run-2');
  expect(client.parser.events).toEqual([]);
});

test('a client that comes back says where it was', async () => {
  const { server, lastEventIds } = await startStreams();
  (await openEvents(server, '/events')).leave();
  (await openEvents(server, '/events', { lastEventId: 'run-3' })).leave();
  expect(lastEventIds).toEqual([undefined, 'run-3']);
});

test('a client that hangs up ends the stream, and sending to it is refused quietly', async () => {
  const { server, streams } = await startStreams({ heartbeatMs: 5 });
  const client = await openEvents(server, '/events');
  const [stream] = streams;
  client.leave();
  expect(await stream?.closed).toBe('client_left');
  expect(stream?.isOpen).toBe(false);
  expect(stream?.send({ data: 'late' })).toBe(false);
  await stream?.drained();
  stream?.close();
});

test('a stream that is closed ends for the client after its last event', async () => {
  const { server, streams } = await startStreams();
  const client = await openEvents(server, '/events');
  streams[0]?.send({ data: 'last' });
  streams[0]?.close();
  await client.ended;
  expect(client.response.complete).toBe(true);
  expect(client.parser.events.map(({ data }) => data)).toEqual(['last']);
  expect(await streams[0]?.closed).toBe('closed');
});

test('a server that closes ends its streams first and then really closes', async () => {
  const { server, streams } = await startStreams();
  const client = await openEvents(server, '/events');
  await server.close();
  await client.ended;
  expect(client.response.complete).toBe(true);
  expect(await streams[0]?.closed).toBe('server_closing');
});

test('a stream opened while the server closes ends at once', async () => {
  const { server, streams } = await startStreams({ closing: AbortSignal.abort() });
  const client = await openEvents(server, '/events');
  await client.ended;
  expect(await streams[0]?.closed).toBe('server_closing');
});

test('HEAD gets the headers and no stream', async () => {
  const { server, streams } = await startStreams();
  const client = await openEvents(server, '/events', { method: 'HEAD' });
  await client.ended;
  expect(client.status).toBe(200);
  expect(client.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(client.text).toBe('');
  expect(streams[0]?.isOpen).toBe(false);
});

test('a reader that does not read is cut before more than the limit is held for it', async () => {
  const maxBufferedBytes = 256 * 1024;
  const { server, streams } = await startStreams({ maxBufferedBytes });
  await openEvents(server, '/events', { reads: false });
  const [stream] = streams;
  if (!stream) throw new Error('expected a stream');
  const data = 'x'.repeat(32 * 1024);
  let most = 0;
  let sent = 0;
  while (stream.send({ data })) {
    most = Math.max(most, stream.bufferedBytes);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (sent > 10_000) throw new Error('expected the stream to be cut');
  }
  expect(await stream.closed).toBe('too_slow');
  expect(most).toBeLessThan(maxBufferedBytes + 2 * data.length);
});

test('a sender that waits for the reader is not cut, however much it sends', async () => {
  const { server, streams } = await startStreams({ maxBufferedBytes: 128 * 1024 });
  const client = await openEvents(server, '/events', { reads: false });
  const [stream] = streams;
  if (!stream) throw new Error('expected a stream');
  const sending = (async () => {
    for (let number = 0; number < 400; number += 1) {
      if (!stream.send({ id: String(number), data: 'x'.repeat(32 * 1024) })) throw new Error('expected it to be open');
      await stream.drained();
    }
  })();
  client.response.resume();
  await sending;
  expect((await client.events(400)).map(({ id }) => Number(id))).toEqual(Array.from({ length: 400 }, (_, i) => i));
});
