import { utimesSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasRoutes, directCanvases, foldCanvasPath } from '../../../src/canvases/index.js';
import type { RequestEvent, ServerOptions } from '../../../src/http/index.js';
import { createLogger } from '../../../src/logger.js';
import { eventually } from '../../support/eventually.js';
import { startTestServer } from '../../support/server.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { openTestCanvases } from '../support/open-test-canvases.js';

const small = canvasBytes('small');
const large = canvasBytes('large', 400);
const names = ['a.canvas', 'notes/学习 1.canvas', 'large.canvas'];

/** Sends bytes as they are; answers everything that comes back until the server closes. */
function send(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', reject);
  });
}

/** One vault behind two servers: with answers in front of the framework, and without. */
async function start(options: Partial<ServerOptions> = {}) {
  const { canvases, vaultDir, flags } = await openTestCanvases(true);
  for (const name of names) {
    await canvases.put(name, name === 'large.canvas' ? large : small, {}, false);
  }
  await canvases.flush();
  for (const name of names) {
    utimesSync(path.join(vaultDir, name), 1_000_000, 1_000_000);
    while (!canvases.readAtOnce([{ path: name, known: {}, accepted: [] }])[0]) await canvases.read(name, {});
  }
  const taken = vi.fn(canvases.readAtOnce.bind(canvases));
  const serve = async (isDirect: boolean) => {
    const lines: Record<string, unknown>[] = [];
    const events: RequestEvent[] = [];
    const server = await startTestServer([canvasRoutes(canvases)], {
      foldUrl: foldCanvasPath,
      direct: isDirect ? directCanvases({ readAtOnce: taken }) : undefined,
      logger: createLogger('info', { write: (line) => lines.push(JSON.parse(line)) }),
      onEvent: (event) => events.push(event),
      ...options,
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    return { server, port: (server.server.address() as AddressInfo).port, lines, events };
  };
  const answered = () =>
    taken.mock.results.flatMap(({ value }) => value).filter((answer) => answer !== undefined).length;
  return { canvases, vaultDir, flags, direct: await serve(true), framework: await serve(false), answered };
}

const withoutMoment = (answer: string) =>
  answer
    .replace(/\r\nx-request-id: \d+-\d+\r\n/i, '\r\nx-request-id: ?\r\n')
    .replace(/\r\nDate: [^\r]*/, '\r\nDate: ?');
const withoutTimes = (line: Record<string, unknown>) => ({
  ...line,
  time: typeof line.time,
  requestId: /^\d+-\d+$/.test(String(line.requestId)) ? '?' : line.requestId,
  milliseconds: typeof line.milliseconds,
});
const withoutDuration = (event: RequestEvent) =>
  event.type === 'answered' ? { ...event, durationSeconds: typeof event.durationSeconds } : event;

const encodedName = encodeURIComponent('notes/学习 1.canvas');
const paths = [
  '/canvas/a.canvas',
  '/canvas/large.canvas',
  `/canvas/${encodedName}`,
  `/canvas/${encodedName.replace('%2F', '/')}`,
  '/canvas/%61.canvas',
  '/canvas/a.canvas?x=1',
  '/canvas/a.canvas?',
  '/canvas/a.canvas/',
  '/canvas/a.canvas/versions',
  '/canvas//a.canvas',
  '/canvas/./a.canvas',
  '/canvas/x/../a.canvas',
  '/canvas/%2e%2e/a.canvas',
  '/canvas/a%2ecanvas',
  '/canvas/a%252ecanvas',
  '/canvas/%zz.canvas',
  '/canvas/%ff.canvas',
  '/canvas/none.canvas',
  '/canvas/A.canvas',
  '/canvas/',
  '/canvas',
  '/Canvas/a.canvas',
  '//canvas/a.canvas',
  'http://127.0.0.1/canvas/a.canvas',
  `/canvas/${'a'.repeat(300)}.canvas`,
];
const etag = etagOf(small);
const headers: [string, string][] = [
  ['Host', 'localhost'],
  ['Host', 'evil.example'],
  ['Host', '127.0.0.1:80'],
  ['Origin', 'https://evil.example'],
  ['Origin', 'http://127.0.0.1'],
  ['Authorization', 'Bearer x'],
  ['X-Request-Id', 'given-1'],
  ['X-Request-Id', 'bad id"'],
  ['If-None-Match', etag],
  ['If-None-Match', '*'],
  ['If-None-Match', `W/${etag}, "x"`],
  ['If-None-Match', `${etag.slice(0, -1)}.gzip"`],
  ['If-None-Match', 'nonsense'],
  ['If-Modified-Since', 'Mon, 12 Jan 1970 13:46:40 GMT'],
  ['If-Modified-Since', 'Mon, 12 Jan 1970 13:46:39 GMT'],
  ['If-Match', '"x"'],
  ['If-Match', etag],
  ['If-Unmodified-Since', 'Mon, 12 Jan 1970 13:46:39 GMT'],
  ['Range', 'bytes=0-1'],
  ['Accept', 'text/html'],
  ['Accept-Encoding', 'identity'],
  ['Cookie', 'a=b'],
  ['Content-Length', '0'],
  ['Expect', '100-continue'],
];

it('answers as the framework does, header by header, line by line, event by event', async () => {
  const { direct, framework, answered } = await start();
  const requests = fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'),
    target: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...paths.slice(0, 5)) }, fc.constantFrom(...paths)),
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    host: fc.constantFrom('Host: 127.0.0.1\r\n', 'Host: 127.0.0.1\r\n', 'Host: 127.0.0.1\r\n', ''),
    fields: fc.uniqueArray(fc.constantFrom(...headers), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, target, version, host, fields }) => {
      if (method === 'DELETE' && !target.includes('none')) return;
      const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const text = `${method} ${target} HTTP/${version}\r\n${host}${lines}Connection: close\r\n\r\n`;
      const [one, other] = [await send(direct.port, text), await send(framework.port, text)];
      expect(withoutMoment(one), text).toBe(withoutMoment(other));
    }),
    { numRuns: 400, seed: 7 },
  );
  await eventually(() => expect(direct.lines.length).toBe(framework.lines.length));
  expect(direct.lines.map(withoutTimes)).toEqual(framework.lines.map(withoutTimes));
  expect(direct.events.map(withoutDuration)).toEqual(framework.events.map(withoutDuration));
  expect(answered()).toBeGreaterThan(50);
});

