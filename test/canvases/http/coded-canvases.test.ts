import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasRoutes, foldCanvasPath } from '../../../src/canvases/index.js';
import { eventually } from '../../support/eventually.js';
import { startTestServer } from '../../support/server.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { openTestCanvases } from '../support/open-test-canvases.js';

const url = '/canvas/a.canvas';
const bytes = canvasBytes('自由', 100);
const etag = etagOf(bytes);
const tagOf = (coding: string) => `${etag.slice(0, -1)}.${coding}"`;

type Method = 'GET' | 'HEAD' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

async function start(enabled = true) {
  const opened = await openTestCanvases(enabled);
  const server = await startTestServer([canvasRoutes(opened.canvases)], { foldUrl: foldCanvasPath });
  const ask = (method: Method, headers: Record<string, string> = {}, payload?: Buffer | string, at = url) =>
    server.inject({
      method,
      url: at,
      headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  await ask('PUT', {}, bytes);
  await opened.canvases.flush();
  /** Reads until the canvas comes in that coding. */
  const untilCoded = (coding: string) =>
    eventually(async () => {
      const answer = await ask('GET', { 'accept-encoding': coding });
      expect(answer.headers['content-encoding']).toBe(coding);
      return answer;
    });
  return { ...opened, server, ask, untilCoded };
}

it('sends a canvas that is read again compressed, to those who accept it', async () => {
  const { ask, untilCoded } = await start();
  for (const [coding, decode] of [
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const) {
    for (const read of [1, 2]) {
      const { headers, rawPayload } = await ask('GET', { 'accept-encoding': coding });
      expect(headers['content-encoding'], `${coding}, read ${read}`).toBeUndefined();
      expect(rawPayload).toEqual(bytes);
      expect(headers).toMatchObject({ etag, vary: 'Accept-Encoding' });
    }
    const coded = await untilCoded(coding);
    expect(decode(coded.rawPayload)).toEqual(bytes);
    expect(coded.headers).toMatchObject({
      etag: tagOf(coding),
      vary: 'Accept-Encoding',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(coded.rawPayload.length),
      'cache-status': 'canvas-learning-backend; hit',
    });
    const head = await ask('HEAD', { 'accept-encoding': coding });
    expect(head.rawPayload).toHaveLength(0);
    const { 'x-request-id': _one, date: _date, ...same } = coded.headers;
    expect(head.headers).toMatchObject(same);
  }
  const both = await ask('GET', { 'accept-encoding': 'gzip, deflate, br, zstd' });
  expect(both.headers['content-encoding']).toBe('br');
  for (const plain of ['', 'identity', 'gzip;q=0, br;q=0', 'deflate', 'identity, *;q=0.5']) {
    const answer = await ask('GET', { 'accept-encoding': plain });
    expect(answer.headers['content-encoding'], plain).toBeUndefined();
    expect(answer.headers.etag).toBe(etag);
    expect(answer.rawPayload).toEqual(bytes);
  }
  expect((await ask('GET')).headers['content-encoding']).toBeUndefined();
});

it('a client that has any form of the version needs no bytes, and is told the tag that it has', async () => {
  const { ask, untilCoded } = await start();
  await untilCoded('gzip');
  for (const [given, told] of [
    [etag, etag],
    [tagOf('gzip'), tagOf('gzip')],
    [`W/${tagOf('gzip')}`, tagOf('gzip')],
    [tagOf('br'), tagOf('br')],
    [`"x", ${tagOf('gzip')}`, tagOf('gzip')],
    ['*', tagOf('gzip')],
  ] as const) {
    const answer = await ask('GET', { 'accept-encoding': 'gzip', 'if-none-match': given });
    expect(answer.statusCode, given).toBe(304);
    expect(answer.headers).toMatchObject({ etag: told, vary: 'Accept-Encoding' });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.rawPayload).toHaveLength(0);
  }
  for (const given of ['"x.gzip"', tagOf('zstd'), etag.slice(0, -1)]) {
    const answer = await ask('GET', { 'if-none-match': given });
    expect(answer.statusCode, given).toBe(200);
  }
});

it('a writer may name the form that it was sent', async () => {
  const { ask } = await start();
  const tagged = (now: unknown) => `${String(now).slice(0, -1)}.br"`;
  const put = await ask('PUT', { 'if-match': tagOf('gzip') }, canvasBytes('1'));
  expect(put.statusCode).toBe(200);
  const stale = await ask('PUT', { 'if-match': tagOf('gzip') }, canvasBytes('2'));
  expect(stale.statusCode).toBe(412);
  expect(stale.headers.etag).toBe(put.headers.etag);
  expect((await ask('PUT', { 'if-match': `W/${tagged(put.headers.etag)}` }, canvasBytes('2'))).statusCode).toBe(412);
  expect((await ask('PUT', { 'if-none-match': tagged(put.headers.etag) }, canvasBytes('2'))).statusCode).toBe(412);
  const patched = await ask(
    'PATCH',
    { 'if-match': tagged(put.headers.etag), 'content-type': 'application/merge-patch+json' },
    '{"x":1}',
  );
  expect(patched.statusCode).toBe(200);
  const node = JSON.stringify({ id: 'new', type: 'text', text: '', x: 0, y: 0, width: 1, height: 1 });
  const added = await ask('POST', { 'if-match': tagged(patched.headers.etag) }, node, `${url}/nodes`);
  expect(added.statusCode).toBe(201);
  const removed = await ask('DELETE', { 'if-match': tagged(added.headers.etag) });
  expect(removed.statusCode).toBe(204);
});

it('a merge finds its base by the form that the client was sent', async () => {
  const { ask } = await start();
  const parsed = JSON.parse(bytes.toString());
  const mine = structuredClone(parsed);
  mine.nodes[0].text = 'mine';
  const theirs = structuredClone(parsed);
  theirs.nodes[1].text = 'theirs';
  expect((await ask('PUT', {}, JSON.stringify(theirs))).statusCode).toBe(200);
  const merged = await ask('PUT', { 'if-match': tagOf('br'), prefer: 'handling=merge' }, JSON.stringify(mine));
  expect(merged.json()).toMatchObject({ merged: true });
  const { nodes } = (await ask('GET')).json();
  expect([nodes[0].text, nodes[1].text]).toEqual(['mine', 'theirs']);
});

describe('with the cache switched off', () => {
  it('sends plain bytes however often they are asked for, and still knows the tags', async () => {
    const { ask, events } = await start(false);
    for (let read = 0; read < 5; read++) {
      const answer = await ask('GET', { 'accept-encoding': 'gzip, br' });
      expect(answer.headers).toMatchObject({ etag, vary: 'Accept-Encoding' });
      expect(answer.rawPayload).toEqual(bytes);
    }
    expect((await ask('GET', { 'if-none-match': tagOf('gzip') })).statusCode).toBe(304);
    expect((await ask('DELETE', { 'if-match': tagOf('gzip') })).statusCode).toBe(204);
    expect(events.filter(({ type }) => type === 'variant')).toEqual([]);
  });
});

it('a write is seen at once by a reader of the compressed form', async () => {
  const { ask, untilCoded } = await start();
  await untilCoded('br');
  const newer = canvasBytes('newer', 100);
  await ask('PUT', {}, newer);
  const answer = await ask('GET', { 'accept-encoding': 'br', 'if-none-match': tagOf('br') });
  expect(answer.statusCode).toBe(200);
  expect(answer.rawPayload).toEqual(newer);
});
