import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasRoutes, foldCanvasPath } from '../../../src/canvases/index.js';
import { startTestServer } from '../../support/server.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { openTestCanvases, variants } from '../support/open-test-canvases.js';

/** What lies in the vault, but for the lock that says whose it is. */
const filesIn = (vaultDir: string) => readdirSync(vaultDir).filter((name) => !name.endsWith('.lock'));

const json = { 'content-type': 'application/json' };

describe.each(variants)('the canvas routes, $variant', ({ enabled }) => {
  async function start() {
    const opened = await openTestCanvases(enabled);
    const server = await startTestServer([canvasRoutes(opened.canvases)], { foldUrl: foldCanvasPath });
    const put = (url: string, body: Buffer | string, headers: Record<string, string> = {}) =>
      server.inject({ method: 'PUT', url, headers: { ...json, ...headers }, payload: body });
    const get = (url: string, headers: Record<string, string> = {}) => server.inject({ method: 'GET', url, headers });
    const fileOf = (name: string) => path.join(opened.vaultDir, name);
    return { ...opened, server, put, get, fileOf };
  }

  it('a canvas goes in and comes out byte for byte', async () => {
    const { put, get, server, fileOf, canvases } = await start();
    const body = Buffer.from('{\n\t"nodes":[\n\t],  "edges":[], "自由":1.0}\n');
    const created = await put('/canvas/notes/学习.canvas', body);
    expect(created.statusCode).toBe(201);
    expect(created.json()).toEqual({ path: 'notes/学习.canvas', etag: etagOf(body), bytes: body.length });
    expect(created.headers).toMatchObject({
      etag: etagOf(body),
      location: `/canvas/notes/${encodeURIComponent('学习')}.canvas`,
    });
    await canvases.flush();
    expect(readFileSync(fileOf('notes/学习.canvas'))).toEqual(body);

    const read = await get(String(created.headers.location));
    expect(read.rawPayload).toEqual(body);
    expect(read.headers).toMatchObject({
      etag: etagOf(body),
      'cache-control': 'no-cache',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(body.length),
      'cache-status': `canvas-learning-backend; ${enabled ? 'hit' : 'fwd=bypass'}`,
      'last-modified': expect.stringMatching(/GMT$/),
    });
    const head = await server.inject({ method: 'HEAD', url: '/canvas/notes%2F学习.canvas' });
    expect(head.statusCode).toBe(200);
    expect(head.headers['content-length']).toBe(String(body.length));
    expect(head.rawPayload).toHaveLength(0);

    const replaced = await put('/canvas/notes/学习.canvas', '{}', {
      'content-type': 'application/vnd.jsoncanvas+json',
    });
    expect(replaced.statusCode).toBe(200);
    expect(replaced.headers.location).toBeUndefined();
    const removed = await server.inject({ method: 'DELETE', url: '/canvas/notes/学习.canvas' });
    expect(removed.statusCode).toBe(204);
    expect((await get('/canvas/notes/学习.canvas')).statusCode).toBe(404);
  });

  it('answers 304 to a client that has the canvas', async () => {
    const { put, get, fileOf, canvases } = await start();
    const body = canvasBytes('x');
    await put('/canvas/a.canvas', body);
    await canvases.flush();
    utimesSync(fileOf('a.canvas'), 1_000_000, 1_000_000.5);
    const etag = etagOf(body);
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await get('/canvas/a.canvas', { 'if-none-match': value });
      expect(answer.statusCode, value).toBe(304);
      expect(answer.headers).toMatchObject({ etag, 'cache-control': 'no-cache' });
      expect(answer.rawPayload).toHaveLength(0);
    }
    const date = 'Mon, 12 Jan 1970 13:46:40 GMT';
    const statusWith = async (headers: Record<string, string>) => (await get('/canvas/a.canvas', headers)).statusCode;
    expect(await statusWith({ 'if-none-match': '"x"' })).toBe(200);
    expect(await statusWith({ 'if-none-match': 'nonsense' })).toBe(200);
    expect(await statusWith({ 'if-modified-since': date })).toBe(304);
    expect(await statusWith({ 'if-modified-since': 'Mon, 12 Jan 1970 13:46:39 GMT' })).toBe(200);
    expect(await statusWith({ 'if-modified-since': 'yesterday' })).toBe(200);
    expect(await statusWith({ 'if-none-match': '"x"', 'if-modified-since': date })).toBe(200);
    expect((await get('/canvas/none.canvas', { 'if-none-match': '*' })).statusCode).toBe(404);
  });

  it('refuses a read that demands a version which is not there', async () => {
    const { put, get, fileOf, canvases } = await start();
    const body = canvasBytes('x');
    await put('/canvas/a.canvas', body);
    await canvases.flush();
    utimesSync(fileOf('a.canvas'), 1_000_000, 1_000_000.5);
    const etag = etagOf(body);
    const statusWith = async (headers: Record<string, string>) => (await get('/canvas/a.canvas', headers)).statusCode;
    const refused = await get('/canvas/a.canvas', { 'if-match': '"x"' });
    expect([refused.statusCode, refused.headers.etag]).toEqual([412, etag]);
    expect(refused.json()).toMatchObject({ code: 'PRECONDITION_FAILED', etag });
    expect(await statusWith({ 'if-match': `W/${etag}` })).toBe(412);
    expect(await statusWith({ 'if-match': '"x"', 'if-none-match': etag })).toBe(412);
    expect(await statusWith({ 'if-unmodified-since': 'Mon, 12 Jan 1970 13:46:39 GMT' })).toBe(412);
    for (const value of ['*', `"x", ${etag}`, `${etag.slice(0, -1)}.gzip"`]) {
      expect(await statusWith({ 'if-match': value }), value).toBe(200);
    }
    expect(await statusWith({ 'if-match': etag, 'if-none-match': etag })).toBe(304);
    expect(await statusWith({ 'if-match': etag, 'if-unmodified-since': 'Mon, 12 Jan 1970 13:46:39 GMT' })).toBe(200);
    expect(await statusWith({ 'if-unmodified-since': 'Mon, 12 Jan 1970 13:46:40 GMT' })).toBe(200);
    expect(await statusWith({ 'if-unmodified-since': 'yesterday' })).toBe(200);
    expect((await get('/canvas/none.canvas', { 'if-match': '*' })).statusCode).toBe(404);
  });

  it('keeps to preconditions, and tells the ETag that is current', async () => {
    const { put, server, get } = await start();
    const first = etagOf(canvasBytes('1'));
    expect((await put('/canvas/a.canvas', canvasBytes('1'), { 'if-none-match': '*' })).statusCode).toBe(201);
    for (const headers of [
      { 'if-none-match': '*' },
      { 'if-match': '"other"' },
      { 'if-match': `W/${first}` },
      { 'if-match': 'unquoted' },
      { 'if-unmodified-since': 'Mon, 12 Jan 1970 13:46:40 GMT' },
    ] as Record<string, string>[]) {
      const refused = await put('/canvas/a.canvas', canvasBytes('2'), headers);
      expect(refused.statusCode, JSON.stringify(headers)).toBe(412);
      expect(refused.json()).toMatchObject({ code: 'PRECONDITION_FAILED', etag: first });
      expect(refused.headers.etag).toBe(first);
      const removal = await server.inject({ method: 'DELETE', url: '/canvas/a.canvas', headers });
      expect(removal.statusCode).toBe(412);
    }
    expect((await put('/canvas/none.canvas', canvasBytes('2'), { 'if-match': '*' })).json()).toMatchObject({
      etag: null,
    });
    expect((await put('/canvas/a.canvas', canvasBytes('2'), { 'if-match': `"x", ${first}` })).statusCode).toBe(200);
    expect((await put('/canvas/a.canvas', canvasBytes('3'), { 'if-match': first })).statusCode).toBe(412);
    expect((await get('/canvas/a.canvas')).rawPayload).toEqual(canvasBytes('2'));
  });

  it('answers 202 to who would rather not wait', async () => {
    const { put, server, get } = await start();
    const answer = await put('/canvas/a.canvas', canvasBytes('1'), { prefer: 'wait=5, Respond-Async' });
    expect(answer.statusCode).toBe(202);
    expect(answer.headers['preference-applied']).toBe('respond-async');
    expect(answer.json()).toMatchObject({ path: 'a.canvas', etag: etagOf(canvasBytes('1')) });
    expect((await get('/canvas/a.canvas')).rawPayload).toEqual(canvasBytes('1'));
    expect((await server.inject({ method: 'POST', url: '/admin/flush' })).statusCode).toBe(200);
    expect((await put('/canvas/b.canvas', '{"nodes":1}', { prefer: 'respond-async' })).statusCode).toBe(422);
    expect((await put('/canvas/a.canvas', '{}', { prefer: 'respond-async', 'if-match': '"x"' })).statusCode).toBe(412);
  });

  it('refuses other media types and encodings before it reads the body', async () => {
    const { put, vaultDir, canvases } = await start();
    for (const type of [
      'text/plain',
      'application/json; charset=utf-16',
      'application/jsonx',
      'application/json junk',
      'application/json;x=1',
      'multipart/form-data; boundary=x',
      '',
    ]) {
      const answer = await put('/canvas/a.canvas', '{}', { 'content-type': type });
      expect(answer.statusCode, type).toBe(415);
      expect(answer.json().code).toBe('CANVAS_TYPE_UNSUPPORTED');
      expect(answer.headers.accept).toBe('application/json, application/vnd.jsoncanvas+json');
    }
    for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
      expect((await put('/canvas/ok.canvas', '{}', { 'content-type': type })).statusCode).toBeLessThan(300);
    }
    const gzipped = await put('/canvas/a.canvas', '{}', { 'content-encoding': 'gzip' });
    expect(gzipped.statusCode).toBe(415);
    expect(gzipped.json().code).toBe('CANVAS_ENCODING_UNSUPPORTED');
    await canvases.flush();
    expect(filesIn(vaultDir)).toEqual(['ok.canvas']);
  });

  it('refuses bodies that are no canvas', async () => {
    const { put, vaultDir } = await start();
    const beyond = Buffer.alloc(16 * 1024 * 1024 + 1, 0x20);
    const cases: [string, Buffer | string, number, string][] = [
      ['empty', '', 400, 'CANVAS_MALFORMED'],
      ['cut off', '{"nodes":[', 400, 'CANVAS_MALFORMED'],
      ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'CANVAS_MALFORMED'],
      ['too deep', '['.repeat(5000), 400, 'CANVAS_MALFORMED'],
      ['no canvas', '{"nodes":[{"id":"a"}]}', 422, 'CANVAS_INVALID'],
      ['too large', beyond, 413, 'BODY_TOO_LARGE'],
    ];
    for (const [name, body, status, code] of cases) {
      const answer = await put('/canvas/a.canvas', body);
      expect(answer.statusCode, name).toBe(status);
      expect(answer.json().code).toBe(code);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    }
    const tooLarge = await put('/canvas/a.canvas', beyond);
    expect(tooLarge.json().detail).toBe('Expected a body of at most 16777216 bytes, got 16777217');
    expect((await put('/canvas/a.canvas', '{"nodes":[{}]}')).json().errors[0]).toEqual({
      pointer: '/nodes/0/type',
      message: 'expected one of text, file, link, group, got nothing',
    });
    expect(filesIn(vaultDir)).toEqual([]);
  });

  it('gives one answer for "missing", "outside" and "no regular file", whatever the method', async () => {
    const { server, fileOf, vaultDir } = await start();
    symlinkSync('/etc/hostname', fileOf('link.canvas'));
    symlinkSync('/etc', fileOf('etc'));
    mkdirSync(fileOf('dir.canvas'));
    execFileSync('mkfifo', [fileOf('pipe.canvas')]);
    const bodies = new Set<string>();
    for (const name of ['none', 'link', 'etc/x', 'dir', 'pipe']) {
      for (const method of ['GET', 'PUT', 'DELETE'] as const) {
        if (name === 'none' && method === 'PUT') continue;
        const payload = method === 'PUT' ? { payload: '{}', headers: json } : {};
        const answer = await server.inject({ method, url: `/canvas/${name}.canvas`, ...payload });
        expect(answer.statusCode, `${method} ${name}`).toBe(404);
        bodies.add(JSON.stringify({ ...answer.json(), instance: '' }));
      }
    }
    expect(bodies.size).toBe(1);
    expect(filesIn(vaultDir).sort()).toEqual(['dir.canvas', 'etc', 'link.canvas', 'pipe.canvas']);
  });

  it('says what is wrong with a path', async () => {
    const { get, put } = await start();
    for (const url of [
      '/canvas/',
      '/canvas/a',
      '/canvas/..%2f..%2fetc%2fpasswd',
      '/canvas//etc/a.canvas',
      '/canvas/.obsidian/a.canvas',
      '/canvas/a%00.canvas',
      '/canvas/a%5c..%5cb.canvas',
      '/canvas/aux.canvas',
      `/canvas/${'a'.repeat(300)}.canvas`,
      `/canvas/${'a/'.repeat(2100)}b.canvas`,
    ]) {
      for (const answer of [await get(url), await put(url, '{}')]) {
        expect(answer.statusCode, url).toBe(400);
        expect(answer.json()).toMatchObject({ code: 'CANVAS_PATH_INVALID', errors: [{ parameter: 'path' }] });
      }
    }
    expect((await get('/canvas/%zz.canvas')).json().code).toBe('URL_MALFORMED');
    expect((await get('/canvas/%252e%252e%252fa.canvas')).statusCode).toBe(404);
  });

  it('says so when a stored file is broken, being written or too large', async () => {
    const { get, fileOf, put } = await start();
    writeFileSync(fileOf('a.canvas'), '{"half":');
    const busy = await get('/canvas/a.canvas');
    expect(busy.statusCode).toBe(503);
    expect(busy.headers['retry-after']).toBe('1');
    expect(busy.json().code).toBe('CANVAS_BUSY');
    // Written again, since it may have been still for long enough by now.
    writeFileSync(fileOf('a.canvas'), '{"half":');
    expect((await put('/canvas/a.canvas', '{}')).statusCode).toBe(503);
    writeFileSync(fileOf('big.canvas'), '');
    truncateSync(fileOf('big.canvas'), 17 * 1024 * 1024);
    const large = await get('/canvas/big.canvas');
    expect(large.statusCode).toBe(422);
    expect(large.json().code).toBe('CANVAS_TOO_LARGE');
    expect((await put('/canvas/big.canvas', '{}')).statusCode).toBe(409);
    expect((await put('/canvas/big.canvas', '{}', { 'if-match': '*' })).statusCode).toBe(200);
  });

  it('lists page by page', async () => {
    const { put, get } = await start();
    const names = ['a/b.canvas', 'a-b.canvas', 'a.canvas', '一.canvas', 'b.canvas'];
    for (const name of names) await put(`/canvas/${name}`, canvasBytes(name));
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { data: { path: string; etag: string }[]; next_cursor: string | null } = (
        await get(`/canvas?limit=2&cursor=${cursor}`)
      ).json();
      for (const item of page.data) expect(item.etag).toBe(etagOf(canvasBytes(item.path)));
      seen.push(...page.data.map((item) => item.path));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([...names].sort());
    expect((await get('/canvas?prefix=a%2F')).json()).toMatchObject({
      data: [{ path: 'a/b.canvas' }],
      next_cursor: null,
    });
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=x',
      'limit=1&limit=2',
      'offset=1',
      'cursor=x',
      'cursor=MS4u',
    ]) {
      expect((await get(`/canvas?${query}`)).statusCode, query).toBe(400);
    }
    expect((await get('/canvas/a.canvas?x=1')).statusCode).toBe(400);
  });

  it('flushes on request', async () => {
    const { put, server } = await start();
    await put('/canvas/a.canvas', canvasBytes('0'));
    await put('/canvas/a.canvas', canvasBytes('1'), { prefer: 'respond-async' });
    const answer = await server.inject({ method: 'POST', url: '/admin/flush' });
    expect(answer.json()).toEqual({ flushed: enabled ? 1 : 0 });
    const withBody = await server.inject({ method: 'POST', url: '/admin/flush', headers: json, payload: '{}' });
    expect(withBody.json()).toEqual({ flushed: 0 });
  });

  it('is in the OpenAPI document', async () => {
    const { get } = await start();
    const document = (await get('/openapi.json')).json();
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/canvas', '/canvas/{path}', '/admin/flush']));
    expect(Object.keys(document.paths['/canvas/{path}']).sort()).toEqual(['delete', 'get', 'patch', 'put']);
    expect(Object.keys(document.paths['/canvas/{path}'].put.requestBody.content)).toHaveLength(2);
  });
});
