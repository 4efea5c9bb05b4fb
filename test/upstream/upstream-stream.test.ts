import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventData } from '../../src/upstream/exchange/event-data.js';
import type { StreamOptions } from '../../src/upstream/index.js';
import {
  answersText,
  breaksOffAfter,
  failsWith,
  hangs,
  resets,
  startMisbehavingServer,
  streams,
} from '../support/misbehaving-server.js';
import { openTestUpstream } from './open-test-upstream.js';

type Door = ReturnType<typeof openTestUpstream>;

/** What was read before the stream ended, and how it ended. */
async function readAll({ upstream }: Door, options: StreamOptions = {}) {
  const data: string[] = [];
  try {
    for await (const each of upstream.postStream('/x', {}, { lastData: '[DONE]', ...options })) data.push(each);
  } catch (error) {
    return { data, error };
  }
  return { data };
}

describe('a stream', () => {
  it('gives the data of each event, and not the last mark', async () => {
    const server = await startMisbehavingServer(streams(['{"a":1}', '二', '[DONE]']));
    const door = openTestUpstream(server.origin);
    expect(await readAll(door)).toEqual({ data: ['{"a":1}', '二'] });
    expect(door.upstream.state()).toEqual({ circuit: 'closed', running: 0 });
    expect(door.clock.timers).toBe(0);
  });

  it('leaves its connection to the next request', async () => {
    const ports = new Set<number | undefined>();
    const server = http.createServer((request, response) => {
      ports.add(request.socket.remotePort);
      request.resume().on('end', () => response.end(request.method === 'POST' ? 'data: 1\n\ndata: [DONE]\n\n' : '{}'));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const door = openTestUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (let call = 0; call < 3; call++) {
      expect(await readAll(door)).toEqual({ data: ['1'] });
      expect(await door.upstream.getJson('/')).toEqual({});
    }
    // Six requests; a connection is free only a moment after the answer was read.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it('that was compressed although nobody asked for it is read all the same', async () => {
    const server = http.createServer((request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      request.resume().on('end', () => response.end(gzipSync('data: 一\n\ndata: [DONE]\n\n')));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const door = openTestUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await readAll(door)).toEqual({ data: ['一'] });
  });

  it('is repeated while nothing was given to the reader', async () => {
    const server = await startMisbehavingServer(
      failsWith(503),
      resets,
      breaksOffAfter('data: {"ha', 'text/event-stream'),
      streams(['one', '[DONE]']),
    );
    const door = openTestUpstream(server.origin);
    expect(await door.settled(readAll(door))).toEqual({ data: ['one'] });
    expect(server.requests).toHaveLength(4);
  });

  it.each([
    ['breaks', 'MODEL_ANSWER_INVALID'],
    ['ends', 'MODEL_ANSWER_INVALID'],
  ] as const)('that %s after its first event is not repeated', async (ending, code) => {
    const server = await startMisbehavingServer(streams(['one', 'two'], ending));
    const door = openTestUpstream(server.origin);
    expect(await readAll(door)).toMatchObject({ data: ['one', 'two'], error: { code } });
    expect(server.requests).toHaveLength(1);
    expect(door.clock.timers).toBe(0);
  });

  it('ends after a silence, at the start too', async () => {
    const server = await startMisbehavingServer(streams(['one'], 'stalls'), hangs);
    const door = openTestUpstream(server.origin);
    const stalled = readAll(door, { idleMs: 700 });
    await server.arrived(1);
    await door.clock.untilDueIn(700);
    // The first event is heard of before the silence begins; only then may the clock move.
    const iterator = door.upstream.postStream('/x', {}, { idleMs: 700, totalMs: 700 });
    const silent = iterator.next().catch((error) => error);
    await server.arrived(2);
    await door.clock.advance(700);
    expect(await silent).toMatchObject({ code: 'NETWORK_TIMEOUT' });
    expect(await stalled).toMatchObject({ error: { code: 'NETWORK_TIMEOUT' } });
  });

  it('ends at its total time, however lively it is', async () => {
    const server = await startMisbehavingServer(streams(['one', 'two', 'three'], 'stalls'));
    const door = openTestUpstream(server.origin);
    const iterator = door.upstream.postStream('/x', {}, { idleMs: 100_000, totalMs: 1000 });
    expect(await iterator.next()).toEqual({ done: false, value: 'one' });
    await door.clock.advance(1000);
    const rest = async () => {
      for await (const _ of iterator);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'NETWORK_TIMEOUT' });
  });

  it('does not blame the server for a slow reader', async () => {
    const server = await startMisbehavingServer(streams(['one', 'two', '[DONE]']));
    const door = openTestUpstream(server.origin);
    const iterator = door.upstream.postStream('/x', {}, { idleMs: 500, lastData: '[DONE]' });
    await iterator.next();
    await door.clock.advance(60_000);
    expect(await iterator.next()).toEqual({ done: false, value: 'two' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('takes no more bytes than it may', async () => {
    const server = await startMisbehavingServer(answersText(`data: ${'x'.repeat(100_000)}\n\n`));
    expect(await readAll(openTestUpstream(server.origin), { maxBytes: 50_000 })).toMatchObject({
      data: [],
      error: { code: 'MODEL_ANSWER_TOO_LARGE' },
    });
  });

  it('lets go of the connection when its reader leaves or aborts', async () => {
    const gone: Promise<void>[] = [];
    const server = await startMisbehavingServer((response, request) => {
      gone.push(new Promise((resolve) => response.on('close', resolve)));
      return streams(['one'], 'stalls')(response, request);
    });
    const door = openTestUpstream(server.origin);
    for await (const _ of door.upstream.postStream('/x', {})) break;
    await gone[0];

    const leaving = new AbortController();
    const reason = new Error('left');
    const iterator = door.upstream.postStream('/x', {}, { signal: leaving.signal });
    await iterator.next();
    const next = iterator.next();
    leaving.abort(reason);
    await expect(next).rejects.toBe(reason);
    await gone[1];
    expect(door.upstream.state().running).toBe(0);
    expect(door.clock.timers).toBe(0);
  });
});

describe('the data of events', () => {
  const read = async (text: string, cuts: number[]) => {
    const bytes = Buffer.from(text);
    const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    const data: string[] = [];
    async function* chunks() {
      for (let i = 1; i < places.length; i++) yield bytes.subarray(places[i - 1], places[i]);
    }
    for await (const each of eventData(chunks())) data.push(each);
    return data;
  };

  it('is the same wherever the bytes are cut, with every line end', async () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, '').trimStart());
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (events, end, cuts) => {
          const sent = events
            .map((lines) => `: hello${end}event: x${end}${lines.map((each) => `data: ${each}${end}`).join('')}${end}`)
            .join('');
          const expected = events.map((lines) => Buffer.from(lines.join('\n')).toString());
          // The comment at the end tells a last carriage return from the half of a line end.
          const got = await read(`${sent}: bye\n`, cuts);
          expect(got).toEqual(expected);
        },
      ),
      { seed: 17, numRuns: 300 },
    );
  });

  it('drops an event that was cut', async () => {
    expect(await read('data: whole\n\ndata: half\n', [])).toEqual(['whole']);
  });
});
