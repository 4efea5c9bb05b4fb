import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventReader } from '../../src/upstream/exchange/event-data.js';
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
import { key, openTestUpstream } from './open-test-upstream.js';

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

  it('is repeated where the server says at its beginning that it failed', async () => {
    const server = await startMisbehavingServer(
      streams(['{"error":{"message":"overloaded"}}', '[DONE]']),
      streams(['{"error":null,"n":"\\"error\\""}', '[DONE]']),
    );
    const door = openTestUpstream(server.origin);
    expect(await door.settled(readAll(door))).toEqual({ data: ['{"error":null,"n":"\\"error\\""}'] });
    expect(server.requests).toHaveLength(2);
    expect(door.events[0]).toMatchObject({ type: 'attempt', outcome: 'failed' });
  });

  it('has failed where the server says in its middle that it failed, though it ends in order', async () => {
    let readOne = () => {};
    const isRead = new Promise<void>((resolve) => {
      readOne = resolve;
    });
    const server = await startMisbehavingServer(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      await isRead;
      response.end(`data: {"error":{"message":"${key} overloaded"}}\n\ndata: [DONE]\n\n`);
    });
    const door = openTestUpstream(server.origin);
    const data: string[] = [];
    const reading = (async () => {
      for await (const each of door.upstream.postStream('/x', {}, { lastData: '[DONE]' })) {
        data.push(each);
        readOne();
      }
    })();
    const failed = await reading.catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'MODEL_FAILED', kind: 'upstream_failed' });
    expect(inspect(failed)).not.toContain(key);
    expect(data).toEqual(['one']);
    expect(server.requests).toHaveLength(1);
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
    while (!door.events.some(({ type }) => type === 'answering')) await new Promise(setImmediate);
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

  it('waits for a slow reader instead of piling up what comes, and loses nothing', async () => {
    const events = Array.from({ length: 9000 }, (_, i) => `${i} ${'x'.repeat(1600)}`);
    let sentAll = false;
    const server = http.createServer((request, response) => {
      response.on('finish', () => {
        sentAll = true;
      });
      request.resume().on('end', async () => {
        for (const event of [...events, '[DONE]']) {
          if (!response.write(`data: ${event}\n\n`)) await once(response, 'drain');
        }
        response.end();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const door = openTestUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = door.upstream.postStream('/x', {}, { lastData: '[DONE]', idleMs: 500 });
    const read = [(await stream.next()).value as string];
    // All turns that the server needs to fill the buffers of both ends.
    for (let turn = 0; turn < 300; turn++) await new Promise(setImmediate);
    expect(sentAll).toBe(false);
    await door.clock.advance(60_000);
    for await (const event of stream) read.push(event);
    expect(read).toEqual(events);
    expect(door.clock.timers).toBe(0);
  });

  it('hands over what came before it broke', async () => {
    const events = Array.from({ length: 600 }, (_, i) => String(i));
    const server = await startMisbehavingServer(streams(events, 'breaks'));
    const { data, error } = await readAll(openTestUpstream(server.origin));
    expect(data).toEqual(events.slice(0, data.length));
    expect(error).toMatchObject({ code: 'MODEL_ANSWER_INVALID' });
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
  const read = (bytes: Buffer, cuts: number[] = []) => {
    const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    const take = eventReader();
    return places.slice(1).flatMap((place, i) => take(bytes.subarray(places[i], place)));
  };

  it('is the same wherever the bytes are cut, with every line end', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n]/g, '').trimStart());
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 5 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(), { maxLength: 8 }),
        (events, end, cuts) => {
          const sent = events
            .map((lines) => `: hello${end}event: x${end}${lines.map((each) => `data: ${each}${end}`).join('')}${end}`)
            .join('');
          const expected = events.map((lines) => Buffer.from(lines.join('\n')).toString());
          // The comment at the end tells a last carriage return from the half of a line end.
          const got = read(Buffer.from(`${sent}: bye\n`), cuts);
          expect(got).toEqual(expected);
        },
      ),
      { seed: 17, numRuns: 300 },
    );
  });

  it('drops an event that was cut', () => {
    expect(read(Buffer.from('data: whole\n\ndata: half\n'))).toEqual(['whole']);
  });

  it('begins after a byte order mark, wherever that is cut, and keeps later ones', () => {
    const bytes = Buffer.from('\ufeffdata: \ufeffa\n\n');
    for (const cut of [0, 1, 2, 3, 10]) expect(read(bytes, [cut])).toEqual(['\ufeffa']);
  });

  it('is refused where the bytes are no UTF-8, also when that shows only later', () => {
    const [bad, cut] = [Buffer.from([0x64, 0xff, 0x0a]), Buffer.from('data: 词\n\n')];
    expect(() => read(bad)).toThrow('not UTF-8');
    expect(() => read(Buffer.concat([cut.subarray(0, 8), Buffer.from('x\n\n')]), [8])).toThrow('not UTF-8');
  });
});
