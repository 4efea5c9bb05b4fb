import { z } from 'zod';

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

const words = z.string().optional().catch(undefined);
const nodeSchema = z.object({
  id: z.string(),
  type: z.enum(['text', 'file', 'link', 'group']),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  text: words,
  file: words,
  url: words,
  label: words,
  color: words,
});
const edgeSchema = z.object({ fromNode: z.string(), toNode: z.string(), label: words });

/** The elements of a member that are what they should be; real files hold others too. */
function elements<Element>(canvas: unknown, key: 'nodes' | 'edges', schema: z.ZodType<Element>): Element[] {
  const list = (canvas as Record<string, unknown> | null)?.[key];
  if (!Array.isArray(list)) return [];
  return list.flatMap((element) => {
    const parsed = schema.safeParse(element);
    return parsed.success ? [parsed.data] : [];
  });
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
  const view = { nodes: elements(canvas, 'nodes', nodeSchema), edges: elements(canvas, 'edges', edgeSchema) };
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
