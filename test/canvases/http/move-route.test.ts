import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasOf, node, serveCanvases } from './served-canvases.js';

const body = canvasOf(node('a'));

async function start() {
  const served = await serveCanvases();
  await served.ask('PUT', '/canvas/x/a.canvas', canvasOf());
  await served.ask('PUT', '/canvas/x/a.canvas', body);
  const move = (to: unknown, headers: Record<string, string> = {}, from = 'x/a.canvas') =>
    served.ask('POST', `/canvas/${from}/move`, JSON.stringify({ to }), headers);
  return { ...served, move };
}

describe('a move', () => {
  it('gives a canvas another path, with its history', async () => {
    const { ask, move, bytesOf } = await start();
    const answer = await move('已完成/b c.canvas');
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({ path: '已完成/b c.canvas', etag: etagOf(body) });
    const location = `/canvas/${encodeURIComponent('已完成')}/b%20c.canvas`;
    expect(answer.headers).toMatchObject({ etag: etagOf(body), location });
    expect((await ask('GET', location)).rawPayload).toEqual(body);
    expect((await ask('GET', '/canvas/x/a.canvas')).statusCode).toBe(404);
    expect((await ask('GET', `${location}/versions`)).json().data).toHaveLength(1);
    expect(await bytesOf('已完成/b c.canvas')).toEqual(body);
  });

  it('is refused onto an existing canvas, from nowhere, or when its precondition does not hold', async () => {
    const { ask, move, bytesOf } = await start();
    await ask('PUT', '/canvas/b.canvas', canvasOf(node('b')));
    expect((await move('b.canvas')).statusCode).toBe(409);
    expect(await bytesOf('b.canvas')).toEqual(canvasOf(node('b')));
    const stale = await move('c.canvas', { 'if-match': '"other"' });
    expect([stale.statusCode, stale.json().etag]).toEqual([412, etagOf(body)]);
    expect((await move('c.canvas', {}, 'none.canvas')).json().code).toBe('CANVAS_NOT_FOUND');
    expect((await ask('GET', '/canvas/c.canvas')).statusCode).toBe(404);
    expect(await bytesOf('x/a.canvas')).toEqual(body);
    expect((await move('c.canvas', { 'if-match': etagOf(body) })).statusCode).toBe(201);
  });

  it('gives a canvas its own name in other letters or another Unicode form, and nobody else that name', async () => {
    const { ask, move, vaultDir } = await start();
    for (const [from, to] of [
      ['x/a.canvas', 'x/A.canvas'],
      ['x/A.canvas', 'x/\u00c9t\u00e9.canvas'],
      ['x/\u00c9t\u00e9.canvas', 'x/e\u0301te\u0301.canvas'],
    ] as const) {
      expect((await move(to, {}, from)).statusCode, to).toBe(201);
      expect(readdirSync(path.join(vaultDir, 'x'))).toEqual([path.basename(to)]);
      expect((await ask('GET', `/canvas/${encodeURIComponent(to)}/versions`)).json().data).toHaveLength(1);
    }
    await ask('PUT', '/canvas/x/b.canvas', body);
    expect((await move('x/\u00c9T\u00c9.canvas', {}, 'x/b.canvas')).json().code).toBe('CANVAS_NAME_CLASH');
    expect((await move('X/b.canvas', {}, 'x/b.canvas')).json().code).toBe('CANVAS_NAME_CLASH');
    expect((await ask('PUT', '/canvas/x/B.canvas', body)).json().code).toBe('CANVAS_NAME_CLASH');
  });

  it('says what is wrong with the new path', async () => {
    const { ask, move } = await start();
    const paths = [
      '../a.canvas',
      '/a.canvas',
      'a\\b.canvas',
      '.git/a.canvas',
      'a',
      '',
      'a\0.canvas',
      `${'x'.repeat(260)}.canvas`,
    ];
    for (const to of [...paths, 7, null, ['b.canvas']]) {
      const answer = await move(to);
      expect([answer.statusCode, answer.json().code], String(to)).toEqual([400, 'INPUT_INVALID']);
      expect(answer.json().errors).toEqual([{ pointer: '/to', message: expect.stringContaining('expected') }]);
    }
    expect((await move('.git/a.canvas')).json().detail).toBe('/to: expected no part to begin with a dot');
    for (const wrong of ['', '[]', '{', '{"to":"b.canvas","force":true}', '{"__proto__":{"to":"b.canvas"}}']) {
      expect((await ask('POST', '/canvas/x/a.canvas/move', wrong)).statusCode, wrong).toBe(400);
    }
    const typed = await ask('POST', '/canvas/x/a.canvas/move', 'b.canvas', { 'content-type': 'text/plain' });
    expect(typed.statusCode).toBe(415);
    expect((await ask('GET', '/canvas/x/a.canvas')).statusCode).toBe(200);
  });
});
