import { describe, expect, it } from 'vitest';
import { applyElementEdits } from '../../../src/canvases/edits/canvas-editor.js';
import { checkedBytes } from '../../../src/canvases/edits/checked-edit.js';
import { applyJsonPatch } from '../../../src/canvases/edits/patch/json-patch.js';
import { Problem } from '../../../src/errors.js';

const node = { id: 'a', type: 'text', text: '', x: 0, y: 0, width: 1, height: 1 };
const edge = { id: 'e', fromNode: 'a', toNode: 'a' };
const canvas = (...nodes: object[]) => Buffer.from(JSON.stringify({ nodes: [node, ...nodes], edges: [edge] }));

function faultsOf(work: () => unknown) {
  try {
    work();
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.code).toBe('CANVAS_INVALID');
    return error.faults?.map(({ pointer }) => pointer);
  }
}

describe('checkedBytes', () => {
  it('says where a fault is: in the canvas, or in the element that was sent', () => {
    const edits = [
      {
        edit: applyElementEdits(canvas(), [{ op: 'patchNode', id: 'a', patch: { x: '' } }]),
        at: '/nodes/0',
        key: '/x',
      },
      {
        edit: applyElementEdits(canvas(), [{ op: 'patchEdge', id: 'e', patch: { color: 'red' } }]),
        at: '/edges/0',
        key: '/color',
      },
      { edit: applyElementEdits(canvas(), [{ op: 'addNode', node: { id: 'b' } }]), at: '/nodes/1', key: '/type' },
    ];
    for (const { edit, at, key } of edits) {
      expect(faultsOf(() => checkedBytes(edit))?.[0]).toBe(at + key);
      expect(faultsOf(() => checkedBytes(edit, ''))?.[0]).toBe(key);
    }
  });

  it('looks at the edited element alone, and at all of the canvas when the edit reaches further', () => {
    const faulty = canvas({ id: 'b', type: 'picture' });
    const one = applyElementEdits(faulty, [{ op: 'patchNode', id: 'a', patch: { x: 5 } }]);
    expect(checkedBytes(one)).toBe(one.bytes);
    const all = applyJsonPatch(faulty, [{ op: 'add', path: '/nodes/0', value: { ...node, id: 'c' } }]);
    expect(faultsOf(() => checkedBytes(all))).toContain('/nodes/2/type');
  });

  it('an edit that changes nothing is never refused', () => {
    const faulty = canvas({ id: 'b', type: 'picture' });
    const nothing = applyElementEdits(faulty, [{ op: 'patchNode', id: 'b', patch: { type: 'picture' } }]);
    expect(checkedBytes(nothing)).toBe(faulty);
  });

  it('names at most 20 faults', () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ op: 'addNode' as const, node: { id: `n${i}` } }));
    expect(faultsOf(() => checkedBytes(applyElementEdits(canvas(), many)))).toHaveLength(20);
  });

  it('refuses a canvas that is no object any more', () => {
    expect(faultsOf(() => checkedBytes(applyJsonPatch(canvas(), [{ op: 'replace', path: '', value: 7 }])))).toEqual([
      '',
    ]);
  });
});
