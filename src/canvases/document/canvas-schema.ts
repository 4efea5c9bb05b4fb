import { z } from 'zod';

/** The side of a node at which an edge ends. @source JSON Canvas 1.0, Edges */
export const sides = ['top', 'right', 'bottom', 'left'] as const;
/** How an edge ends. @source JSON Canvas 1.0, Edges */
export const ends = ['none', 'arrow'] as const;
/** How the picture behind a group is laid. @source JSON Canvas 1.0, Group type nodes */
export const backgroundStyles = ['cover', 'ratio', 'repeat'] as const;
/**
 * A preset ("1" to "6", and the "0" and "" of real files) or a hex colour.
 * @source JSON Canvas 1.0, Color
 */
export const colorPattern = /^(?:\d{0,2}|#[0-9a-fA-F]{3,8})$/;

const color = z.string().regex(colorPattern).optional();
const place = {
  id: z.string().min(1),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  color,
};

/**
 * One node; keys that the specification does not name are kept.
 * @source JSON Canvas 1.0, Nodes
 */
export const canvasNodeSchema = z.discriminatedUnion('type', [
  z.looseObject({ ...place, type: z.literal('text'), text: z.string() }),
  z.looseObject({ ...place, type: z.literal('file'), file: z.string(), subpath: z.string().optional() }),
  z.looseObject({ ...place, type: z.literal('link'), url: z.string() }),
  z.looseObject({
    ...place,
    type: z.literal('group'),
    label: z.string().optional(),
    background: z.string().optional(),
    backgroundStyle: z.enum(backgroundStyles).optional(),
  }),
]);

/**
 * One edge; keys that the specification does not name are kept.
 * @source JSON Canvas 1.0, Edges
 */
export const canvasEdgeSchema = z.looseObject({
  id: z.string().min(1),
  fromNode: z.string(),
  fromSide: z.enum(sides).optional(),
  fromEnd: z.enum(ends).optional(),
  toNode: z.string(),
  toSide: z.enum(sides).optional(),
  toEnd: z.enum(ends).optional(),
  color,
  label: z.string().optional(),
});

/**
 * A canvas as the OpenAPI document shows it. Requests are checked by `canvasFaults`, which says the same, knows the
 * rules between nodes and edges as well, and costs a tenth; a property test holds the two together.
 * @source JSON Canvas 1.0
 */
export const canvasSchema = z
  .looseObject({ nodes: z.array(canvasNodeSchema).optional(), edges: z.array(canvasEdgeSchema).optional() })
  .meta({ id: 'Canvas', description: 'A JSON Canvas 1.0 document' });

/** A canvas, parsed. @source JSON Canvas 1.0 */
export type Canvas = z.infer<typeof canvasSchema>;
/** A node of a canvas, parsed. @source JSON Canvas 1.0, Nodes */
export type CanvasNode = z.infer<typeof canvasNodeSchema>;
/** An edge of a canvas, parsed. @source JSON Canvas 1.0, Edges */
export type CanvasEdge = z.infer<typeof canvasEdgeSchema>;
