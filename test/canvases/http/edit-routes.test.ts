import { describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { canvasOf, node, sample, serveCanvases } from './served-canvases.js';

const jsonPatch = { 'content-type': 'application/json-patch+json' };
const mergePatch = { 'content-type': 'application/merge-patch+json' };
const url = '/canvas/notes/a.canvas';

async function start(bytes: Buffer = sample) {
  const served = await serveCanvases();
  await served.ask('PUT', url, bytes);
  const patch = (payload: Buffer | string | object, headers: Record<string, string> = jsonPatch) =>
    served.ask('PATCH', url, payload, headers);
  /** Expects a refusal that leaves the canvas and its history as they were. */
  const refused = async (
    payload: Buffer | string | object,
    status: number,
    code: string,
    headers: Record<string, string> = jsonPatch,
  ) => {
    const answer = await patch(payload, headers);
    const name = JSON.stringify(payload).slice(0, 100);
    expect({ status: answer.statusCode, code: answer.json().code }, name).toEqual({ status, code });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(await served.bytesOf('notes/a.canvas'), name).toEqual(bytes);
    expect((await served.ask('GET', `${url}/versions`)).json().data).toEqual([]);
    return answer;
  };
  return { ...served, patch, refused };
}

describe('PATCH of a canvas', () => {
  it('applies a JSON Patch, and what it does not touch keeps its bytes', async () => {
    const { patch, bytesOf } = await start();
    const answer = await patch([
      { op: 'test', path: '/nodes/1/id', value: 'b' },
      { op: 'replace', path: '/nodes/1/x', value: 301 },
    ]);
    const wanted = Buffer.from(sample.toString().replace('"x":300', '"x":301'));
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ path: 'notes/a.canvas', etag: etagOf(wanted), bytes: wanted.length });
    expect(answer.headers.etag).toBe(etagOf(wanted));
    expect(await bytesOf('notes/a.canvas')).toEqual(wanted);
  });

  it('applies a merge patch, and keeps the spelling of what it brings', async () => {
    const { patch, bytesOf } = await start();
    const answer = await patch('{"自由":null,"title":1.50}', {
      'content-type': 'Application/Merge-Patch+JSON; charset="UTF-8"',
    });
    expect(answer.statusCode).toBe(200);
    const text = (await bytesOf('notes/a.canvas')).toString();
    expect(text).toContain('"title":1.50');
    expect(text).not.toContain('"自由"');
    expect(text).toContain('"width":250.0');
  });

  it('a patch that changes nothing makes no version', async () => {
    const { patch, ask } = await start();
    const answer = await patch({ 自由: 1 }, mergePatch);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.etag).toBe(etagOf(sample));
    expect((await ask('GET', `${url}/versions`)).json().data).toEqual([]);
  });

  it('keeps to preconditions', async () => {
    const { patch, refused } = await start();
    const answer = await refused({ x: 1 }, 412, 'PRECONDITION_FAILED', { ...mergePatch, 'if-match': '"other"' });
    expect(answer.json().etag).toBe(etagOf(sample));
    await refused({ x: 1 }, 412, 'PRECONDITION_FAILED', { ...mergePatch, 'if-none-match': etagOf(sample) });
    expect((await patch({ x: 1 }, { ...mergePatch, 'if-match': etagOf(sample) })).statusCode).toBe(200);
  });

  it('refuses other types and encodings before it reads the body, and names those it takes', async () => {
    const { refused } = await start();
    const types = ['application/json', 'text/plain', 'application/json-patch+json;charset=utf-16', ''];
    for (const type of types) {
      const answer = await refused('[]', 415, 'CANVAS_PATCH_TYPE_UNSUPPORTED', { 'content-type': type });
      expect(answer.headers['accept-patch']).toBe('application/json-patch+json, application/merge-patch+json');
    }
    await refused('[]', 415, 'CANVAS_ENCODING_UNSUPPORTED', { ...jsonPatch, 'content-encoding': 'gzip' });
  });

  it('refuses patches that cannot be read', async () => {
    const { refused } = await start();
    const deep = `[{"op":"add","path":"/x","value":${'['.repeat(200)}${']'.repeat(200)}}]`;
    await refused('', 400, 'CANVAS_PATCH_MALFORMED');
    await refused('[{"op":', 400, 'CANVAS_PATCH_MALFORMED');
    await refused(Buffer.from([0x5b, 0xff, 0x5d]), 400, 'CANVAS_PATCH_MALFORMED');
    await refused(deep, 400, 'CANVAS_PATCH_MALFORMED');
    await refused('['.repeat(100_000), 400, 'CANVAS_PATCH_MALFORMED');
    await refused({ op: 'add' }, 400, 'CANVAS_PATCH_MALFORMED');
    await refused([{ op: 'add', path: 'x', value: 1 }], 400, 'CANVAS_PATCH_MALFORMED');
    await refused([{ op: 'paint', path: '/x' }], 400, 'CANVAS_PATCH_MALFORMED');
    await refused('{"x":1,"x":2}', 400, 'CANVAS_PATCH_MALFORMED', mergePatch);
    await refused('{"x":1e999}', 400, 'CANVAS_PATCH_MALFORMED', mergePatch);
  });

  it('refuses a request without a body', async () => {
    const { ask } = await start();
    const bodiless = async (method: 'PATCH' | 'POST', below: string, headers: Record<string, string>) => {
      const answer = await ask(method, url + below, undefined, headers);
      expect([answer.statusCode, answer.json().code], method + below).toEqual([400, 'CANVAS_PATCH_MALFORMED']);
      expect(answer.json().detail).toContain('got an empty body');
    };
    await bodiless('PATCH', '', jsonPatch);
    await bodiless('POST', '/nodes', { 'content-type': 'application/json' });
    await bodiless('PATCH', '/edges/ab', mergePatch);
  });

  it('refuses patches that fail, naming the operation', async () => {
    const { refused } = await start();
    const first = { op: 'replace', path: '/nodes/0/x', value: 7 };
    const test = await refused(
      [first, { op: 'test', path: '/nodes/0/id', value: 'z' }],
      409,
      'CANVAS_PATCH_TEST_FAILED',
    );
    expect(test.json().errors[0].pointer).toBe('/1');
    await refused([first, { op: 'remove', path: '/nodes/9' }], 409, 'CANVAS_PATCH_PATH_UNKNOWN');
    await refused([{ op: 'move', from: '/none', path: '/x' }], 409, 'CANVAS_PATCH_PATH_UNKNOWN');
  });

  it('refuses patches that would make the canvas invalid, saying where', async () => {
    const { refused } = await start();
    const invalid = async (payload: object, pointer: string, headers = jsonPatch) => {
      const answer = await refused(payload, 422, 'CANVAS_INVALID', headers);
      expect(answer.json().errors[0].pointer).toBe(pointer);
    };
    await invalid([{ op: 'replace', path: '/nodes/1/x', value: 'left' }], '/nodes/1/x');
    await invalid([{ op: 'replace', path: '/nodes/1/id', value: 'a' }], '/nodes/1/id');
    await invalid([{ op: 'remove', path: '/nodes/0' }], '/edges/0/fromNode');
    await invalid([{ op: 'replace', path: '/edges/0/toNode', value: 'z' }], '/edges/0/toNode');
    await invalid([{ op: 'add', path: '/edges/-', value: { id: 'x', fromNode: 'a', toNode: 'z' } }], '/edges/1/toNode');
    await invalid([{ op: 'replace', path: '', value: [] }], '');
    await invalid([{ op: 'remove', path: '/nodes/0/type' }], '/nodes/0/type');
    await invalid({ nodes: [{}] }, '/nodes/0/type', mergePatch);
    await invalid({ nodes: null }, '/edges/0/fromNode', mergePatch);
  });

  it('takes 10,000 operations in one patch, and not one more', async () => {
    const { patch, refused, bytesOf } = await start();
    const operations = Array.from({ length: 10_001 }, (_, i) => ({
      op: 'add',
      path: '/nodes/-',
      value: node(`n${i}`),
    }));
    await refused(operations, 413, 'CANVAS_PATCH_TOO_LONG');
    expect((await patch(operations.slice(1))).statusCode).toBe(200);
    expect(JSON.parse((await bytesOf('notes/a.canvas')).toString()).nodes).toHaveLength(10_002);
  });

  it('refuses a body past 16 MiB', async () => {
    const { refused } = await start();
    const length = { ...jsonPatch, 'content-length': String(16 * 1024 * 1024 + 1) };
    await refused('[]', 413, 'BODY_TOO_LARGE', length);
  });

  it('has no way to the prototype of anything', async () => {
    const { patch, refused, bytesOf } = await start();
    await refused([{ op: 'add', path: '/__proto__/polluted', value: 1 }], 409, 'CANVAS_PATCH_PATH_UNKNOWN');
    await refused([{ op: 'add', path: '/constructor/prototype/x', value: 1 }], 409, 'CANVAS_PATCH_PATH_UNKNOWN');
    expect((await patch('{"__proto__":{"polluted":1}}', mergePatch)).statusCode).toBe(200);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await bytesOf('notes/a.canvas')).toString()).toMatch(/"__proto__":\{\s*"polluted":1\s*\}/);
  });

  it('is 404 where there is no canvas, and 400 for a bad path or a query', async () => {
    const { ask } = await start();
    const statusOf = async (path: string) => {
      const answer = await ask('PATCH', path, {}, mergePatch);
      return [answer.statusCode, answer.json().code];
    };
    expect(await statusOf('/canvas/none.canvas')).toEqual([404, 'CANVAS_NOT_FOUND']);
    expect(await statusOf('/canvas/events')).toEqual([400, 'CANVAS_PATH_INVALID']);
    expect(await statusOf('/canvas/..%2fa.canvas')).toEqual([400, 'CANVAS_PATH_INVALID']);
    expect(await statusOf(`${url}?x=1`)).toEqual([400, 'INPUT_INVALID']);
  });

  it('lets many patches at once all pass or fail by themselves', async () => {
    const { patch, bytesOf } = await start(canvasOf());
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        patch(
          i % 3 === 0 ? [{ op: 'remove', path: '/nodes/99' }] : [{ op: 'add', path: '/nodes/-', value: node(`n${i}`) }],
        ),
      ),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(40);
    expect(answers.filter(({ statusCode }) => statusCode === 409)).toHaveLength(20);
    expect(JSON.parse((await bytesOf('notes/a.canvas')).toString()).nodes).toHaveLength(40);
  });
});
