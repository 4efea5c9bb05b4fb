/** Canvases that another program wrote with a byte order mark in front: edited like any other, and the mark stays. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { parsedCanvases } from '../../../src/canvases/index.js';
import { canvasOf, node, sample, serveCanvases } from './served-canvases.js';

const mark = '\ufeff';
const marked = Buffer.from(mark + sample.toString());
const url = '/canvas/a.canvas';
const jsonPatch = { 'content-type': 'application/json-patch+json' };
const mergePatch = { 'content-type': 'application/merge-patch+json' };

async function start(bytes = marked) {
  const served = await serveCanvases();
  writeFileSync(path.join(served.vaultDir, 'a.canvas'), bytes);
  const text = async () => (await served.bytesOf('a.canvas')).toString();
  return { ...served, text };
}

const moved = sample.toString().replace('"x":300', '"x":301');
const withoutEdge = (text: string) => text.replace('\n\t\t{"id":"ab","fromNode":"a","toNode":"b"}\n\t', '');

describe('a canvas with a byte order mark', () => {
  it.each([
    ['PATCH', url, [{ op: 'replace', path: '/nodes/1/x', value: 301 }], jsonPatch, moved],
    ['PATCH', url, { 自由: 2 }, mergePatch, sample.toString().replace('1e0', '2')],
    ['PATCH', `${url}/nodes/b`, { x: 301 }, {}, moved],
    ['PATCH', `${url}/edges/ab`, { toNode: 'a' }, {}, sample.toString().replace('"toNode":"b"', '"toNode":"a"')],
    ['DELETE', `${url}/edges/ab`, undefined, {}, withoutEdge(sample.toString())],
  ] as const)('takes %s %s with %j', async (method, to, body, headers, wanted) => {
    const { ask, text } = await start();
    const answer = await ask(method, to, body, headers);
    expect({ status: answer.statusCode, text: await text() }).toEqual({
      status: method === 'DELETE' ? 204 : 200,
      text: mark + wanted,
    });
  });

  it('takes nodes and edges one after the other, and gives up a node with its edges', async () => {
    const { ask, text } = await start();
    const statuses = [
      await ask('POST', `${url}/nodes`, node('c')),
      await ask('POST', `${url}/edges`, { id: 'ac', fromNode: 'a', toNode: 'c' }),
      await ask('PATCH', `${url}/nodes/c`, { x: 1 }),
      await ask('DELETE', `${url}/nodes/b`),
    ].map(({ statusCode }) => statusCode);
    expect(statuses).toEqual([201, 201, 200, 204]);
    const after = await text();
    expect(after.startsWith(`${mark}{\n\t"nodes":[\n\t\t{"id":"a","type":"text","text":"\\u81ea由"`)).toBe(true);
    const { nodes, edges } = JSON.parse(after.slice(1));
    expect(nodes.map(({ id }: { id: string }) => id)).toEqual(['a', 'c']);
    expect(edges).toEqual([{ id: 'ac', fromNode: 'a', toNode: 'c' }]);
  });

  it('is the base of a merge, and what is merged into', async () => {
    const base = Buffer.from(mark + canvasOf(node('a'), node('b')).toString());
    const { ask, text } = await start(base);
    await ask('PATCH', `${url}/nodes/a`, { text: 'theirs' });
    const mine = canvasOf(node('a'), node('b', 'mine'));
    const answer = await ask('PUT', url, mine, { 'if-match': etagOf(base), prefer: 'handling=merge' });
    expect({ status: answer.statusCode, body: answer.json() }).toMatchObject({ status: 200, body: { merged: true } });
    expect(await text()).toBe(mark + canvasOf(node('a', 'theirs'), node('b', 'mine')).toString());
  });

  it('comes back from the history with its mark', async () => {
    const { ask, text } = await start();
    await ask('PUT', url, canvasOf());
    const [version] = (await ask('GET', `${url}/versions`)).json().data;
    expect((await ask('POST', `${url}/versions/${version.id}/restore`)).statusCode).toBe(200);
    expect(await text()).toBe(marked.toString());
    expect((await ask('PATCH', `${url}/nodes/b`, { x: 301 })).statusCode).toBe(200);
    expect(await text()).toBe(mark + moved);
  });
});

test('whoever draws on a canvas sees it parsed, and adds behind the byte order mark', async () => {
  const { canvases, text } = await start();
  const drawn = parsedCanvases(canvases);
  expect(await drawn.read('a.canvas')).toEqual(JSON.parse(sample.toString()));
  await drawn.add('a.canvas', () => ({ nodes: [node('c')], edges: [{ id: 'ac', fromNode: 'a', toNode: 'c' }] }));
  const after = await text();
  expect(after.startsWith(mark)).toBe(true);
  expect(await drawn.read('a.canvas')).toEqual(JSON.parse(after.slice(1)));
});

test('a file that is no JSON is no canvas to draw on', async () => {
  const drawn = parsedCanvases({
    newest: async () => ({ bytes: Buffer.from('{'), etag: '"e"' }),
    edit: () => Promise.reject(new Error('not reached')),
  });
  await expect(drawn.read('a.canvas')).rejects.toMatchObject({ code: 'CANVAS_INVALID' });
});
