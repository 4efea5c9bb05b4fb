import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { ExchangedBytes } from '../../../src/canvases/http/canvas-body.js';
import { foldCanvasPath } from '../../../src/canvases/http/fold-canvas-path.js';
import { versionRoutes } from '../../../src/canvases/http/version-routes.js';
import { eventually } from '../../support/eventually.js';
import { startTestServer } from '../../support/server.js';
import { openTestCanvases } from '../support/open-test-canvases.js';

const mebibyte = 1024 * 1024;
/** More than sockets hold for a client that does not read. */
const large = Buffer.from(JSON.stringify({ nodes: [], edges: [], text: 'x'.repeat(14 * mebibyte) }));
const small = Buffer.from('{"nodes":[]}');

async function start() {
  const { canvases } = await openTestCanvases(true);
  for (const bytes of [large, small, Buffer.from('{"edges":[]}')]) {
    await canvases.put('a.canvas', bytes, {}, false);
    await canvases.flush();
  }
  const [ofSmall, ofLarge] = (await canvases.versions('a.canvas')).map(({ id }) => `/canvas/a.canvas/versions/${id}`);
  const server = await startTestServer([versionRoutes(canvases, large.length)], { foldUrl: foldCanvasPath });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  /** A client that takes the beginning of an answer and no more. */
  const stall = async (url: string) => {
    const socket = net.connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write(`GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  };
  const ask = async (url: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${url}`, { method });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), bytes };
  };
  return { canvases, stall, ask, ofSmall: ofSmall ?? '', ofLarge: ofLarge ?? '' };
}

it('versions that clients do not take hold no more than their bound, and give it back when they go', async () => {
  const { stall, ask, ofSmall, ofLarge } = await start();
  const slow = await stall(ofLarge);
  const refused = await ask(ofSmall);
  expect(refused).toMatchObject({ status: 503, retryAfter: '1' });
  expect(JSON.parse(refused.bytes.toString())).toMatchObject({ code: 'VERSIONS_BACKED_UP' });
  expect(await ask('/canvas/a.canvas/versions')).toMatchObject({ status: 200 });
  slow.destroy();
  await eventually(async () => expect(await ask(ofSmall)).toEqual({ status: 200, retryAfter: null, bytes: small }));
  await eventually(async () => expect((await ask(ofLarge)).bytes.equals(large)).toBe(true));
});

it('gives back what answers without a body had booked, and what a slow client took after all', async () => {
  const { stall, ask, ofSmall, ofLarge } = await start();
  for (let times = 0; times < 3; times += 1) {
    await eventually(async () => expect(await ask(ofLarge, 'HEAD')).toMatchObject({ status: 200 }));
  }
  const slow = await stall(ofLarge);
  slow.resume();
  await once(slow, 'end');
  await eventually(async () => expect(await ask(ofSmall)).toMatchObject({ status: 200 }));
});

it('refuses a version before it is read', async () => {
  const { canvases, ofLarge } = await start();
  const refusal = new Error('no room');
  const id = ofLarge.split('/').at(-1) ?? '';
  const told: number[] = [];
  const read = canvases.readVersion('a.canvas', id, (bytes) => {
    told.push(bytes);
    throw refusal;
  });
  await expect(read).rejects.toBe(refusal);
  expect(told).toEqual([large.length]);
});

it('books nothing for a client that has gone already, whose end nobody would tell', () => {
  const refusal = new Error('gone');
  const answering = new ExchangedBytes(10, () => refusal as never);
  const answer = () => new ServerResponse(new IncomingMessage(new net.Socket()));
  const gone = answer();
  gone.destroy();
  expect(() => answering.bookingFor(gone)(10)).toThrow(refusal);
  answering.bookingFor(answer())(10);
  expect(() => answering.bookingFor(answer())(1)).toThrow(refusal);
});
