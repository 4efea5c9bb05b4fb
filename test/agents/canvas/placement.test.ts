import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeView } from '../../../src/agents/canvas/canvas-view.js';
import { drawCards } from '../../../src/agents/canvas/drawing.js';
import { placeCards } from '../../../src/agents/canvas/placement.js';
import { contains, isNear, type Rectangle } from '../../../src/agents/canvas/rectangle.js';

const node = (id: string, x: number, y: number, width = 200, height = 100, type: NodeView['type'] = 'text') =>
  ({ id, type, x, y, width, height, text: id }) satisfies NodeView;

const anyNode = fc.record({
  id: fc.uuid(),
  type: fc.constantFrom('text' as const, 'group' as const, 'file' as const),
  x: fc.integer({ min: -3000, max: 3000 }),
  y: fc.integer({ min: -3000, max: 3000 }),
  width: fc.integer({ min: 20, max: 1500 }),
  height: fc.integer({ min: 20, max: 1500 }),
});
const anyCards = fc.array(fc.record({ text: fc.string({ maxLength: 600 }) }), { minLength: 1, maxLength: 12 });

describe('placeCards', () => {
  it('touches no node and no other card, wherever the nodes are', () => {
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 25 }), anyCards, fc.nat(), (nodes, cards, pick) => {
        const target = nodes.length > 0 ? nodes[pick % nodes.length] : undefined;
        const places = placeCards(cards, nodes, target);
        for (const [index, place] of places.entries()) {
          expect(Number.isInteger(place.x) && Number.isInteger(place.y)).toBe(true);
          expect(places.slice(index + 1).some((other) => isNear(place, other, 0))).toBe(false);
          for (const other of nodes) {
            const isHome = target && other.type === 'group' && contains(other, target);
            if (!isHome) expect(isNear(place, other, 0)).toBe(false);
          }
        }
      }),
      { seed: 17, numRuns: 300 },
    );
  });

  it('puts cards to the right of the target where there is room', () => {
    const [place] = placeCards([{ text: 'short' }], [node('a', 0, 0)], node('a', 0, 0));
    expect(place).toMatchObject({ x: 340, y: 0, width: 420 });
  });

  it.each([
    ['alone', [node('t', 1e308, 0, 1e308)], 't'],
    ['at the lower end', [node('t', -1e308, -1e308, 200, 1e308), node('a', 0, 0)], 't'],
    ['with everything inside it', [node('g', -1e308, -1e308, 1.7e308, 1.7e308, 'group'), node('t', 0, 0)], 't'],
    ['over everything', [node('wall', -1e308, -1e308, 1.7e308, 1.7e308), node('t', 0, 0)], 't'],
    ['on a canvas without a target', [node('a', 1e308, 1e308, 1e308, 1e308), node('b', 0, 0)], undefined],
    ['where pixels cannot be told apart', [node('t', 2 ** 60, 7)], 't'],
  ])('gives numbers that can be written down beside a node beyond all measure: %s', (_, nodes, id) => {
    const target = nodes.find((each) => each.id === id);
    const places = placeCards([{ text: 'a' }, { text: 'b' }], nodes, target);
    expect(places.every(({ x, y }) => Number.isSafeInteger(x) && Number.isSafeInteger(y))).toBe(true);
    expect(isNear(places[0] as Rectangle, places[1] as Rectangle, 0)).toBe(false);
    const usual = nodes.find(({ x, width }) => Math.abs(x + width) < 1e6);
    if (usual) expect(places.some((place) => isNear(place, usual, 0))).toBe(false);
  });

  it('makes room for long Chinese text', () => {
    const [short, long] = placeCards([{ text: '短' }, { text: '很长的文字'.repeat(40) }], [], undefined);
    expect(long?.height).toBeGreaterThan((short?.height ?? 0) * 2);
  });

  it('begins at the origin on an empty canvas', () => {
    expect(placeCards([{ text: 'a' }], [], undefined)[0]).toMatchObject({ x: 0, y: 0 });
  });
});

describe('drawCards', () => {
  let count = 0;
  const newId = () => `new${count++}`;

  it('leads an edge from the target to each card, on the sides that face each other', () => {
    count = 0;
    const target = node('t', 0, 0);
    const wall = node('wall', 300, -2000, 3000, 4000);
    const drawing = drawCards(
      [{ text: 'a', label: 'why', color: '1' }],
      { nodes: [target, wall], edges: [] },
      target,
      newId,
    );
    expect(drawing.nodes).toHaveLength(1);
    expect(drawing.nodes[0]).toMatchObject({ id: 'new0', type: 'text', text: 'a', color: '1' });
    expect(drawing.edges).toEqual([
      { id: 'new1', fromNode: 't', toNode: 'new0', fromSide: 'left', toSide: 'right', label: 'why' },
    ]);
  });

  it('draws no edges without a target', () => {
    expect(drawCards([{ text: 'a' }], { nodes: [], edges: [] }, undefined, newId).edges).toEqual([]);
  });
});
