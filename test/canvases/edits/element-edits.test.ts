import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyElementEdits, CanvasEditor, type ElementEdit } from '../../../src/canvases/edits/canvas-editor.js';
import { walkChildren } from '../../../src/canvases/edits/json/json-spans.js';
import { Problem } from '../../../src/errors.js';
import {
  type Canvas,
  canonical,
  canvas,
  clone,
  type Json,
  type JsonObject,
  jsonObject,
  mergePatched,
  node,
  own,
  parsed,
  written,
} from './canvas-arbitrary.js';

const anyId = fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'new', '节点');
const patch = jsonObject.map((value) => {
  const { id: _id, fromNode: _from, toNode: _to, ...rest } = value;
  return rest as JsonObject;
});

const edit: fc.Arbitrary<ElementEdit> = fc.oneof(
  node(anyId).map((value) => ({ op: 'addNode' as const, node: value })),
  fc.record({
    op: fc.constant('patchNode' as const),
    id: anyId,
    patch: fc.oneof(patch, fc.record({ x: fc.integer(), text: fc.string() })),
  }),
  fc.record({ op: fc.constant('deleteNode' as const), id: anyId }),
  fc.record({ id: anyId, fromNode: anyId, toNode: anyId }).map((edge) => ({ op: 'addEdge' as const, edge })),
  fc.record({
    op: fc.constant('patchEdge' as const),
    id: anyId,
    patch: fc.oneof(patch, fc.record({ toNode: anyId, label: fc.string() })),
  }),
  fc.record({ op: fc.constant('deleteEdge' as const), id: anyId }),
);

/** What an edit means, on objects. Returns the code of the refusal, if any. */
function model(target: Canvas, change: ElementEdit): string | undefined {
  const has = (list: JsonObject[], id: unknown) => list.some((element) => element.id === id);
  const isNode = change.op.endsWith('Node');
  const list = isNode ? target.nodes : target.edges;
  if (change.op === 'addNode' || change.op === 'addEdge') {
    const element = ('node' in change ? change.node : change.edge) as JsonObject;
    if (has(list, element.id)) return 'CANVAS_ID_TAKEN';
    if (!isNode && !(has(target.nodes, element.fromNode) && has(target.nodes, element.toNode)))
      return 'CANVAS_EDGE_END_UNKNOWN';
    list.push(clone(element));
    return undefined;
  }
  const { id } = change as { id: string };
  const index = list.findIndex((element) => element.id === id);
  if (index < 0) return isNode ? 'CANVAS_NODE_UNKNOWN' : 'CANVAS_EDGE_UNKNOWN';
  if (change.op === 'patchNode' || change.op === 'patchEdge') {
    const { toNode } = change.patch as JsonObject;
    if (!isNode && toNode !== undefined && !has(target.nodes, toNode)) return 'CANVAS_EDGE_END_UNKNOWN';
    list[index] = mergePatched(list[index], change.patch as Json) as JsonObject;
    return undefined;
  }
  list.splice(index, 1);
  if (isNode) target.edges = target.edges.filter((edge) => edge.fromNode !== id && edge.toNode !== id);
  return undefined;
}

/** The bytes of each element of `nodes` and `edges`, by kind and id. */
function elementBytes(bytes: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  const noComma = (_l: number, _k: number, _e: number, start: number, end: number) => {
    const name = JSON.parse(bytes.toString('utf8', _k, _e)) as string;
    if (name !== 'nodes' && name !== 'edges') return;
    walkChildren(bytes, start, (_lead, _key, _keyEnd, from, to) => {
      const raw = bytes.toString('utf8', from, to);
      found.set(`${name} ${own(JSON.parse(raw), 'id')}`, raw);
    });
    expect(end).toBeGreaterThan(start);
  };
  walkChildren(bytes, bytes.indexOf('{'), noComma);
  return found;
}

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
};

