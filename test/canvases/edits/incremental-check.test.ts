import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canvasFaults, parseCanvas } from '../../../src/canvases/document/canvas.js';
import { isKnownValid } from '../../../src/canvases/document/valid-canvases.js';
import type { CanvasEdit } from '../../../src/canvases/edits/canvas-edit.js';
import { applyElementEdits } from '../../../src/canvases/edits/canvas-editor.js';
import { checkedBytes } from '../../../src/canvases/edits/checked-edit.js';
import { applyJsonPatch } from '../../../src/canvases/edits/patch/json-patch.js';
import { applyMergePatch } from '../../../src/canvases/edits/patch/merge-patch.js';
import { Problem } from '../../../src/errors.js';
import { type Canvas, canvas, type Json, json, node, text, written } from './canvas-arbitrary.js';

/** What a refusal says, or `'valid'`. */
function verdict(work: () => unknown): unknown {
  try {
    work();
    return 'valid';
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const pointers = error.faults?.map(({ pointer }) => pointer).sort() ?? [];
    return { code: error.code, pointers: pointers.length < 20 ? pointers : [] };
  }
}

/** The edit, or undefined when it is refused before anything is checked. */
function edited(work: () => CanvasEdit): CanvasEdit | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** The verdict on an edit of a canvas known to be valid is that of a look at the whole result. */
function sameVerdicts(bytes: Buffer, work: () => CanvasEdit): string {
  parseCanvas(bytes);
  const edit = edited(work);
  if (!edit) return 'refused';
  const whole = verdict(() => parseCanvas(Buffer.from(edit.bytes)));
  expect(verdict(() => checkedBytes(edit))).toEqual(whole);
  expect(isKnownValid(edit.bytes)).toBe(whole === 'valid');
  if (!edit.changed) return 'unchanged';
  return `${edit.touched.whole ? 'whole' : 'incremental'}, ${whole === 'valid' ? 'valid' : 'invalid'}`;
}

/** Places that matter, most of them there. */
const place = fc
  .tuple(
    fc.constantFrom('nodes', 'nodes', 'edges', 'metadata'),
    fc.nat({ max: 8 }),
    fc.constantFrom('', '', 'id', 'fromNode', 'toNode', 'type', 'color', 'x', 'extra'),
  )
  .map(([list, index, key]) => {
    if (list === 'metadata') return key === '' ? '/metadata' : `/metadata/${key}`;
    return key === '' ? `/${list}/${index === 8 ? '-' : index}` : `/${list}/${index}/${key}`;
  });
const wholePlace = fc.constantFrom('', '/nodes', '/edges');
const id = fc.constantFrom('n1', 'n2', 'n3', 'n4', 'n9');
const edge = fc
  .tuple(fc.constantFrom('e1', 'e2', 'n1', 'e9'), id, id)
  .map(([name, fromNode, toNode]): Json => ({ id: name, fromNode, toNode }));
const faulty = fc.constantFrom<Json>({}, [], 7, null, { id: '' }, { id: 'n1' }, { id: 'x', type: 'picture' });
const value: fc.Arbitrary<Json> = fc.oneof(node(), node(), edge, id, text, json, faulty);
const path = fc.oneof({ weight: 9, arbitrary: place }, { weight: 1, arbitrary: wholePlace });
const operation: fc.Arbitrary<Json> = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'replace'), path, value }),
  fc.record({ op: fc.constant('remove'), path }),
  fc.record({ op: fc.constantFrom('move', 'copy'), from: path, path }),
);
const aCanvas = written<Canvas>(canvas.filter((made) => canvasFaults(made).length === 0));

describe('an edit is judged by what it touched as all of the canvas would be', () => {
  it('JSON patches', () => {
    const seen = new Map<string, number>();
    const patches = fc.array(operation, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(aCanvas, patches, ({ bytes }, patch) => {
        const how = sameVerdicts(bytes, () => applyJsonPatch(bytes, patch));
        seen.set(how, (seen.get(how) ?? 0) + 1);
      }),
      { seed: 17, numRuns: 900 },
    );
    for (const how of ['incremental, valid', 'incremental, invalid', 'whole, valid', 'whole, invalid']) {
      expect(seen.get(how) ?? 0, how).toBeGreaterThan(5);
    }
  });

  it('merge patches', () => {
    const patch = fc.dictionary(
      fc.constantFrom('nodes', 'edges', 'metadata', 'other'),
      fc.oneof(json, fc.array(fc.oneof(node(), edge, faulty), { maxLength: 3 }), fc.constant(null)),
      { maxKeys: 2 },
    );
    fc.assert(
      fc.property(aCanvas, patch, ({ bytes }, given) => {
        sameVerdicts(bytes, () => applyMergePatch(bytes, given));
      }),
      { seed: 18, numRuns: 400 },
    );
  });

  it('edits of nodes and edges', () => {
    const patch = fc.dictionary(fc.constantFrom('x', 'type', 'color', 'fromNode', 'text', 'url'), value, {
      maxKeys: 2,
    });
    const elementEdit = fc.oneof(
      node().map((made) => ({ op: 'addNode', node: made }) as const),
      edge.map((made) => ({ op: 'addEdge', edge: made }) as const),
      fc.record({ op: fc.constantFrom('patchNode' as const, 'patchEdge' as const), id, patch }),
      fc.record({ op: fc.constantFrom('deleteNode' as const, 'deleteEdge' as const), id }),
    );
    fc.assert(
      fc.property(aCanvas, fc.array(elementEdit, { minLength: 1, maxLength: 4 }), ({ bytes }, edits) => {
        sameVerdicts(bytes, () => applyElementEdits(bytes, edits));
      }),
      { seed: 19, numRuns: 700 },
    );
  });

  it('values that a copy nests too deep', () => {
    const answers = [124, 125, 126, 127].map((levels) => {
      const deep = `${'['.repeat(levels)}${']'.repeat(levels)}`;
      const card = '{"id":"a","type":"text","text":"","x":0,"y":0,"width":1,"height":1}';
      const bytes = Buffer.from(`{"nodes":[${card}],"deep":${deep},"k":{"k":{}}}`);
      const places = ['/nodes/0/k', '/k/k/k'];
      return places.map((path) =>
        sameVerdicts(bytes, () => applyJsonPatch(bytes, [{ op: 'copy', from: '/deep', path }])),
      );
    });
    const [valid, invalid] = ['incremental, valid', 'whole, invalid'];
    expect(answers).toEqual([
      [valid, valid],
      [valid, valid],
      [invalid, invalid],
      ['refused', 'refused'],
    ]);
  });
});

it('a canvas that is faulty elsewhere may be edited in one place, and is not taken for valid by it', () => {
  const base = Buffer.from(
    '{"nodes":[{"id":"a","type":"text","text":"","x":0,"y":0,"width":1,"height":1},{"id":"b"}]}',
  );
  const edit = applyElementEdits(base, [{ op: 'patchNode', id: 'a', patch: { x: 5 } }]);
  expect(checkedBytes(edit)).toBe(edit.bytes);
  expect(isKnownValid(edit.bytes)).toBe(false);
});
