import { readdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import path from 'node:path';
import { expect, it } from 'vitest';
import { canvasRoutes, foldCanvasPath } from '../../../src/canvases/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { openTestCanvases } from '../support/open-test-canvases.js';

async function start() {
  const parent = await temporaryFolder();
  writeFileSync(path.join(parent, 'secret.canvas'), '{"canary":1}');
  const opened = await openTestCanvases(true, { vaultDir: path.join(parent, 'vault') });
  const server = await startTestServer([canvasRoutes(opened.canvases)], { foldUrl: foldCanvasPath });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  /** Sends bytes exactly as they are, and answers everything that comes back. */
  const send = (request: string, cutOff = false) =>
    new Promise<string>((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
      if (cutOff) socket.write(request, () => socket.destroy());
      else socket.write(request);
    });
  const get = (target: string) => send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  return { ...opened, send, get };
}

it('lets no path out of the vault, however it is written on the wire', async () => {
  const { get } = await start();
  const ups = ['..', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '..%00', '..;', '..\\', '%c0%ae%c0%ae', '%uff0e%uff0e'];
  const slashes = ['/', '//', '/./', '%2f', '%2F', '%5c', '%252f', '\\'];
  for (const up of ups) {
    for (const slash of slashes) {
      for (const target of [
        `/canvas/${up}${slash}secret.canvas`,
        `/canvas/x${slash}${up}${slash}${up}${slash}secret.canvas`,
      ]) {
        const answer = await get(target);
        expect(answer, target).toMatch(/^HTTP\/1\.1 (400|404) /);
        expect(answer, target).not.toContain('canary');
        expect(answer, target).not.toMatch(/ENOENT|node_modules|\/tmp\//);
      }
    }
  }
});

it('stores nothing of an upload that breaks off', async () => {
  const { send, vaultDir, canvases } = await start();
  const head = 'PUT /canvas/a.canvas HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  await send(`${head}Content-Length: 100\r\n\r\n{"nodes":[]}`, true);
  await send(`${head}Transfer-Encoding: chunked\r\n\r\nc\r\n{"nodes":[]}\r\n`, true);
  const short = await send(`${head}Content-Length: 2\r\nConnection: close\r\n\r\n{"nodes":[]}`);
  expect(short).toMatch(/^HTTP\/1\.1 (201|400) /);
  await canvases.flush();
  expect(readdirSync(vaultDir).filter((name) => name !== 'a.canvas' && !name.endsWith('.lock'))).toEqual([]);
  const { body } = await canvases
    .put('b.canvas', canvasBytes('1'), {}, false)
    .then(() => canvases.read('b.canvas', {}));
  expect(body).toEqual(canvasBytes('1'));
});

it('answers requests that come together on one connection in their order', async () => {
  const { send } = await start();
  const put = (body: string, last = false) =>
    `PUT /canvas/a.canvas HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${last ? 'Connection: close\r\n' : ''}\r\n${body}`;
  const answer = await send(put('{}') + put('{"nodes":[]}') + put('{"edges":[]}', true));
  expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 200', 'HTTP/1.1 200']);
});
