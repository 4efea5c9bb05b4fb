import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasOf, node, serveCanvases } from './served-canvases.js';

const first = canvasOf(node('a', '1'));
const second = canvasOf(node('a', '2'));
const third = canvasOf(node('a', '3'));

async function start() {
  const served = await serveCanvases();
  for (const body of [first, second, third]) {
    await served.ask('PUT', '/canvas/x/a.canvas', body);
    await served.canvases.flush();
  }
  const versions = async (path = 'x/a.canvas'): Promise<{ id: string; etag: string }[]> =>
    (await served.ask('GET', `/canvas/${path}/versions`)).json().data;
  return { ...served, versions };
}

describe('versions', () => {
  it('lists what was replaced, newest first', async () => {
    const { ask } = await start();
    const answer = await ask('GET', '/canvas/x/a.canvas/versions');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-cache');
    const version = (body: Buffer) => ({
      id: expect.any(String),
      etag: etagOf(body),
      bytes: body.length,
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      origin: 'api',
    });
    expect(answer.json()).toEqual({ data: [version(second), version(first)] });
  });

  it('is empty for a canvas that was never replaced, and 404 where none ever was', async () => {
    const { ask, versions } = await start();
    await ask('PUT', '/canvas/new.canvas', first);
    expect(await versions('new.canvas')).toEqual([]);
    const none = await ask('GET', '/canvas/none.canvas/versions');
    expect([none.statusCode, none.json().code]).toEqual([404, 'CANVAS_NOT_FOUND']);
    expect((await ask('GET', '/canvas/..%2fa.canvas/versions')).json().code).toBe('CANVAS_PATH_INVALID');
    expect((await ask('GET', '/canvas/new.canvas/versions?limit=1')).json().code).toBe('INPUT_INVALID');
  });

  it('reads a version byte for byte, to be kept and asked for again', async () => {
    const { ask, versions } = await start();
    const [, oldest] = await versions();
    const address = `/canvas/x/a.canvas/versions/${oldest?.id}`;
    const answer = await ask('GET', address);
    expect(answer.rawPayload).toEqual(first);
    expect(answer.headers).toMatchObject({
      etag: etagOf(first),
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'private, no-cache',
      'content-length': String(first.length),
    });
    for (const known of [etagOf(first), `W/${etagOf(first)}`, '*']) {
      const again = await ask('GET', address, undefined, { 'if-none-match': known });
      expect([again.statusCode, again.rawPayload.length, again.headers.etag]).toEqual([304, 0, etagOf(first)]);
    }
    expect((await ask('GET', address, undefined, { 'if-none-match': '"x"' })).statusCode).toBe(200);
    const head = await ask('HEAD', address);
    expect([head.statusCode, head.headers.etag, head.rawPayload.length]).toEqual([200, etagOf(first), 0]);
  });

  it('is 404 for a version that is gone or was never there, to be asked again', async () => {
    const { ask, versions } = await start();
    const [{ id = '' } = {}] = await versions();
    for (const [method, address] of [
      ['GET', '/canvas/x/a.canvas/versions/none'],
      ['GET', `/canvas/x/a.canvas/versions/${encodeURIComponent('../a')}`],
      ['GET', '/canvas/x/a.canvas/versions/%00'],
      ['GET', `/canvas/other.canvas/versions/${id}`],
      ['POST', '/canvas/x/a.canvas/versions/none/restore'],
    ] as const) {
      const answer = await ask(method, address);
      expect([answer.statusCode, answer.json().code], address).toEqual([404, 'CANVAS_VERSION_UNKNOWN']);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  it('restores a version, keeping what it replaces', async () => {
    const { ask, versions, bytesOf } = await start();
    const [, oldest] = await versions();
    const address = `/canvas/x/a.canvas/versions/${oldest?.id}/restore`;
    const stale = await ask('POST', address, undefined, { 'if-match': etagOf(second) });
    expect([stale.statusCode, stale.json().etag]).toEqual([412, etagOf(third)]);
    expect(await bytesOf('x/a.canvas')).toEqual(third);
    const answer = await ask('POST', address, undefined, { 'if-match': etagOf(third) });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ path: 'x/a.canvas', etag: etagOf(first), bytes: first.length });
    expect(answer.headers.etag).toBe(etagOf(first));
    expect(await bytesOf('x/a.canvas')).toEqual(first);
    expect((await versions())[0]?.etag).toBe(etagOf(third));
  });

  it('brings a deleted canvas back', async () => {
    const { ask, versions, bytesOf } = await start();
    await ask('DELETE', '/canvas/x/a.canvas');
    const [newest] = await versions();
    expect(newest?.etag).toBe(etagOf(third));
    const answer = await ask('POST', `/canvas/x/a.canvas/versions/${newest?.id}/restore`, undefined, {
      'if-none-match': '*',
    });
    expect(answer.statusCode).toBe(201);
    expect(answer.headers).toMatchObject({ etag: etagOf(third), location: '/canvas/x/a.canvas' });
    expect(await bytesOf('x/a.canvas')).toEqual(third);
  });
});
