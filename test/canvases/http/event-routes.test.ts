import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { eventRoutes } from '../../../src/canvases/http/event-routes.js';
import { foldCanvasPath } from '../../../src/canvases/index.js';
import { listen, openEvents } from '../../http/event-client.js';
import { eventually } from '../../support/eventually.js';
import { startTestServer } from '../../support/server.js';
import { canvasOf, node, serveCanvases } from './served-canvases.js';

const bodies = [1, 2, 3].map((i) => canvasOf(node('a', `${i}`)));
const etagAt = (i: number) => etagOf(bodies[i] as Buffer);
const dataOf = (events: { data: string }[]) => events.map(({ data }) => JSON.parse(data));

describe('events', () => {
  it('tell who follows a canvas, or all of them, what changed and who did it', async () => {
    const { server, ask, canvases } = await serveCanvases();
    const all = await openEvents(server, '/canvas/events');
    const one = await openEvents(server, '/canvas/x/a.canvas/events');
    for (const client of [all, one]) {
      expect(client.status).toBe(200);
      expect(client.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'x-request-id': expect.any(String),
      });
    }
    await ask('PUT', '/canvas/x/a.canvas', bodies[0]);
    await ask('PUT', '/canvas/b.canvas', bodies[1]);
    canvases.changes.publish({ path: 'x/a.canvas', etag: '"e"', kind: 'changed', origin: 'external' });
    await ask('DELETE', '/canvas/x/a.canvas');
    const wanted = [
      { path: 'x/a.canvas', etag: etagAt(0), kind: 'created', origin: 'api' },
      { path: 'x/a.canvas', etag: '"e"', kind: 'changed', origin: 'external' },
      { path: 'x/a.canvas', etag: null, kind: 'deleted', origin: 'api' },
    ];
    expect(dataOf(await one.events(3))).toEqual(wanted);
    expect(dataOf(await all.events(4)).map(({ path }) => path)).toEqual([
      'x/a.canvas',
      'b.canvas',
      'x/a.canvas',
      'x/a.canvas',
    ]);
    expect(new Set(all.parser.events.map(({ event }) => event))).toEqual(new Set(['change']));
    expect(one.text).toMatch(/^: open\n/);
  });

  it('resume after the last one received, or begin anew with one reset', async () => {
    const { server, ask } = await serveCanvases();
    const first = await openEvents(server, '/canvas/events');
    await ask('PUT', '/canvas/a.canvas', bodies[0]);
    await first.events(1);
    first.leave();
    await ask('PUT', '/canvas/a.canvas', bodies[1]);
    await ask('PUT', '/canvas/b.canvas', bodies[2]);
    const { lastEventId } = first.parser;
    const again = await openEvents(server, '/canvas/a.canvas/events', { lastEventId });
    await again.events(1);
    await ask('PUT', '/canvas/a.canvas', bodies[2]);
    expect(dataOf(await again.events(2)).map(({ etag }) => etag)).toEqual([etagAt(1), etagAt(2)]);
    const old = await openEvents(server, '/canvas/events', { lastEventId: '0123456789ab-7' });
    expect((await old.events(1)).map(({ event, data }) => [event, data])).toEqual([['reset', '{}']]);
  });

  it('follow a move from both of its paths', async () => {
    const { server, ask } = await serveCanvases();
    await ask('PUT', '/canvas/a.canvas', bodies[0]);
    const from = await openEvents(server, '/canvas/a.canvas/events');
    const to = await openEvents(server, '/canvas/x/b.canvas/events');
    await ask('POST', '/canvas/a.canvas/move', { to: 'x/b.canvas' });
    const moved = { path: 'x/b.canvas', from: 'a.canvas', etag: etagAt(0), kind: 'moved', origin: 'api' };
    expect(dataOf(await from.events(1))).toEqual([moved]);
    expect(dataOf(await to.events(1))).toEqual([moved]);
  });

  it('are refused with an id of nonsense, a bad path or a query, and no stream is opened', async () => {
    const { ask } = await serveCanvases();
    for (const url of ['/canvas/events', '/canvas/a.canvas/events']) {
      const answer = await ask('GET', url, undefined, { 'last-event-id': 'nonsense' });
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'LAST_EVENT_ID_INVALID']);
      expect((await ask('GET', `${url}?since=1`)).json().code).toBe('INPUT_INVALID');
    }
    const codeAt = async (url: string) => (await ask('GET', url)).json().code;
    expect(await codeAt('/canvas/%2e%2e%2fa.canvas/events')).toBe('CANVAS_PATH_INVALID');
    expect(await codeAt('/canvas/.git/a.canvas/events')).toBe('CANVAS_PATH_INVALID');
  });

  it('are so many at a time, and a place is free when one has left', async () => {
    const { canvases } = await serveCanvases();
    const server = await startTestServer([eventRoutes(canvases, 2)], { foldUrl: foldCanvasPath });
    const first = await openEvents(server, '/canvas/events');
    await openEvents(server, '/canvas/a.canvas/events');
    const ask = (headers = {}) => server.inject({ method: 'GET', url: '/canvas/b.canvas/events', headers });
    for (const headers of [{}, { 'last-event-id': 'nonsense' }]) {
      const refused = await ask(headers);
      expect([refused.statusCode, refused.json().code]).toEqual([429, 'CANVAS_FOLLOWERS_FULL']);
      expect(refused.headers['retry-after']).toBe('10');
    }
    first.leave();
    const head = async () => (await server.inject({ method: 'HEAD', url: '/canvas/events' })).statusCode;
    await eventually(async () => expect(await head()).toBe(200));
    // The head of a stream, and one that was refused, keep no place.
    expect((await ask({ 'last-event-id': 'nonsense' })).statusCode).toBe(400);
    expect((await openEvents(server, '/canvas/c.canvas/events')).status).toBe(200);
    expect((await ask()).statusCode).toBe(429);
  });

  it('leave the names of canvases alone that look like theirs', async () => {
    const { ask, bytesOf } = await serveCanvases();
    for (const path of ['events.canvas', 'events/a.canvas', 'eventsx.canvas', 'a/events.canvas']) {
      expect((await ask('PUT', `/canvas/${path}`, bodies[0])).statusCode, path).toBe(201);
      expect(await bytesOf(path)).toEqual(bodies[0]);
    }
    expect((await ask('PUT', '/canvas/events', bodies[0])).json().code).toBe('CANVAS_PATH_INVALID');
    expect((await ask('HEAD', '/canvas/events')).headers['content-type']).toBe('text/event-stream; charset=utf-8');
  });

  it('end when the server closes, which waits for nobody', async () => {
    const { server } = await serveCanvases();
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on('warning', onWarning);
    await listen(server);
    const paths = Array.from({ length: 20 }, (_, i) => (i % 2 ? '/canvas/events' : `/canvas/${i}.canvas/events`));
    const clients = await Promise.all(paths.map((path) => openEvents(server, path)));
    await server.close();
    await Promise.all(clients.map(({ ended }) => ended));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});