describe('edits of nodes and edges', () => {
  it('mean what they mean on objects, in any layout, and leave the bytes of all other elements', () => {
    fc.assert(
      fc.property(written(canvas), fc.array(edit, { maxLength: 8 }), ({ value, bytes }, edits) => {
        const before = Buffer.from(bytes);
        const expected = clone(value);
        const editor = new CanvasEditor(bytes);
        const touched = new Set<string>();
        for (const change of edits) {
          const code = model(expected, change);
          expect(codeOf(() => editor.apply(change))).toBe(code);
          const element = 'node' in change ? change.node : 'edge' in change ? change.edge : change;
          touched.add(`${change.op.endsWith('Node') ? 'nodes' : 'edges'} ${(element as { id: string }).id}`);
        }
        const result = editor.result();
        expect(bytes.equals(before)).toBe(true);
        expect(canonical(parsed(result.bytes))).toBe(canonical(expected));
        const now = elementBytes(result.bytes);
        for (const [name, raw] of elementBytes(before))
          if (!touched.has(name) && now.has(name)) expect(now.get(name)).toBe(raw);
        for (const { kind, pointer, value: element } of result.elements) {
          const [, list, index] = pointer.split('/') as ['', 'nodes' | 'edges', string];
          expect(list).toBe(`${kind}s`);
          expect(canonical(element as Json)).toBe(canonical(expected[list][Number(index)]));
        }
        expect(result.touched.whole).toBe(false);
      }),
      { seed: 17, numRuns: 600 },
    );
  });

  it('give the same bytes one by one as in one burst', () => {
    fc.assert(
      fc.property(written(canvas), fc.array(edit, { maxLength: 6 }), ({ bytes }, edits) => {
        const editor = new CanvasEditor(bytes);
        let single = bytes;
        for (const change of edits) {
          const code = codeOf(() => {
            single = applyElementEdits(single, [change]).bytes;
          });
          expect(codeOf(() => editor.apply(change))).toBe(code);
        }
        expect(canonical(parsed(editor.result().bytes))).toBe(canonical(parsed(single)));
      }),
      { seed: 4, numRuns: 250 },
    );
  });

  const obsidian =
    '{\n\t"nodes":[\n\t\t{"id":"a","type":"text","text":"甲","x":1.0,"y":2,"width":250,"height":60},\n\t\t{"id":"b","type":"text","text":"乙","x":0,"y":0,"width":250,"height":60}\n\t],\n\t"edges":[\n\t\t{"id":"e","fromNode":"a","toNode":"b"}\n\t]\n}';
  const edited = (start: string, ...edits: ElementEdit[]) =>
    applyElementEdits(Buffer.from(start), edits).bytes.toString();
  const c = { id: 'c', type: 'text', text: '', x: 1, y: 2, width: 3, height: 4 };

  it('writes only the changed value of a patched node', () => {
    expect(edited(obsidian, { op: 'patchNode', id: 'b', patch: { x: 40 } })).toBe(obsidian.replace('"x":0', '"x":40'));
    expect(edited(obsidian, { op: 'patchNode', id: 'a', patch: { color: '1', y: null } })).toBe(
      obsidian.replace('"y":2,"width":250,"height":60}', '"width":250,"height":60,"color":"1"}'),
    );
  });

  it('puts a new node on a line of its own where nodes have one, and adds no more white space', () => {
    expect(edited(obsidian, { op: 'addNode', node: c })).toBe(
      obsidian.replace(
        '"y":0,"width":250,"height":60}\n',
        `"y":0,"width":250,"height":60},\n\t\t${JSON.stringify(c)}\n`,
      ),
    );
    const tabs = JSON.stringify({ nodes: [{ ...c, id: 'a' }], edges: [] }, null, '\t');
    expect(edited(tabs, { op: 'addNode', node: c })).toBe(
      JSON.stringify({ nodes: [{ ...c, id: 'a' }, c], edges: [] }, null, '\t'),
    );
    const compact = JSON.stringify({ nodes: [{ ...c, id: 'a' }], edges: [] });
    expect(edited(compact, { op: 'addNode', node: c })).toBe(
      JSON.stringify({ nodes: [{ ...c, id: 'a' }, c], edges: [] }),
    );
    const padded = '{\n  "nodes": [\n    { "id": "a", "x": 1 }\n  ]\n}\n';
    expect(edited(padded, { op: 'addNode', node: { id: 'b', x: 2 } })).toBe(
      '{\n  "nodes": [\n    { "id": "a", "x": 1 },\n    { "id": "b", "x": 2 }\n  ]\n}\n',
    );
  });

  it('fills empty canvases and missing arrays, and empties them again', () => {
    expect(edited('{}', { op: 'addNode', node: { id: 'c' } })).toBe('{\n\t"nodes":[\n\t\t{"id":"c"}\n\t]\n}');
    expect(edited('{"nodes":[],"edges":[]}', { op: 'addNode', node: { id: 'c' } })).toBe(
      '{"nodes":[{"id":"c"}],"edges":[]}',
    );
    expect(edited('{\n  "nodes": [],\n  "edges": []\n}', { op: 'addNode', node: { id: 'c' } })).toBe(
      '{\n  "nodes": [\n    {\n      "id": "c"\n    }\n  ],\n  "edges": []\n}',
    );
    expect(edited(obsidian, { op: 'deleteEdge', id: 'e' })).toBe(
      obsidian.replace('[\n\t\t{"id":"e","fromNode":"a","toNode":"b"}\n\t]', '[]'),
    );
    const again = edited(
      obsidian,
      { op: 'deleteEdge', id: 'e' },
      { op: 'addEdge', edge: { id: 'e', fromNode: 'a', toNode: 'b' } },
    );
    expect(again).toBe(obsidian);
  });

  it('deletes the edges of a deleted node and says so', () => {
    const result = applyElementEdits(Buffer.from(obsidian), [{ op: 'deleteNode', id: 'a' }]);
    expect(result.bytes.toString()).toBe(
      '{\n\t"nodes":[\n\t\t{"id":"b","type":"text","text":"乙","x":0,"y":0,"width":250,"height":60}\n\t],\n\t"edges":[]\n}',
    );
    expect(result.touched).toMatchObject({ nodes: [], edges: [], removedNodes: ['a'], removedEdges: ['e'] });
  });

  it('gives the very buffer back when nothing changes, and keeps the spelling of an equal number', () => {
    const bytes = Buffer.from(obsidian);
    const result = applyElementEdits(bytes, [{ op: 'patchNode', id: 'a', patch: { x: 1, text: '甲' } }]);
    expect(result.bytes).toBe(bytes);
    expect(result).toMatchObject({ changed: false, elements: [] });
  });

  it('keeps the spelling of numbers and strings that come as bytes', () => {
    const sent = Buffer.from('{"x": 12345678901234567890, "y": 1.50, "text": "\\u4e2d"}');
    expect(edited(obsidian, { op: 'patchNode', id: 'a', patch: sent })).toContain(
      '"text":"\\u4e2d","x":12345678901234567890,"y":1.50',
    );
  });

  it('names what was expected when it refuses', () => {
    const refusal = (...edits: ElementEdit[]) => {
      try {
        applyElementEdits(Buffer.from(obsidian), edits);
      } catch (error) {
        if (error instanceof Problem)
          return { code: error.code, kind: error.kind, pointer: error.faults?.[0]?.pointer };
      }
      return undefined;
    };
    expect(refusal({ op: 'patchNode', id: 'zz', patch: {} })).toMatchObject({
      code: 'CANVAS_NODE_UNKNOWN',
      kind: 'missing',
    });
    expect(refusal({ op: 'deleteEdge', id: 'zz' })).toMatchObject({ code: 'CANVAS_EDGE_UNKNOWN', kind: 'missing' });
    expect(refusal({ op: 'addNode', node: { ...c, id: 'a' } })).toEqual({
      code: 'CANVAS_ID_TAKEN',
      kind: 'conflict',
      pointer: '/id',
    });
    expect(refusal({ op: 'addNode', node: { x: 1 } })).toEqual({
      code: 'CANVAS_INVALID',
      kind: 'unprocessable',
      pointer: '/id',
    });
    expect(refusal({ op: 'addNode', node: [] })).toMatchObject({ code: 'CANVAS_PATCH_MALFORMED', kind: 'invalid' });
    expect(refusal({ op: 'patchNode', id: 'a', patch: { id: 'b' } })).toMatchObject({ code: 'CANVAS_ID_CHANGED' });
    expect(refusal({ op: 'patchNode', id: 'a', patch: { id: null } })).toMatchObject({ code: 'CANVAS_ID_CHANGED' });
    expect(refusal({ op: 'patchNode', id: 'a', patch: { id: 'a' } })).toBeUndefined();
    expect(refusal({ op: 'addEdge', edge: { id: 'f', fromNode: 'a', toNode: 'zz' } })).toEqual({
      code: 'CANVAS_EDGE_END_UNKNOWN',
      kind: 'unprocessable',
      pointer: '/toNode',
    });
    expect(refusal({ op: 'patchEdge', id: 'e', patch: { fromNode: null } })).toMatchObject({ pointer: '/fromNode' });
    for (const input of ['{"a":1,"a":2}', '{"a":1e400}', '{"a":', '\xff', `${'['.repeat(200)}${']'.repeat(200)}`])
      expect(refusal({ op: 'patchNode', id: 'a', patch: Buffer.from(input, 'latin1') })).toMatchObject({
        code: 'CANVAS_PATCH_MALFORMED',
      });
    for (const input of [undefined, Number.NaN, { x: Number.POSITIVE_INFINITY }, 10n])
      expect(refusal({ op: 'patchNode', id: 'a', patch: input })).toMatchObject({ code: 'CANVAS_PATCH_MALFORMED' });
  });

  it('refuses one edit of a burst without hurting the others, or all when asked for all', () => {
    const edits: ElementEdit[] = [
      { op: 'addNode', node: c },
      { op: 'deleteNode', id: 'zz' },
      { op: 'deleteNode', id: 'b' },
    ];
    const editor = new CanvasEditor(Buffer.from(obsidian));
    expect(edits.map((change) => codeOf(() => editor.apply(change)))).toEqual([
      undefined,
      'CANVAS_NODE_UNKNOWN',
      undefined,
    ]);
    const { bytes, touched } = editor.result();
    expect((parsed(bytes) as Canvas).nodes.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(touched).toMatchObject({ nodes: ['c'], removedNodes: ['b'], removedEdges: ['e'] });
    expect(codeOf(() => applyElementEdits(Buffer.from(obsidian), edits))).toBe('CANVAS_NODE_UNKNOWN');
  });
});
