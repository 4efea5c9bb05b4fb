import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../src/agents/canvas/canvas-view.js';

const node = (id: string) => ({ id, type: 'text', text: id, x: 0, y: 0, width: 10, height: 10 });

describe('viewOf', () => {
  it('passes over what is no node or edge, wherever it stands', () => {
    const canvas = {
      nodes: [null, 7, [], { id: 'broken' }, { ...node('a'), color: 5, text: null }],
      edges: ['x', { fromNode: 'a' }, { fromNode: 'a', toNode: 'a', label: 1 }],
    };
    expect(viewOf(canvas)).toEqual({
      nodes: [{ ...node('a'), text: undefined }],
      edges: [{ fromNode: 'a', toNode: 'a', label: undefined }],
    });
    expect(viewOf({ nodes: 'none' })).toEqual({ nodes: [], edges: [] });
    expect(viewOf(null)).toEqual({ nodes: [], edges: [] });
  });

  it('looks at an element once, however many versions of the canvas share it', () => {
    const [a, b, edge] = [node('a'), node('b'), { id: 'e', fromNode: 'a', toNode: 'b' }];
    const broken = { id: 'broken' };
    const before = viewOf({ nodes: [a, broken], edges: [edge] });
    const after = viewOf({ nodes: [a, broken, b], edges: [edge] });
    expect(after.nodes.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(after.nodes[0]).toBe(before.nodes[0]);
    expect(after.edges[0]).toBe(before.edges[0]);
  });

  it('knows an edge that stands among the nodes from an edge', () => {
    const both = { ...node('a'), fromNode: 'a', toNode: 'a' };
    expect(viewOf({ nodes: [both], edges: [both] })).toEqual({
      nodes: [node('a')],
      edges: [{ fromNode: 'a', toNode: 'a' }],
    });
  });
});
