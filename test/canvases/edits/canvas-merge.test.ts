import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CanvasMerge, mergeCanvases, mergeConflict } from '../../../src/canvases/edits/merge/canvas-merge.js';
import { Problem } from '../../../src/errors.js';
import {
  type Canvas,
  canonical,
  canvas,
  clone,
  type Json,
  type JsonObject,
  layouts,
  parsed,
  written,
} from './canvas-arbitrary.js';

const bytesOf = (merge: CanvasMerge): Buffer => {
  if (merge.conflicts) throw new Error(`conflicts: ${JSON.stringify(merge.conflicts)}`);
  return merge.bytes;
};

const buffer = (value: JsonObject, layout = 'obsidian', seed = 1) => Buffer.from(layouts[layout]?.(value, seed) ?? '');

/** What one side did: by index into the base's nodes and edges, so that two plans can be made disjoint. */
type Plan = { at: number; change: 'move' | 'label' | 'drop' | 'keep' }[];
const plan: fc.Arbitrary<Plan> = fc.array(
  fc.record({ at: fc.nat(15), change: fc.constantFrom('move', 'label', 'drop', 'keep') }),
  { maxLength: 5 },
);

/** Carries a plan out on every second node and edge, and adds some of its own. */
function changed(base: Canvas, steps: Plan, side: 0 | 1, isReordered: boolean): Canvas {
  const result = clone(base);
  const own = (list: JsonObject[], at: number) => (list.length === 0 ? undefined : list[(2 * at + side) % list.length]);
  const isMine = (list: JsonObject[], element: JsonObject) => list.indexOf(element) % 2 === side;
  const dropped = new Set<Json>();
  for (const { at, change } of steps) {
    const node = own(base.nodes, at);
    const edge = own(base.edges, at);
    if (node && isMine(base.nodes, node)) {
      const mine = result.nodes.find(({ id }) => id === node.id);
      if (mine && change === 'move') mine.x = 10_000 + at;
      // A node with edges stays: the other side may change them.
      const isFree = base.edges.every(({ fromNode, toNode }) => fromNode !== node.id && toNode !== node.id);
      if (mine && change === 'drop' && isFree) dropped.add(node.id as string);
    }
    if (edge && isMine(base.edges, edge)) {
      const mine = result.edges.find(({ id }) => id === edge.id);
      if (mine && change === 'label') mine.label = `${side}-${at}`;
      if (change === 'drop') result.edges = result.edges.filter(({ id }) => id !== edge.id);
    }
    if (change === 'keep')
      result.nodes.splice(at % (result.nodes.length + 1), 0, {
        id: `new ${side} ${at} ${result.nodes.length}`,
        type: 'text',
      });
  }
  result.nodes = result.nodes.filter(({ id }) => !dropped.has(id as Json));
  if (isReordered) result.nodes.reverse();
  if (steps.length > 3) result[`key ${side}`] = steps.length;
  return result;
}

/** A canvas by id, without order. */
const unordered = (value: Json) => {
  const { nodes, edges, ...rest } = value as Canvas;
  return canonical({ ...rest, nodes: nodes.map(canonical).sort(), edges: edges.map(canonical).sort() });
};

const reformatted = fc.constantFrom(...Object.keys(layouts));

