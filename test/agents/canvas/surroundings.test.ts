import { describe, expect, it } from 'vitest';
import type { NodeView } from '../../../src/agents/canvas/canvas-view.js';
import { surroundings } from '../../../src/agents/canvas/surroundings.js';

const text = (id: string, words = id, more: Partial<NodeView> = {}): NodeView => ({
  id,
  type: 'text',
  x: 0,
  y: 0,
  width: 10,
  height: 10,
  text: words,
  ...more,
});
const edge = (fromNode: string, toNode: string, label?: string) => ({ fromNode, toNode, ...(label ? { label } : {}) });

describe('surroundings', () => {
  it('shows the target, what is up to two edges away in either direction, and the edges between', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => text(id, `text of ${id}`));
    const edges = [edge('a', 'b', '推出'), edge('c', 'b'), edge('c', 'd'), edge('d', 'e')];
    const shown = surroundings({ nodes, edges }, nodes[1]);
    expect(shown).toMatch(/^Target node:\n<node id="b">\ntext of b\n<\/node>/);
    for (const near of ['a', 'c', 'd']) expect(shown).toContain(`text of ${near}`);
    expect(shown).not.toContain('text of e');
    expect(shown).toContain('"a" -> "b": 推出');
    expect(shown).not.toContain('"d" -> "e"');
  });

  it('shows the target whole where it is long, and of its neighbours the beginning', () => {
    const [target, other] = [text('t', `${'长'.repeat(4999)}尾`), text('o', `${'短'.repeat(4999)}尾`)];
    const shown = surroundings({ nodes: [target, other], edges: [edge('t', 'o')] }, target);
    expect(shown).toContain(`${'长'.repeat(4999)}尾\n</node>`);
    expect(shown).not.toContain('短尾');
    expect(shown).toContain('短 [...]');
    const huge = text('t', 'x'.repeat(1_000_000));
    expect(surroundings({ nodes: [huge], edges: [] }, huge).length).toBeLessThan(13_000);
  });

  it('shows what lies in a group first, and says what kinds of nodes there are', () => {
    const group = text('g', '', { type: 'group', label: '代数', x: 0, y: 0, width: 100, height: 100 });
    const inside = text('file', '', { type: 'file', file: 'notes/ring.md', x: 10, y: 10, color: '6' });
    const shown = surroundings({ nodes: [group, inside, text('outside', 'x', { x: 500 })], edges: [] }, group);
    expect(shown).toContain('[group] 代数');
    expect(shown).toContain('<node id="file" color=6>\n[file] notes/ring.md');
    expect(shown).not.toContain('outside');
  });

  it('stays bounded on a large canvas, and says how much is left out', () => {
    const nodes = Array.from({ length: 5000 }, (_, index) => text(`n${index}`, 'words '.repeat(100)));
    const hub = nodes.slice(1).map(({ id }) => edge('n0', id));
    for (const target of [nodes[0], undefined]) {
      const shown = surroundings({ nodes, edges: hub }, target);
      expect(shown.length).toBeLessThan(20_000);
      expect(shown).toMatch(/\(\d{4} more nodes are not shown\.\)/);
    }
  });

  it('does not stumble over edges to nodes that are not there, and over cycles', () => {
    const nodes = [text('a'), text('b')];
    const edges = [edge('a', 'b'), edge('b', 'a'), edge('a', 'a'), edge('a', 'gone')];
    expect(surroundings({ nodes, edges }, nodes[0])).not.toContain('gone');
  });
});
