import type { CanvasView, NodeView } from './canvas-view.js';
import { contains } from './rectangle.js';

const hops = 2;
/** Characters of canvas text that go to the model: enough for some dozen notes, little enough for small models. */
const maxCharacters = 12_000;
const maxNodeCharacters = 3_000;
/** Of the target, which the answer is about. */
const maxTargetCharacters = 12_000;

const cut = (text: string, max: number) => (text.length <= max ? text : `${text.slice(0, max)} [...]`);

function contentOf(node: NodeView, max: number): string {
  switch (node.type) {
    case 'text':
      return cut(node.text ?? '', max);
    case 'file':
      return `[file] ${cut(node.file ?? '', max)}`;
    case 'link':
      return `[link] ${cut(node.url ?? '', max)}`;
    case 'group':
      return `[group] ${cut(node.label ?? '', max)}`;
  }
}

function describe(node: NodeView, max = maxNodeCharacters): string {
  const color = node.color ? ` color=${node.color}` : '';
  return `<node id=${JSON.stringify(node.id)}${color}>\n${contentOf(node, max)}\n</node>`;
}

/** The other ends of the edges at some nodes, by node, in their order. */
function endsAt(ids: readonly string[], { edges }: CanvasView): string[] {
  const ends = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { fromNode, toNode } of edges) {
    ends.get(fromNode)?.push(toNode);
    ends.get(toNode)?.push(fromNode);
  }
  return [...ends.values()].flat();
}

/** Nodes by their distance from the target over edges in either direction, the nearest first, the target left out. */
function neighbours(canvas: CanvasView, target: NodeView): NodeView[] {
  const seen = new Set([target.id]);
  let ring = [target.id];
  for (let hop = 0; hop < hops; hop++) {
    ring = endsAt(ring, canvas).filter((id) => !seen.has(id) && seen.add(id));
  }
  seen.delete(target.id);
  const found = new Map<string, NodeView>();
  for (const node of canvas.nodes) if (seen.has(node.id)) found.set(node.id, node);
  const inside =
    target.type === 'group' ? canvas.nodes.filter((node) => node !== target && contains(target, node)) : [];
  return [...new Set([...inside, ...[...seen].flatMap((id) => found.get(id) ?? [])])];
}

/**
 * What the model is told of the canvas: the target (whole, up to 12,000 characters), then its neighbours up to two edges away (for a group what
 * lies in it first) with the edges among them; without a target the canvas from its beginning. Bounded; what is left
 * out is said.
 * @returns text for the model
 * @source product contract, Agents ("gets the target node with its neighbourhood from the canvas")
 */
export function surroundings(canvas: CanvasView, target: NodeView | undefined): string {
  const shown = new Set<string>();
  const parts: string[] = [];
  let room = maxCharacters;
  const candidates = target ? neighbours(canvas, target) : canvas.nodes;
  const others: string[] = [];
  if (target) shown.add(target.id);
  for (const node of candidates) {
    const text = describe(node);
    if (text.length > room) break;
    room -= text.length;
    shown.add(node.id);
    others.push(text);
  }
  if (target) parts.push(`Target node:\n${describe(target, maxTargetCharacters)}`);
  if (others.length > 0) parts.push(`${target ? 'Nodes around it' : 'Nodes of the canvas'}:\n${others.join('\n')}`);
  const left = candidates.length - others.length;
  if (left > 0) parts.push(`(${left} more nodes are not shown.)`);
  const edges: string[] = [];
  for (const { fromNode, toNode, label } of canvas.edges) {
    if (!shown.has(fromNode) || !shown.has(toNode)) continue;
    const line = `${JSON.stringify(fromNode)} -> ${JSON.stringify(toNode)}${label ? `: ${cut(label, 200)}` : ''}`;
    if (line.length > room) break;
    room -= line.length;
    edges.push(line);
  }
  if (edges.length > 0) parts.push(`Edges:\n${edges.join('\n')}`);
  return parts.join('\n\n');
}