it('sends the same compressed form either way', async () => {
  const { canvases, direct, framework } = await start();
  const get = (accept: string) =>
    `GET /canvas/large.canvas HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${accept}\r\nConnection: close\r\n\r\n`;
  for (const coding of ['br', 'gzip'] as const) {
    const question = { path: 'large.canvas', known: {}, accepted: [coding] };
    const isMade = () => canvases.readAtOnce([question])[0]?.coding === coding;
    await eventually(() => expect(isMade()).toBe(true));
    const [one, other] = [await send(direct.port, get(coding)), await send(framework.port, get(coding))];
    expect(one).toContain(`content-encoding: ${coding}\r\n`);
    expect(withoutMoment(one)).toBe(withoutMoment(other));
  }
});

it('keeps the order of requests that come together, also where only some are answered directly', async () => {
  const { direct } = await start();
  const get = (target: string, last = false) =>
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
  const answer = await send(
    direct.port,
    get('/canvas/none.canvas') + get('/canvas/a.canvas') + get('/canvas') + get('/canvas/large.canvas', true),
  );
  expect(answer.match(/HTTP\/1\.1 \d{3}/g)).toEqual([404, 200, 200, 200].map((status) => `HTTP/1.1 ${status}`));
  expect(answer.endsWith(large.toString('latin1'))).toBe(true);
});

