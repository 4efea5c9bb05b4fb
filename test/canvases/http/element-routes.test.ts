import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasOf, node, sample, serveCanvases } from './served-canvases.js';

const url = '/canvas/notes/a.canvas';
const mergePatch = { 'content-type': 'application/merge-patch+json' };

async function start(bytes: Buffer = sample) {
  const served = await serveCanvases();
  await served.ask('PUT', url, bytes);
  const text = async () => (await served.bytesOf('notes/a.canvas')).toString();
  const refused = async (
    method: 'POST' | 'PATCH' | 'DELETE',
    below: string,
    payload: Buffer | string | object | undefined,
    status: number,
    code: string,
    headers: Record<string, string> = {},
  ) => {
    const answer = await served.ask(method, `${url}${below}`, payload, headers);
    const name = `${method} ${below} ${JSON.stringify(payload)?.slice(0, 100)}`;
    expect({ status: answer.statusCode, code: answer.json().code }, name).toEqual({ status, code });
    expect(await served.bytesOf('notes/a.canvas'), name).toEqual(bytes);
    return answer;
  };
  return { ...served, text, refused };
}

describe('nodes and edges', () => {
  it('adds a node, spelled as it was sent, and tells where it is and what the canvas is now', async () => {
    const { ask, text, bytesOf } = await start();
    const body = '{"id":"n/1 节","type":"text","text":"\\u0041","x":1.0,"y":0,"width":1e2,"height":50}';
    const answer = await ask('POST', `${url}/nodes`, body);
    expect(answer.statusCode).toBe(201);
    expect(await text()).toContain(body);
    const stored = await bytesOf('notes/a.canvas');
    expect(answer.json()).toEqual({
      path: 'notes/a.canvas',
      etag: etagOf(stored),
      bytes: stored.length,
      id: 'n/1 节',
    });
    const location = String(answer.headers.location);
    expect(answer.headers).toMatchObject({
      etag: etagOf(stored),
      location: `${url}/nodes/${encodeURIComponent('n/1 节')}`,
    });
    expect((await ask('PATCH', location, { x: 2 }, mergePatch)).statusCode).toBe(200);
    expect(await text()).toContain('"x":2,"y":0,"width":1e2');
    expect((await ask('DELETE', location)).statusCode).toBe(204);
    expect(await bytesOf('notes/a.canvas')).toEqual(sample);
  });

  it('changes a node, as merge patch or JSON, and leaves all else as it is', async () => {
    const { ask, bytesOf } = await start();
    const first = await ask('PATCH', `${url}/nodes/b`, { x: 301 }, mergePatch);
    const moved = sample.toString().replace('"x":300', '"x":301');
    expect(first.statusCode).toBe(200);
    expect(first.headers.etag).toBe(etagOf(Buffer.from(moved)));
    expect(first.json()).toMatchObject({ path: 'notes/a.canvas', etag: first.headers.etag, bytes: moved.length + 6 });
    const second = await ask('PATCH', `${url}/nodes/b`, { text: 'c', id: 'b' });
    expect(second.statusCode).toBe(200);
    expect((await bytesOf('notes/a.canvas')).toString()).toBe(moved.replace('"text":"b"', '"text":"c"'));
  });

  it('deletes a node with its edges, and an edge alone', async () => {
    const { ask, text } = await start();
    const added = await ask('POST', `${url}/edges`, { id: 'ba', fromNode: 'b', toNode: 'a', label: '反' });
    expect(added.statusCode).toBe(201);
    expect(added.headers.location).toBe(`${url}/edges/ba`);
    expect((await ask('PATCH', `${url}/edges/ba`, { label: null, color: '1' })).statusCode).toBe(200);
    const removed = await ask('DELETE', `${url}/edges/ba`);
    expect(removed.statusCode).toBe(204);
    expect(removed.headers.etag).toBe(etagOf(Buffer.from(await text())));
    expect(removed.rawPayload).toHaveLength(0);
    expect(JSON.parse(await text()).edges).toHaveLength(1);
    await ask('DELETE', `${url}/nodes/a`);
    expect(JSON.parse(await text())).toMatchObject({ nodes: [{ id: 'b' }], edges: [] });
  });

  it('keeps to preconditions', async () => {
    const { ask, refused } = await start();
    const stale = { 'if-match': '"other"' };
    expect((await refused('POST', '/nodes', node('n'), 412, 'PRECONDITION_FAILED', stale)).json().etag).toBe(
      etagOf(sample),
    );
    await refused('PATCH', '/nodes/a', { x: 1 }, 412, 'PRECONDITION_FAILED', stale);
    await refused('DELETE', '/edges/ab', undefined, 412, 'PRECONDITION_FAILED', stale);
    const fresh = { 'if-match': etagOf(sample) };
    expect((await ask('POST', `${url}/nodes`, node('n'), fresh)).statusCode).toBe(201);
  });

  it('refuses elements that are unknown, there already, or renamed', async () => {
    const { refused } = await start();
    await refused('PATCH', '/nodes/z', { x: 1 }, 404, 'CANVAS_NODE_UNKNOWN');
    await refused('DELETE', '/nodes/z', undefined, 404, 'CANVAS_NODE_UNKNOWN');
    await refused('DELETE', '/nodes/__proto__', undefined, 404, 'CANVAS_NODE_UNKNOWN');
    await refused('PATCH', '/edges/a', {}, 404, 'CANVAS_EDGE_UNKNOWN');
    await refused('DELETE', '/edges/z', undefined, 404, 'CANVAS_EDGE_UNKNOWN');
    await refused('POST', '/nodes', node('a'), 409, 'CANVAS_ID_TAKEN');
    await refused('POST', '/edges', { id: 'ab', fromNode: 'a', toNode: 'b' }, 409, 'CANVAS_ID_TAKEN');
    await refused('PATCH', '/nodes/a', { id: 'z' }, 422, 'CANVAS_ID_CHANGED');
    await refused('PATCH', '/nodes/a', { id: null }, 422, 'CANVAS_ID_CHANGED');
  });

  it('refuses edges to nowhere, naming the end', async () => {
    const { refused } = await start();
    const edge = { id: 'x', fromNode: 'a', toNode: 'z' };
    const added = await refused('POST', '/edges', edge, 422, 'CANVAS_EDGE_END_UNKNOWN');
    expect(added.json().errors).toEqual([{ pointer: '/toNode', message: expect.stringContaining('"z"') }]);
    await refused('PATCH', '/edges/ab', { fromNode: 'z' }, 422, 'CANVAS_EDGE_END_UNKNOWN');
    await refused('PATCH', '/edges/ab', { toNode: null }, 422, 'CANVAS_EDGE_END_UNKNOWN');
  });

  it('refuses elements that are no nodes or edges, saying where in the body', async () => {
    const { refused } = await start();
    const invalid = async (method: 'POST' | 'PATCH', below: string, payload: object, pointer: string) => {
      const answer = await refused(method, below, payload, 422, 'CANVAS_INVALID');
      expect(answer.json().errors[0].pointer).toBe(pointer);
    };
    await invalid('POST', '/nodes', { ...node('n'), type: 'picture' }, '/type');
    await invalid('POST', '/nodes', { ...node('n'), x: '1' }, '/x');
    await invalid('POST', '/nodes', { type: 'text' }, '/id');
    await invalid('POST', '/nodes', { ...node(''), id: 7 }, '/id');
    await invalid('PATCH', '/nodes/a', { text: null }, '/text');
    await invalid('POST', '/edges', { id: 'e', fromNode: 'a', toNode: 'b', fromSide: 'middle' }, '/fromSide');
    await invalid('PATCH', '/edges/ab', { color: 'red' }, '/color');
  });

  it('takes one element a request, not ten thousand', async () => {
    const { refused } = await start();
    const many = Array.from({ length: 10_000 }, (_, i) => node(`n${i}`));
    await refused('POST', '/nodes', many, 400, 'CANVAS_PATCH_MALFORMED');
    await refused('POST', '/nodes', { nodes: many }, 422, 'CANVAS_INVALID');
    await refused('PATCH', '/nodes/a', [], 400, 'CANVAS_PATCH_MALFORMED');
  });

  it('refuses bodies that cannot be read, by their headers or their bytes', async () => {
    const { refused } = await start();
    for (const type of ['text/plain', 'application/merge-patch+json', 'application/json; charset=latin1']) {
      const answer = await refused('POST', '/nodes', '{}', 415, 'CANVAS_TYPE_UNSUPPORTED', { 'content-type': type });
      expect(answer.headers.accept).toBe('application/json');
    }
    const patched = await refused('PATCH', '/nodes/a', '[]', 415, 'CANVAS_PATCH_TYPE_UNSUPPORTED', {
      'content-type': 'application/json-patch+json',
    });
    expect(patched.headers['accept-patch']).toBe('application/merge-patch+json, application/json');
    for (const body of ['', '{"id":', '{"id":"a","id":"b"}', Buffer.from([0x22, 0xff, 0x22])]) {
      await refused('POST', '/nodes', body, 400, 'CANVAS_PATCH_MALFORMED');
      await refused('PATCH', '/nodes/a', body, 400, 'CANVAS_PATCH_MALFORMED');
    }
    const deep = `{"id":"n","x":${'['.repeat(127)}${']'.repeat(127)}}`;
    await refused('POST', '/nodes', deep, 400, 'CANVAS_PATCH_MALFORMED');
  });

  it('is 404 where there is no canvas, and 405 for other methods', async () => {
    const { ask } = await start();
    expect((await ask('POST', '/canvas/none.canvas/nodes', node('a'))).json().code).toBe('CANVAS_NOT_FOUND');
    expect((await ask('DELETE', '/canvas/none.canvas/edges/e')).json().code).toBe('CANVAS_NOT_FOUND');
    const read = await ask('GET', `${url}/nodes`);
    expect([read.statusCode, read.headers.allow]).toEqual([405, 'POST']);
    expect((await ask('DELETE', `${url}/nodes/a?force=1`)).json().code).toBe('INPUT_INVALID');
  });

  it('a thousand edits at once all land', async () => {
    const { ask, text } = await start(canvasOf(node('a')));
    const edits = Array.from({ length: 1000 }, (_, i) =>
      i % 2 === 0
        ? ask('POST', `${url}/nodes`, node(`n${i}`))
        : ask('PATCH', `${url}/nodes/a`, { [`k${i}`]: i }, mergePatch),
    );
    const statuses = (await Promise.all(edits)).map(({ statusCode }) => statusCode);
    expect(new Set(statuses)).toEqual(new Set([200, 201]));
    const { nodes } = JSON.parse(await text());
    expect(nodes).toHaveLength(501);
    expect(Object.keys(nodes[0]).filter((key) => /^k\d+$/.test(key))).toHaveLength(500);
  });
});
