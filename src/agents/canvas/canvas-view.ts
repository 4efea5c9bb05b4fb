/**
 * A node as agents see it; keys that they do not know are left out.
 * @source JSON Canvas 1.0, Nodes
 */
export interface NodeView {
  id: string;
  type: 'text' | 'file' | 'link' | 'group';
  x: number;
  y: number;
  width: number;
  height: number;
  text?: string | undefined;
  file?: string | undefined;
  url?: string | undefined;
  label?: string | undefined;
  color?: string | undefined;
}

/**
 * An edge as agents see it.
 * @source JSON Canvas 1.0, Edges
 */
export interface EdgeView {
  fromNode: string;
  toNode: string;
  label?: string | undefined;
}

const types: readonly unknown[] = ['text', 'file', 'link', 'group'] satisfies NodeView['type'][];
const wordsIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Looks at a node by hand: a schema costs two to three times as much, and canvases have thousands of them. */
function nodeViewOf(node: Record<string, unknown>): NodeView | null {
  const { id, type, x, y, width, height } = node;
  const isPlaced = [x, y, width, height].every(Number.isFinite);
  if (typeof id !== 'string' || !types.includes(type) || !isPlaced) return null;
  const view = { id, type, x, y, width, height } as NodeView;
  for (const key of ['text', 'file', 'url', 'label', 'color'] as const) {
    if (node[key] !== undefined) view[key] = wordsIn(node[key]);
  }
  return view;
}

function edgeViewOf({ fromNode, toNode, label }: Record<string, unknown>): EdgeView | null {
  if (typeof fromNode !== 'string' || typeof toNode !== 'string') return null;
  return label === undefined ? { fromNode, toNode } : { fromNode, toNode, label: wordsIn(label) };
}

/**
 * What was made of single elements, null for those that agents cannot use: a version of a canvas shares most of them
 * with the one before it.
 */
const knownNodes = new WeakMap<object, NodeView | null>();
const knownEdges = new WeakMap<object, EdgeView | null>();

/** The elements of a member that are what they should be; real files hold others too. */
function elements<Element>(
  canvas: unknown,
  key: 'nodes' | 'edges',
  viewOfElement: (element: Record<string, unknown>) => Element | null,
  known: WeakMap<object, Element | null>,
): Element[] {
  const list = (canvas as Record<string, unknown> | null)?.[key];
  if (!Array.isArray(list)) return [];
  const views: Element[] = [];
  for (const element of list as unknown[]) {
    if (typeof element !== 'object' || element === null) continue;
    let view = known.get(element);
    if (view === undefined) {
      view = viewOfElement(element as Record<string, unknown>);
      known.set(element, view);
    }
    if (view !== null) views.push(view);
  }
  return views;
}

/** An agent looks at the same parsed canvas before it waits, before it asks, and when it draws. */
const views = new WeakMap<object, CanvasView>();

/**
 * What agents can use of a parsed canvas file.
 * @source product contract, Canvases ("reading is lenient")
 */
export function viewOf(canvas: unknown): CanvasView {
  const known = typeof canvas === 'object' && canvas !== null ? views.get(canvas) : undefined;
  if (known) return known;
  const view = {
    nodes: elements(canvas, 'nodes', nodeViewOf, knownNodes),
    edges: elements(canvas, 'edges', edgeViewOf, knownEdges),
  };
  if (typeof canvas === 'object' && canvas !== null) views.set(canvas, view);
  return view;
}

/**
 * A canvas as agents see it.
 * @source JSON Canvas 1.0
 */
export interface CanvasView {
  nodes: readonly NodeView[];
  edges: readonly EdgeView[];
}

/**
 * What an agent adds to a canvas: complete nodes and edges of JSON Canvas 1.0.
 * @source JSON Canvas 1.0
 */
export interface Drawing {
  nodes: (NodeView & { type: 'text'; text: string })[];
  edges: (EdgeView & { id: string; fromSide?: Side; toSide?: Side })[];
}

/** @source JSON Canvas 1.0, Edges (`fromSide`, `toSide`) */
export type Side = 'top' | 'right' | 'bottom' | 'left';
