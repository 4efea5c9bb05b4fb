import { once } from 'node:events';
import net from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../../http/event-client.js';
import { canvasOf, node, serveCanvases } from './served-canvases.js';

const url = '/canvas/a.canvas';

async function start() {
  const served = await serveCanvases();
  await served.ask('PUT', url, canvasOf(node('a')));
  const port = await listen(served.server);
  /** Sends the head of a request and a part of its body; the connection stays open. */
  const begin = async (method: string, path: string, type: string, length: string, part: string) => {
    const socket = net.connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const arrived = once(served.server.server, 'request');
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: ${type}\r\n${length}\r\n\r\n${part}`,
    );
    await arrived;
    return socket;
  };
  return { ...served, begin };
}

it('an edit that comes slowly holds nobody up, and lands on what is there when it is whole', async () => {
  const { ask, begin, bytesOf } = await start();
  const body = JSON.stringify(node('slow'));
  const length = `Content-Length: ${body.length}`;
  const socket = await begin('POST', `${url}/nodes`, 'application/json', length, body.slice(0, 20));
  expect((await ask('POST', `${url}/nodes`, node('quick'))).statusCode).toBe(201);
  const answer: Buffer[] = [];
  socket.on('data', (chunk) => answer.push(chunk));
  socket.write(body.slice(20));
  await once(socket, 'close');
  expect(Buffer.concat(answer).toString()).toMatch(/^HTTP\/1\.1 201 /);
  const { nodes } = JSON.parse((await bytesOf('a.canvas')).toString());
  expect(nodes.map(({ id }: { id: string }) => id)).toEqual(['a', 'quick', 'slow']);
});

it.each([
  ['PATCH', url, 'application/merge-patch+json', 'Content-Length: 100', '{"x":1}'],
  ['PATCH', url, 'application/json-patch+json', 'Transfer-Encoding: chunked', '2\r\n[]\r\n'],
  ['POST', `${url}/nodes`, 'application/json', 'Content-Length: 100', JSON.stringify(node('b'))],
  ['PATCH', `${url}/nodes/a`, 'application/json', 'Transfer-Encoding: chunked', '7\r\n{"x":1}\r\n'],
  ['POST', `${url}/move`, 'application/json', 'Content-Length: 100', '{"to":"b.canvas"}'],
])('%s %s as %s that breaks off (%s) changes nothing, and others go on', async (method, path, type, length, part) => {
  const { ask, begin, canvases, server } = await start();
  const socket = await begin(method, path, type, length, part);
  socket.destroy();
  await once(socket, 'close');
  expect((await ask('PATCH', `${url}/nodes/a`, { y: 1 })).statusCode).toBe(200);
  await server.close();
  const { body } = await canvases.read('a.canvas', {});
  expect(JSON.parse(String(body)).nodes).toEqual([{ ...node('a'), y: 1 }]);
});
