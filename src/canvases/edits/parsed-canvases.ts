import { LRUCache } from 'lru-cache';
import type { Canvases } from '../canvases.js';
import { applyElementEdits } from './canvas-editor.js';
import { checkedBytes } from './checked-edit.js';

/**
 * Nodes and edges to add, complete as JSON Canvas has them.
 * @source JSON Canvas 1.0
 */
export interface AddedElements {
  nodes: readonly object[];
  edges: readonly object[];
}

/**
 * Canvases for parts that work on nodes and edges instead of bytes. What a file holds is given as it is, parsed: real
 * files may not keep to the specification.
 * @source product contract, Agents ("writes its result into the canvas as nodes and edges ... in one change")
 */
export interface ParsedCanvases {
  /**
   * The object is shared by all who read this version: nobody may change it.
   * @throws Problem CANVAS_NOT_FOUND, CANVAS_INVALID, CANVAS_PATH_INVALID, CANVAS_BUSY
   */
  read(path: string): Promise<unknown>;
  /**
   * Adds what `draw` makes of the newest version, in one change. `draw` may be called again; what it throws refuses
   * the change.
   * @throws Problem of {@link Canvases.edit}, and CANVAS_INVALID when what was drawn is none of a canvas
   */
  add(path: string, draw: (canvas: unknown) => AddedElements): Promise<{ etag: string }>;
}

/** Bytes of canvases whose parsed form is kept: an agent reads the same version up to three times within seconds. */
const keptBytes = 4 * 1024 * 1024;

/** Over the canvases of a vault. @source product contract, Agents */
export function parsedCanvases(canvases: Pick<Canvases, 'newest' | 'edit'>): ParsedCanvases {
  const kept = new LRUCache<Buffer, { canvas: unknown }>({
    maxSize: keptBytes,
    sizeCalculation: (_, bytes) => bytes.length + 1,
  });
  // The bytes of a version never change, so the object that holds them stands for them.
  const parse = (bytes: Buffer): unknown => {
    const known = kept.get(bytes) ?? { canvas: JSON.parse(bytes.toString('utf8')) };
    kept.set(bytes, known);
    return known.canvas;
  };
  return {
    async read(path) {
      return parse((await canvases.newest(path)).bytes);
    },
    async add(path, draw) {
      // Any version: whoever drew saw an older one, so the history keeps the one that this change goes over.
      const { etag } = await canvases.edit(path, { ifMatch: '*' }, (current) => {
        const { nodes, edges } = draw(parse(current));
        const added = [
          ...nodes.map((node) => ({ op: 'addNode', node }) as const),
          ...edges.map((edge) => ({ op: 'addEdge', edge }) as const),
        ];
        return checkedBytes(applyElementEdits(current, added));
      });
      return { etag };
    },
  };
}