describe('merging canvases', () => {
  it('gives what I made when they did nothing, in their layout', () => {
    fc.assert(
      fc.property(canvas, canvas, reformatted, reformatted, fc.nat(), (base, mine, one, other, seed) => {
        const merge = mergeCanvases(buffer(base, one, seed), buffer(mine, other, seed), buffer(base, other, seed + 1));
        expect(canonical(parsed(bytesOf(merge)))).toBe(canonical(mine));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('gives their bytes when I did nothing', () => {
    fc.assert(
      fc.property(canvas, written(canvas), reformatted, fc.nat(), (base, theirs, layout, seed) => {
        const mine = buffer(base, layout, seed);
        expect(bytesOf(mergeCanvases(buffer(base), mine, theirs.bytes))).toBe(theirs.bytes);
        expect(bytesOf(mergeCanvases(buffer(base), theirs.bytes, theirs.bytes))).toBe(theirs.bytes);
      }),
      { seed: 5, numRuns: 150 },
    );
  });

  it('joins disjoint changes, whichever side asks, and keeps the bytes of what only they have', () => {
    fc.assert(
      fc.property(canvas, plan, plan, reformatted, fc.boolean(), (base, one, other, layout, reordered) => {
        const mine = changed(base, one, 0, reordered);
        const theirs = changed(base, other, 1, false);
        const [b, m, t] = [buffer(base), buffer(mine), buffer(theirs, layout)] as const;
        const merged = bytesOf(mergeCanvases(b, m, t));
        expect(unordered(parsed(merged))).toBe(unordered(parsed(bytesOf(mergeCanvases(b, t, m)))));
        const ids = (value: Json) => (value as Canvas).nodes.map(({ id }) => id as string);
        const result = parsed(merged) as Canvas;
        for (const node of theirs.nodes) {
          const before = base.nodes.find(({ id }) => id === node.id);
          const here = mine.nodes.find(({ id }) => id === node.id);
          if (before && !here) continue;
          const wanted = before && here && canonical(before) !== canonical(here) ? here : node;
          expect(canonical(result.nodes.find(({ id }) => id === node.id))).toBe(canonical(wanted));
        }
        const order = ids(reordered ? mine : theirs).filter((id) => ids(result).includes(id));
        const both = new Set(order);
        expect(ids(result).filter((id) => both.has(id))).toEqual(order);
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  const a = { id: 'a', type: 'text', text: 'a', x: 0 };
  const b = { id: 'b', type: 'text', text: 'b', x: 0 };
  const e = { id: 'e', fromNode: 'a', toNode: 'b' };
  const base: Canvas = { nodes: [a, b], edges: [e], title: 'one' };
  const merge = (mine: JsonObject, theirs: JsonObject) =>
    mergeCanvases(buffer(base), buffer(mine), buffer(theirs, 'spaces'));
  const f = { id: 'f', fromNode: 'b', toNode: 'b' };

  it.each<[string, JsonObject, JsonObject, JsonObject[]]>([
    [
      'a node changed differently',
      { ...base, nodes: [{ ...a, x: 1 }, b] },
      { ...base, nodes: [{ ...a, x: 2 }, b] },
      [{ kind: 'node', id: 'a', reason: 'changed differently on both sides' }],
    ],
    [
      'a node deleted here and changed there',
      { ...base, nodes: [b], edges: [] },
      { ...base, nodes: [{ ...a, x: 2 }, b] },
      [{ kind: 'node', id: 'a', reason: 'deleted here, changed there' }],
    ],
    [
      'a node changed here and deleted there',
      { ...base, nodes: [{ ...a, x: 2 }, b] },
      { ...base, nodes: [b], edges: [] },
      [{ kind: 'node', id: 'a', reason: 'changed here, deleted there' }],
    ],
    [
      'one new id with two contents',
      { ...base, nodes: [a, b, { id: 'c', x: 1 }] },
      { ...base, nodes: [{ id: 'c', x: 2 }, a, b] },
      [{ kind: 'node', id: 'c', reason: 'added differently on both sides' }],
    ],
    [
      'a new edge here at a node deleted there',
      { ...base, edges: [e, f] },
      { ...base, nodes: [a], edges: [] },
      [{ kind: 'edge', id: 'f', reason: 'its node was deleted there' }],
    ],
    [
      'a new edge there at a node deleted here',
      { ...base, nodes: [a], edges: [] },
      { ...base, edges: [e, f] },
      [{ kind: 'edge', id: 'f', reason: 'its node was deleted here' }],
    ],
    [
      'an edge changed differently, and a key',
      { ...base, edges: [{ ...e, label: '1' }], title: 'two' },
      { ...base, edges: [{ ...e, label: '2' }], title: 'three' },
      [
        { kind: 'edge', id: 'e', reason: 'changed differently on both sides' },
        { kind: 'key', id: 'title', reason: 'changed differently on both sides' },
      ],
    ],
    [
      'a key deleted here and changed there, and one added by both',
      { nodes: base.nodes, edges: base.edges, k: 1 },
      { ...base, title: 'two', k: 2 },
      [
        { kind: 'key', id: 'k', reason: 'added differently on both sides' },
        { kind: 'key', id: 'title', reason: 'deleted here, changed there' },
      ],
    ],
    [
      'a large number that differs past the precision of doubles',
      { ...base, title: 1 },
      { ...base, title: 2 },
      [{ kind: 'key', id: 'title', reason: 'changed differently on both sides' }],
    ],
  ])('names the ids of %s', (_name, mine, theirs, conflicts) => {
    expect(merge(mine, theirs)).toEqual({ conflicts });
  });

  it('does not call it a conflict when both did the same', () => {
    const both = { ...base, nodes: [{ ...a, x: 9 }, b, { id: 'c' }], edges: [], title: 'two' };
    expect(parsed(bytesOf(merge({ ...both, mine: 1 }, { ...both, theirs: 2 })))).toEqual({
      ...both,
      mine: 1,
      theirs: 2,
    });
  });

  it('keeps the members of a changed node that did not change as they are spelled there', () => {
    const start = Buffer.from('{"nodes":[{"id":"a","x":1.0,"y":1},{"id":"b","x":1}]}');
    const mine = Buffer.from('{"nodes":[{"id":"a","x":1,"y":2},{"id":"b","x":1}]}');
    const theirs = Buffer.from('{"nodes":[ {"id":"a", "x":1.00, "y":1} , {"id":"b","x":7} ]}');
    expect(bytesOf(mergeCanvases(start, mine, theirs)).toString()).toBe(
      '{"nodes":[ {"id":"a", "x":1.00, "y":2} , {"id":"b","x":7} ]}',
    );
  });

  it('notices a change that doubles cannot tell', () => {
    const text = (x: string) => Buffer.from(`{"nodes":[{"id":"a","x":${x}}],"edges":[]}`);
    const merged = mergeCanvases(text('9007199254740992'), text('9007199254740993'), text('9007199254740992.0'));
    expect(bytesOf(merged).toString()).toContain('"x":9007199254740993');
  });

  it('keeps their order when both reordered, mine when only I did', () => {
    const three = { nodes: ['a', 'b', 'c'].map((id) => ({ id })) };
    const as = (...ids: string[]) => buffer({ nodes: ids.map((id) => ({ id })) });
    const order = (mine: Buffer, theirs: Buffer) =>
      (parsed(bytesOf(mergeCanvases(buffer(three), mine, theirs))) as Canvas).nodes.map(({ id }) => id);
    expect(order(as('c', 'b', 'a'), as('b', 'c', 'a'))).toEqual(['b', 'c', 'a']);
    expect(order(as('c', 'b', 'a'), as('a', 'new', 'b', 'c'))).toEqual(['c', 'b', 'a', 'new']);
    expect(order(as('a', 'mine', 'b', 'c', 'top'), as('c', 'b', 'a', 'last'))).toEqual([
      'c',
      'b',
      'a',
      'mine',
      'last',
      'top',
    ]);
  });

  it('treats nodes that cannot be told apart as one key', () => {
    const twins = { ...base, nodes: [a, a] };
    expect(merge({ ...twins }, { ...base, title: 'two' })).not.toHaveProperty('conflicts');
    expect(merge(twins, { ...base, nodes: [a, { ...b, x: 3 }] })).toEqual({
      conflicts: [{ kind: 'key', id: 'nodes', reason: 'changed differently on both sides' }],
    });
  });

  it('merges a key that one side took away or brought', () => {
    expect(parsed(bytesOf(merge({ nodes: base.nodes, edges: base.edges }, { ...base, more: 1 })))).toEqual({
      nodes: base.nodes,
      edges: base.edges,
      more: 1,
    });
    const bare = buffer({ title: 'x' });
    expect(parsed(bytesOf(mergeCanvases(bare, buffer(base), buffer({ title: 'x', k: 1 }))))).toEqual({ ...base, k: 1 });
  });

  it('refuses what is no canvas', () => {
    expect(() => mergeCanvases(buffer(base), Buffer.from('[]'), buffer(base))).toThrow(Problem);
    expect(() => mergeCanvases(buffer(base), Buffer.from('{"nodes":[}'), buffer(base))).toThrow(Problem);
  });

  it('names at most a hundred conflicts in its problem, and counts all', () => {
    const many = Array.from({ length: 500 }, (_, i) => ({
      kind: 'node' as const,
      id: `n${i}`,
      reason: 'changed differently on both sides' as const,
    }));
    const problem = mergeConflict(many);
    expect(problem).toMatchObject({ code: 'CANVAS_MERGE_CONFLICT', kind: 'conflict', extra: { conflict_count: 500 } });
    expect(problem.extra?.conflicts).toHaveLength(100);
  });
});
