import { EventEmitter, once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { expect, it, onTestFinished } from 'vitest';
import { readWholeBody } from '../../src/http/index.js';
import { startTestServer } from '../support/server.js';

const read = (body: AsyncIterable<Buffer> | Iterable<Buffer>, headers: Record<string, string>, bodyLimit: number) => {
  const payload = Readable.from(body, { objectMode: false });
  return new Promise<Buffer>((resolve, reject) => {
    const request = { headers, routeOptions: { bodyLimit } } as unknown as FastifyRequest;
    readWholeBody(request, payload as never, (error, bytes) => (bytes ? resolve(bytes) : reject(error)));
  });
};

it('reads what was sent, in whichever pieces it comes', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (given, isAnnounced) => {
      const sent = Buffer.concat(given);
      const headers: Record<string, string> = isAnnounced ? { 'content-length': String(sent.length) } : {};
      const bytes = await read(given.map(Buffer.from), headers, 1_000_000);
      expect(bytes.equals(sent)).toBe(true);
    }),
    { numRuns: 100, seed: 3 },
  );
});

it('refuses one that is too large, not as long as announced, or broken off', async () => {
  const pieces = [Buffer.from('abc'), Buffer.from('def')];
  expect(await read(pieces, {}, 6)).toEqual(Buffer.from('abcdef'));
  await expect(read(pieces, {}, 5)).rejects.toMatchObject({ code: 'FST_ERR_CTP_BODY_TOO_LARGE' });
  await expect(read([], { 'content-length': '6' }, 5)).rejects.toMatchObject({ code: 'FST_ERR_CTP_BODY_TOO_LARGE' });
  for (const length of ['5', '7']) {
    const code = 'FST_ERR_CTP_INVALID_CONTENT_LENGTH';
    await expect(read(pieces, { 'content-length': length }, 10)).rejects.toMatchObject({ code });
  }
  async function* broken() {
    yield Buffer.from('abc');
    throw new Error('broken');
  }
  await expect(read(broken(), {}, 10)).rejects.toMatchObject({ message: 'broken', statusCode: 400 });
});

it('keeps no piece, however small, but its bytes', async () => {
  const payload = new EventEmitter() as EventEmitter & { resume(): void };
  payload.resume = () => {};
  const whole = new Promise<Buffer | undefined>((resolve) => {
    const request = { headers: {}, routeOptions: { bodyLimit: 1_000_000 } } as unknown as FastifyRequest;
    readWholeBody(request, payload as never, (_error, bytes) => resolve(bytes));
  });
  const piece = Buffer.alloc(1);
  for (let count = 0; count < 100_000; count += 1) {
    piece[0] = 0x61 + (count % 26);
    payload.emit('data', piece);
  }
  payload.emit('end');
  const bytes = await whole;
  expect([bytes?.length, bytes?.toString('latin1', 99_970, 99_999)]).toEqual([
    100_000,
    'abcdefghijklmnopqrstuvwxyzabc',
  ]);
  expect(payload.eventNames()).toEqual([]);
});

it('is what the server reads JSON with', async () => {
  const server = await startTestServer([
    async (routes) => {
      routes.put('/body', { bodyLimit: 1000 }, async ({ body }) => ({ body }));
    },
  ]);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const ask = async (chunks: string[]) => {
    const socket = net.connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('PUT /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n');
    socket.write('Transfer-Encoding: chunked\r\n\r\n');
    for (const chunk of chunks) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    socket.write('0\r\n\r\n');
    const [answer] = await once(socket, 'data');
    return String(answer);
  };
  expect(await ask(['[', '1', ',', '2', ']'])).toMatch(/^HTTP\/1.1 200 .*\{"body":\[1,2\]\}$/s);
  expect(await ask(Array.from({ length: 1001 }, () => ' '))).toMatch(/^HTTP\/1.1 413 .*BODY_TOO_LARGE/s);
});