it('asks for the token, and turns away while the service stops', async () => {
  let isDraining = false;
  const { direct, answered } = await start({ apiToken: 'secret', draining: () => isDraining });
  const get = (extra: string) =>
    send(direct.port, `GET /canvas/a.canvas HTTP/1.1\r\nHost: localhost\r\n${extra}Connection: close\r\n\r\n`);
  expect(await get('')).toContain('HTTP/1.1 401 ');
  expect(await get('Authorization: Bearer other\r\n')).toContain('HTTP/1.1 401 ');
  expect(answered()).toBe(0);
  expect(await get('Authorization: Bearer secret\r\n')).toContain('HTTP/1.1 200 ');
  expect(answered()).toBe(1);
  isDraining = true;
  expect(await get('Authorization: Bearer secret\r\n')).toContain('"SHUTTING_DOWN"');
  expect(answered()).toBe(1);
});

it('leaves every answer to the framework where pages of other origins are allowed', async () => {
  const { direct, answered } = await start({ corsOrigins: ['https://notes.example'] });
  const answer = await send(
    direct.port,
    'GET /canvas/a.canvas HTTP/1.1\r\nHost: localhost\r\nOrigin: https://notes.example\r\nConnection: close\r\n\r\n',
  );
  expect(answer).toContain('access-control-allow-origin: https://notes.example\r\n');
  expect(answer).toContain('vary: Origin, Accept-Encoding\r\n');
  expect(answered()).toBe(0);
});

it('counts an answer as over when its client goes away in the middle of it', async () => {
  const { direct } = await start();
  const socket = net.connect(direct.port, '127.0.0.1');
  socket.write('GET /canvas/large.canvas HTTP/1.1\r\nHost: localhost\r\n\r\n');
  socket.once('data', () => socket.destroy());
  await eventually(() => expect(direct.events.map(({ type }) => type)).toEqual(['started', 'answered']));
  expect(direct.lines).toMatchObject([{ msg: 'request', path: '/canvas/large.canvas', status: 200 }]);
});

it('answers together those who ask in one turn, and none of them with what was there before they asked', async () => {
  const { canvases, direct, vaultDir } = await start();
  const { answer } = directCanvases(canvases);
  const answers = answer(
    ['a.canvas', 'large.canvas', 'a.canvas', 'none.canvas'].map((rest) => ({ rest, headers: {} })),
  );
  expect(answers.map((one) => one?.body?.length)).toEqual([small.length, large.length, small.length, undefined]);
  const get = 'GET /canvas/a.canvas HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  for (let round = 0; round < 30; round++) {
    const text = canvasBytes(`version ${round}`);
    writeFileSync(path.join(vaultDir, 'a.canvas'), text);
    const bodies = await Promise.all(Array.from({ length: 8 }, () => send(direct.port, get)));
    for (const body of bodies) expect(body.endsWith(text.toString('latin1'))).toBe(true);
  }
});

it('counts a client that left in the turn in which it asked', async () => {
  const { direct } = await start();
  const gone = { destroyed: true, headersSent: false };
  direct.server.server.emit(
    'request',
    { method: 'GET', url: '/canvas/a.canvas', headers: { host: 'localhost' } },
    gone,
  );
  await eventually(() => expect(direct.lines).toMatchObject([{ path: '/canvas/a.canvas', status: 499 }]));
  expect(direct.events.map(({ type }) => type)).toEqual(['started', 'answered']);
});

it('leaves a request to its route when answering it directly breaks', async () => {
  const { canvases } = await openTestCanvases(true);
  await canvases.put('a.canvas', small, {}, false);
  const lines: { msg?: string }[] = [];
  const server = await startTestServer([canvasRoutes(canvases)], {
    foldUrl: foldCanvasPath,
    logger: createLogger('error', { write: (line) => lines.push(JSON.parse(line)) }),
    direct: directCanvases({
      readAtOnce() {
        throw new Error('broken');
      },
    }),
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const answer = await send(port, 'GET /canvas/a.canvas HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(answer.endsWith(small.toString('latin1'))).toBe(true);
  expect(lines.map(({ msg }) => msg)).toEqual(['a direct answer failed; the route answers']);
});
