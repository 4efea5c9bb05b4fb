import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { boundArrivingBodies } from '../../../src/canvases/http/canvas-body.js';
import { eventually } from '../../support/eventually.js';
import { startTestServer } from '../../support/server.js';

async function start(maxBytes = 1000) {
  const server = await startTestServer([
    async (routes) => {
      boundArrivingBodies(routes, maxBytes);
      routes.put('/body', async () => ({}));
      routes.get('/body', async () => ({}));
    },
  ]);
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  /** A client that has sent the head and a little of its body, and stops there. */
  const stall = async (head: string, part: string) => {
    const socket = net.connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    const fields = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n${head}`;
    socket.write(`PUT /body HTTP/1.1\r\n${fields}\r\n\r\n`);
    // The request has begun when the server says that it may go on.
    await once(socket, 'data');
    socket.write(part);
    return socket;
  };
  const ask = async (method: string, bytes = 0) => {
    const body = bytes > 0 ? { body: JSON.stringify('x'.repeat(bytes - 2)) } : {};
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${port}/body`, { method, ...(bytes > 0 && { headers }), ...body });
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text: await answer.text() };
  };
  return { stall, ask };
}

it('bodies that stop on their way hold no more than their bound, and give it back when they go', async () => {
  const { stall, ask } = await start();
  expect(await ask('PUT', 1000)).toMatchObject({ status: 200 });
  const stalled = await stall('Content-Length: 800', '"xx');
  const refused = await ask('PUT', 300);
  expect(refused).toMatchObject({ status: 503, retryAfter: '1' });
  expect(refused.text).toContain('WRITES_BACKED_UP');
  expect(await ask('PUT', 200)).toMatchObject({ status: 200 });
  expect(await ask('GET')).toMatchObject({ status: 200 });
  stalled.destroy();
  await eventually(async () => expect(await ask('PUT', 300)).toMatchObject({ status: 200 }));
});

it('what was announced and has not come holds nothing', async () => {
  const { stall, ask } = await start();
  for (let count = 0; count < 5; count += 1) await stall('Content-Length: 1000', '');
  expect(await ask('PUT', 1000)).toMatchObject({ status: 200 });
});

it('of a body without a length only what has come counts', async () => {
  const { stall, ask } = await start(100_000);
  for (let count = 0; count < 3; count += 1) await stall('Transfer-Encoding: chunked', '3\r\n"xx\r\n');
  expect(await ask('PUT', 1000)).toMatchObject({ status: 200 });
});

it('a body that would be too much with the others is refused where it has come to', async () => {
  const { stall, ask } = await start(100_000);
  const first = await stall('Content-Length: 80000', `"${'x'.repeat(70_000)}`);
  const second = await stall('Transfer-Encoding: chunked', `C350\r\n${' '.repeat(50_000)}\r\n`);
  const [answer] = await once(second, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 503 .*WRITES_BACKED_UP/s);
  first.write(`${'x'.repeat(9998)}"`);
  const [done] = await once(first, 'data');
  expect(String(done)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask('PUT', 90_000)).toMatchObject({ status: 200 });
});
