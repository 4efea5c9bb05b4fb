import { LRUCache } from 'lru-cache';
import type { Canvases } from '../canvases.js';
import { parseStoredJson } from '../document/json-text.js';
import { canvasInvalid } from './errors.js';
import { RecentEditors } from './recent-editors.js';

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

/**
 * Bytes of canvases whose parsed form is kept: an agent reads the same version up to three times within seconds, and
 * versions of one canvas share what they have in common.
 */
const keptBytes = 8 * 1024 * 1024;
/** What the editors of canvases that are being drawn on may hold. */
const editorBytes = 16 * 1024 * 1024;

/** As the bytes of the canvas say them. */
const written = (elements: readonly object[]): unknown[] => JSON.parse(JSON.stringify(elements));

/**
 * What parsing the canvas again would give after these elements were put at its end; undefined when that is not sure.
 * All that was there before is shared.
 */
function withAdded(canvas: unknown, added: AddedElements): unknown {
  if (typeof canvas !== 'object' || canvas === null || Array.isArray(canvas)) return undefined;
  const { nodes, edges } = canvas as { nodes?: unknown; edges?: unknown };
  if (!Array.isArray(nodes) || !Array.isArray(edges)) return undefined;
  return { ...canvas, nodes: [...nodes, ...written(added.nodes)], edges: [...edges, ...written(added.edges)] };
}

/** Over the canvases of a vault. @source product contract, Agents */
export function parsedCanvases(canvases: Pick<Canvases, 'newest' | 'edit'>): ParsedCanvases {
  const kept = new LRUCache<Buffer, { canvas: unknown }>({
    maxSize: keptBytes,
    sizeCalculation: (_, bytes) => bytes.length + 1,
  });
  const editors = new RecentEditors(editorBytes);
  // The bytes of a version never change, so the object that holds them stands for them.
  const parse = (bytes: Buffer): unknown => {
    const known = kept.get(bytes)?.canvas;
    if (known !== undefined) return known;
    const parsed = parseStoredJson(bytes);
    if (!parsed) throw canvasInvalid('Expected the canvas to be valid JSON');
    kept.set(bytes, { canvas: parsed.value });
    return parsed.value;
  };
  return {
    async read(path) {
      return parse((await canvases.newest(path)).bytes);
    },
    async add(path, draw) {
      // Any version: whoever drew saw an older one, so the history keeps the one that this change goes over.
      const { etag } = await canvases.edit(path, { ifMatch: '*' }, (current) => {
        const canvas = parse(current);
        const added = draw(canvas);
        const bytes = editors.applyAll(current, [
          ...added.nodes.map((node) => ({ op: 'addNode', node }) as const),
          ...added.edges.map((edge) => ({ op: 'addEdge', edge }) as const),
        ]);
        const next = bytes === current ? undefined : withAdded(canvas, added);
        if (next !== undefined) kept.set(bytes, { canvas: next });
        return bytes;
      });
      return { etag };
    },
  };
}
