import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasOf, node, serveCanvases } from './served-canvases.js';

const url = '/canvas/a.canvas';
const base = canvasOf(node('a'), node('b'));
const theirs = canvasOf(node('a', 'theirs'), node('b'));
const mine = canvasOf(node('a'), node('b', 'mine'), node('c'));

/** The canvas was `base`, which we have, and is `theirs`. */
async function start() {
  const served = await serveCanvases();
  await served.ask('PUT', url, base);
  await served.canvases.flush();
  await served.ask('PUT', url, theirs);
  await served.canvases.flush();
  const put = (body: Buffer | string, headers: Record<string, string> = {}) =>
    served.ask('PUT', url, body, { 'if-match': etagOf(base), prefer: 'handling=merge', ...headers });
  return { ...served, put };
}

describe('PUT over a version that is not current any more', () => {
  it('is 412, with the current ETag and whether a merge is possible', async () => {
    const { put, bytesOf } = await start();
    const known = await put(mine, { prefer: 'handling=strict' });
    expect(known.statusCode).toBe(412);
    expect(known.json()).toMatchObject({ code: 'PRECONDITION_FAILED', etag: etagOf(theirs), base: 'known' });
    expect(known.json().detail).toContain('Prefer: handling=merge');
    expect(known.headers.etag).toBe(etagOf(theirs));
    const unknown = await put(mine, { prefer: '', 'if-match': '"elsewhere"' });
    expect(unknown.json()).toMatchObject({ code: 'PRECONDITION_FAILED', base: 'unknown' });
    const other = await put(mine, { 'if-match': '*', 'if-none-match': etagOf(theirs) });
    expect(other.statusCode).toBe(412);
    expect(other.json()).not.toHaveProperty('base');
    expect(await bytesOf('a.canvas')).toEqual(theirs);
  });

  it('merges changes of different nodes on request', async () => {
    const { put, bytesOf, ask } = await start();
    for (const prefer of ['Handling="merge"', 'respond-async, handling = merge; x=1']) {
      const answer = await put(mine, { prefer });
      const stored = await bytesOf('a.canvas');
      expect(answer.statusCode).toBe(200);
      expect(answer.headers).toMatchObject({ etag: etagOf(stored), 'preference-applied': 'handling=merge' });
      expect(answer.json()).toEqual({ path: 'a.canvas', etag: etagOf(stored), bytes: stored.length, merged: true });
      expect(JSON.parse(stored.toString()).nodes).toEqual([node('a', 'theirs'), node('b', 'mine'), node('c')]);
    }
    expect((await ask('GET', `${url}/versions`)).json().data.map(({ etag }: { etag: string }) => etag)).toEqual([
      etagOf(theirs),
      etagOf(base),
    ]);
  });

  it('looks for its base among the versions that If-Match names', async () => {
    const { put } = await start();
    const named = (list: string) => put(mine, { 'if-match': list });
    expect((await named(`W/${etagOf(base)}`)).statusCode).toBe(412);
    expect((await named('nonsense')).statusCode).toBe(412);
    expect((await named(`"elsewhere", ${etagOf(base)}`)).json()).toMatchObject({ merged: true });
  });

  it('merges in the middle of a burst too, with versions that were never in the file', async () => {
    const { ask, bytesOf } = await serveCanvases();
    const bodies = Array.from({ length: 5 }, (_, i) => canvasOf(node('a', `${i}`), node('b')));
    for (const body of bodies) await ask('PUT', url, body);
    for (const [i, body] of bodies.entries()) {
      const withOwn = canvasOf(...JSON.parse(body.toString()).nodes, node(`own${i}`));
      const headers = { 'if-match': etagOf(body), prefer: 'handling=merge' };
      expect((await ask('PUT', url, withOwn, headers)).statusCode).toBe(200);
    }
    const ids = JSON.parse((await bytesOf('a.canvas')).toString()).nodes.map(({ id }: { id: string }) => id);
    expect(ids.sort()).toEqual(['a', 'b', 'own0', 'own1', 'own2', 'own3', 'own4']);
  });

  it('names the ids where both changed the same, and changes nothing', async () => {
    const { put, bytesOf } = await start();
    const answer = await put(canvasOf(node('a', 'mine'), node('b')));
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({
      code: 'CANVAS_MERGE_CONFLICT',
      etag: etagOf(theirs),
      conflict_count: 1,
      conflicts: [{ kind: 'node', id: 'a', reason: 'changed differently on both sides' }],
    });
    expect(answer.headers.etag).toBe(etagOf(theirs));
    expect(await bytesOf('a.canvas')).toEqual(theirs);
  });

  it('cannot merge with a version that is not known any more, and says so', async () => {
    const { put, bytesOf } = await start();
    const answer = await put(mine, { 'if-match': '"forgotten"' });
    expect(answer.statusCode).toBe(412);
    expect(answer.json()).toMatchObject({ base: 'unknown', etag: etagOf(theirs) });
    expect(answer.json().detail).toContain('not known any more');
    expect(await bytesOf('a.canvas')).toEqual(theirs);
  });

  it('does not bring a deleted canvas back', async () => {
    const { put, ask } = await start();
    await ask('DELETE', url);
    const answer = await put(mine);
    expect([answer.statusCode, answer.json().etag]).toEqual([412, null]);
    expect((await ask('GET', url)).statusCode).toBe(404);
  });

  it('a canvas that goes between the refusal and the merge is not brought back either', async () => {
    const { canvases, ask, put } = await start();
    const bytesOf = canvases.bytesOf.bind(canvases);
    canvases.bytesOf = async (path, etag) => {
      const found = await bytesOf(path, etag);
      await canvases.delete('a.canvas', {});
      return found;
    };
    const answer = await put(mine);
    expect([answer.statusCode, answer.json().etag]).toEqual([412, null]);
    expect((await ask('GET', url)).statusCode).toBe(404);
  });

  it('checks the body before anything else, and what a merge would make of it', async () => {
    const { put, bytesOf, vaultDir } = await start();
    expect((await put('{"nodes":[{}]}')).statusCode).toBe(422);
    expect((await put('{"nodes":')).statusCode).toBe(400);
    writeFileSync(path.join(vaultDir, 'a.canvas'), '{"nodes":[{"id":"a"}]}');
    const answer = await put(canvasOf(node('a'), node('b'), node('c')));
    expect([answer.statusCode, answer.json().code]).toEqual([422, 'CANVAS_INVALID']);
    expect((await bytesOf('a.canvas')).toString()).toBe('{"nodes":[{"id":"a"}]}');
  });

  it('a body over the current version is stored as it is, with no word of a merge', async () => {
    const { put, bytesOf } = await start();
    const answer = await put(mine, { 'if-match': etagOf(theirs) });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).not.toHaveProperty('merged');
    expect(answer.headers).not.toHaveProperty('preference-applied');
    expect(await bytesOf('a.canvas')).toEqual(mine);
  });
});
