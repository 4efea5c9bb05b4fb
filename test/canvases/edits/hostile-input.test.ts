import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyElementEdits, CanvasEditor } from '../../../src/canvases/edits/canvas-editor.js';
import { skipValue } from '../../../src/canvases/edits/json/json-spans.js';
import { mergeCanvases } from '../../../src/canvases/edits/merge/canvas-merge.js';
import { applyJsonPatch } from '../../../src/canvases/edits/patch/json-patch.js';
import { applyMergePatch } from '../../../src/canvases/edits/patch/merge-patch.js';
import { Problem } from '../../../src/errors.js';
import { type Canvas, canonical, parsed } from './canvas-arbitrary.js';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
};

describe('hostile canvases and edits', () => {
  it('end in a result or a Problem for any bytes', () => {
    const soup = fc
      .array(
        fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          '"',
          '\\',
          ',',
          ':',
          '1',
          '-',
          'null',
          ' ',
          '\n',
          '"id"',
          '"nodes":',
          '"a"',
          '{"id":"a"}',
          '\u0000',
          'é',
        ),
        { maxLength: 30 },
      )
      .map((parts) => Buffer.from(parts.join('')));
    fc.assert(
      fc.property(
        fc.oneof(
          soup,
          fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          for (const run of [
            () => skipValue(bytes, 0),
            () => applyElementEdits(bytes, [{ op: 'patchNode', id: 'a', patch: { x: 1, y: {} } }]),
            () =>
              applyElementEdits(bytes, [
                { op: 'addNode', node: { id: 'b' } },
                { op: 'deleteNode', id: 'a' },
              ]),
            () => applyJsonPatch(bytes, [{ op: 'add', path: '/nodes/-', value: { a: [1] } }]),
            () => applyJsonPatch(Buffer.from('{"nodes":[]}'), bytes),
            () => applyMergePatch(bytes, { nodes: [{}], a: { b: null } }),
            () => applyMergePatch(Buffer.from('{"nodes":[]}'), bytes),
            () => mergeCanvases(bytes, Buffer.from('{"nodes":[]}'), bytes),
          ])
            codeOf(run);
        },
      ),
      { seed: 99, numRuns: 2000 },
    );
  });

  it('refuses text cut off anywhere', () => {
    const whole = '{"nodes":[{"id":"a","text":"\\u00e9\\"","x":1}],"edges":[]}';
    for (let length = 0; length < whole.length; length++)
      expect(codeOf(() => applyJsonPatch(Buffer.from(whole.slice(0, length)), []))).toBe('CANVAS_INVALID');
  });

  it('treats __proto__ as a key like any other', () => {
    const bytes = Buffer.from('{"nodes":[{"id":"a","__proto__":{"x":1}}],"__proto__":1}');
    const patch = Buffer.from('{"__proto__":{"polluted":true}}');
    const edited = applyElementEdits(bytes, [{ op: 'patchNode', id: 'a', patch }]).bytes.toString();
    expect(edited).toBe('{"nodes":[{"id":"a","__proto__":{"x":1,"polluted":true}}],"__proto__":1}');
    expect(applyMergePatch(bytes, patch).bytes.toString()).toContain('"__proto__":{"polluted":true}}');
    expect(codeOf(() => applyJsonPatch(Buffer.from('{}'), [{ op: 'add', path: '/__proto__/x', value: 1 }]))).toBe(
      'CANVAS_PATCH_PATH_UNKNOWN',
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('takes the last of equal keys, as JSON.parse does, and removes all of them', () => {
    const twice = Buffer.from('{"a":1,"b":0,"a":2}');
    expect(applyMergePatch(twice, { a: 3 }).bytes.toString()).toBe('{"a":1,"b":0,"a":3}');
    expect(applyMergePatch(twice, { a: null }).bytes.toString()).toBe('{"b":0}');
    const arrays = Buffer.from('{"nodes":[{"id":"a","x":1}],"nodes":[{"id":"a","x":2}]}');
    expect(parsed(applyElementEdits(arrays, [{ op: 'patchNode', id: 'a', patch: { y: 1 } }]).bytes)).toEqual({
      nodes: [{ id: 'a', x: 2, y: 1 }],
    });
    const ids = Buffer.from('{"nodes":[{"id":"b","id":"a"},{"id":"b"}]}');
    expect(parsed(applyElementEdits(ids, [{ op: 'patchNode', id: 'b', patch: { y: 1 } }]).bytes)).toEqual({
      nodes: [{ id: 'a' }, { id: 'b', y: 1 }],
    });
  });

  it('finds the first of two nodes with one id, then the other', () => {
    const bytes = Buffer.from(`{"nodes":[${'{"id":"a"},'.repeat(9)}{"id":"a","last":1}],"edges":[]}`);
    const editor = new CanvasEditor(bytes);
    for (let i = 0; i < 9; i++) editor.apply({ op: 'deleteNode', id: 'a' });
    expect(editor.result().bytes.toString()).toBe('{"nodes":[{"id":"a","last":1}],"edges":[]}');
    editor.apply({ op: 'deleteNode', id: 'a' });
    expect(codeOf(() => editor.apply({ op: 'deleteNode', id: 'a' }))).toBe('CANVAS_NODE_UNKNOWN');
  });

  it('knows ids however they are spelled', () => {
    const spellings = ['"a\\u0062"', '"\\ud83d\\ude00"', '"\\ud800"', '"é\\""', '"\\/"', '"节点"'];
    const bytes = Buffer.from(
      `{"nodes":[${spellings.map((id) => `{"id":${id}}`).join()}],"edges":[{"id":"e","fromNode":"\\u0061b","toNode":"/"}]}`,
    );
    for (const spelling of spellings) {
      const id = JSON.parse(spelling);
      expect(codeOf(() => applyElementEdits(bytes, [{ op: 'addNode', node: { id } }]))).toBe('CANVAS_ID_TAKEN');
      const patched = applyElementEdits(bytes, [{ op: 'patchNode', id, patch: { x: 1 } }]).bytes.toString();
      expect(patched).toContain(`{"id":${spelling},"x":1}`);
      const { nodes, edges } = parsed(applyElementEdits(bytes, [{ op: 'deleteNode', id }]).bytes) as Canvas;
      expect(nodes).toHaveLength(spellings.length - 1);
      expect(edges).toHaveLength(id === 'ab' || id === '/' ? 0 : 1);
    }
    expect(codeOf(() => applyElementEdits(bytes, [{ op: 'patchNode', id: '\ufffd', patch: {} }]))).toBe(
      'CANVAS_NODE_UNKNOWN',
    );
  });

  it('finds the end of long strings full of quotes and backslashes', () => {
    for (const filler of [0, 30, 39, 40, 41, 80, 500])
      for (const tail of ['"', '\\', '\\"', '"\\\\', '\\\\"]}', '"},{"id":"b"']) {
        const text = 'x'.repeat(filler) + tail + 'y'.repeat(filler) + tail;
        const canvas = {
          nodes: [
            { id: 'a', text },
            { id: 'b', text, x: 1 },
          ],
          edges: [],
          text,
        };
        const { bytes } = applyElementEdits(Buffer.from(JSON.stringify(canvas)), [
          { op: 'patchNode', id: 'b', patch: { x: 2 } },
        ]);
        expect(bytes.toString()).toBe(JSON.stringify(canvas).replace('"x":1', '"x":2'));
        const removed = applyJsonPatch(Buffer.from(JSON.stringify(canvas)), [{ op: 'remove', path: '/nodes/0' }]).bytes;
        expect(parsed(removed)).toEqual({ ...canvas, nodes: canvas.nodes.slice(1) });
      }
  });

  it('edits ten thousand nodes in one burst, in any order of kinds', () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({
      id: `n${i}`,
      type: 'text',
      text: '',
      x: i,
      y: 0,
      width: 1,
      height: 1,
    }));
    const edges = nodes.slice(1).map(({ id }, i) => ({ id: `e${i}`, fromNode: `n${i}`, toNode: id }));
    const bytes = Buffer.from(JSON.stringify({ nodes, edges }, null, '\t'));
    const moved = applyElementEdits(
      bytes,
      nodes.map(({ id, x }) => ({ op: 'patchNode', id, patch: { x: x + 1 } })),
    );
    expect(canonical(parsed(moved.bytes))).toBe(
      canonical({ nodes: nodes.map((node) => ({ ...node, x: node.x + 1 })), edges }),
    );
    const gone = applyElementEdits(
      bytes,
      nodes.map(({ id }) => ({ op: 'deleteNode', id })),
    );
    expect(gone.bytes.toString()).toBe('{\n\t"nodes": [],\n\t"edges": []\n}');
    expect(gone.touched.removedEdges).toHaveLength(9_999);
    const turns = nodes.slice(0, 5_000).flatMap(({ id }) => [
      { op: 'deleteNode' as const, id },
      { op: 'addNode' as const, node: { id } },
    ]);
    expect((parsed(applyElementEdits(bytes, turns).bytes) as Canvas).nodes).toHaveLength(10_000);
    expect(codeOf(() => applyElementEdits(bytes, Array(10_001).fill({ op: 'deleteNode', id: 'n1' })))).toBe(
      'CANVAS_PATCH_TOO_LONG',
    );
  });

  it('bounds what a small patch makes it read, write or copy', () => {
    const wide = Buffer.from(`{"a":[${'0,'.repeat(600_000)}0]}`);
    expect(codeOf(() => applyJsonPatch(wide, [{ op: 'add', path: '/a/0', value: 1 }]))).toBe('CANVAS_PATCH_TOO_COSTLY');
    expect(applyJsonPatch(wide, [{ op: 'add', path: '/b', value: 1 }]).bytes.length).toBe(wide.length + 6);
    const doubling = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/${i}` }));
    expect(codeOf(() => applyJsonPatch(Buffer.from('{"a":"aaaaaaaa"}'), doubling))).toMatch(
      /^CANVAS_(PATCH_MALFORMED|EDIT_TOO_LARGE|PATCH_TOO_COSTLY)$/,
    );
    const big = Buffer.from(JSON.stringify({ big: 'x'.repeat(1_000_000) }));
    const copies = Array.from({ length: 20 }, (_, i) => ({ op: 'copy', from: '/big', path: `/copy${i}` }));
    expect(codeOf(() => applyJsonPatch(big, copies))).toBe('CANVAS_EDIT_TOO_LARGE');
    const tests = Array(50).fill({ op: 'test', path: '', value: { big: 'x'.repeat(100_000) } });
    expect(codeOf(() => applyJsonPatch(big, tests))).toBe('CANVAS_PATCH_TEST_FAILED');
    const pingPong = Array.from({ length: 500 }, () => [
      { op: 'replace', path: '/w/0', value: Math.PI },
      { op: 'copy', from: '/w', path: '/v' },
      { op: 'replace', path: '/w/0', value: 0 },
    ]).flat();
    const list = Buffer.from(JSON.stringify({ w: Array(100_000).fill(12345) }));
    expect(codeOf(() => applyJsonPatch(list, pingPong))).toBe('CANVAS_PATCH_TOO_COSTLY');
  });

  it('refuses nesting that grows past 128 levels', () => {
    const deeper = Array.from({ length: 200 }, (_, i) => ({ op: 'add', path: '/a'.repeat(i + 1), value: {} }));
    expect(codeOf(() => applyJsonPatch(Buffer.from('{}'), deeper))).toBe('CANVAS_PATCH_MALFORMED');
    const folded = Array(200)
      .fill({ op: 'move', from: '/a', path: '/b/a' })
      .flatMap((move) => [{ op: 'add', path: '/b', value: { c: {} } }, move, { op: 'move', from: '/b', path: '/a' }]);
    expect(codeOf(() => applyJsonPatch(Buffer.from('{"a":{"x":1}}'), folded))).toBe('CANVAS_PATCH_MALFORMED');
    const deep = Buffer.from(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(codeOf(() => applyMergePatch(deep, { b: 1 }))).toBe('CANVAS_INVALID');
    const nested = `${'[1,'.repeat(120)}1${']'.repeat(120)}`;
    const wideIndent = Buffer.from(`{\n${' '.repeat(16)}"a": 1\n}`);
    expect(codeOf(() => applyMergePatch(wideIndent, Buffer.from(`{"b":[${Array(200).fill(nested).join()}]}`)))).toMatch(
      /undefined|CANVAS_EDIT_TOO_LARGE/,
    );
  });

  it('does not copy absurd white space', () => {
    const spaces = ' '.repeat(100_000);
    const bytes = Buffer.from(`{\n${spaces}"nodes":${spaces}[\n${spaces}{"id":"a"},\n${spaces}{"id":"b"}]}`);
    const edits = Array.from({ length: 200 }, (_, i) => ({ op: 'addNode' as const, node: { id: `n${i}`, x: [{}] } }));
    expect(applyElementEdits(bytes, edits).bytes.length).toBeLessThan(bytes.length + 200 * 100);
  });

  it('keeps the canvas under its limit, and in a burst refuses only the edit that goes past it', () => {
    const filler = 'x'.repeat(5 * 1024 * 1024);
    const editor = new CanvasEditor(Buffer.from('{"nodes":[],"edges":[]}'));
    const outcomes = ['a', 'b', 'c', 'd'].map((id) =>
      codeOf(() => editor.apply({ op: 'addNode', node: { id, text: id === 'd' ? 'small' : filler } })),
    );
    expect(outcomes).toEqual([undefined, undefined, undefined, undefined]);
    expect(codeOf(() => editor.apply({ op: 'patchNode', id: 'd', patch: { text: filler } }))).toBe(
      'CANVAS_EDIT_TOO_LARGE',
    );
    expect(codeOf(() => editor.apply({ op: 'addNode', node: { id: 'e', text: filler } }))).toBe(
      'CANVAS_EDIT_TOO_LARGE',
    );
    expect(codeOf(() => editor.apply({ op: 'patchNode', id: 'd', patch: { x: 1 } }))).toBeUndefined();
    const { nodes } = parsed(editor.result().bytes) as Canvas;
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
    expect(nodes[3]).toEqual({ id: 'd', text: 'small', x: 1 });
  });

  it('refuses a canvas that is no object, or has no arrays where they belong', () => {
    for (const text of ['[]', '"a"', '{"nodes":1}', '{"nodes":{}}', '{"nodes":null}'])
      expect(codeOf(() => applyElementEdits(Buffer.from(text), [{ op: 'addNode', node: { id: 'a' } }]))).toBe(
        'CANVAS_INVALID',
      );
    expect(codeOf(() => applyElementEdits(Buffer.from('{} {}'), [{ op: 'addNode', node: { id: 'a' } }]))).toBe(
      'CANVAS_INVALID',
    );
  });
});
