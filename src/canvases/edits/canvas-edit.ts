import type { ElementKind } from './errors.js';
import type { JsonChild } from './json/json-child.js';
import type { JsonContainer } from './json/json-container.js';
import type { JsonDocument } from './json/json-document.js';
import { stringMembers, stringValue } from './json/string-members.js';

/**
 * Which parts of a canvas an edit touched. When `whole` is false, checking the elements of the edit one by one is
 * enough: ids are still unique among themselves as before, and every edge's ends are where they were or were
 * checked. When it is true, the whole canvas has to be checked again.
 * @source product contract, Canvases ("what a client writes must have unique ids ... and edges whose ends exist")
 */
export interface TouchedParts {
  /** Ids of nodes that are new or changed, and still there. */
  nodes: string[];
  edges: string[];
  removedNodes: string[];
  removedEdges: string[];
  /** Top-level keys besides `nodes` and `edges` that are new, changed or gone. */
  keys: string[];
  whole: boolean;
}

/**
 * A touched node or edge as it is after the edit: where (a JSON pointer) and its parsed value.
 * @source JSON Canvas 1.0
 */
export interface TouchedElement {
  kind: ElementKind;
  pointer: string;
  value: unknown;
}

/**
 * What an edit made. `bytes` is the very buffer that went in when nothing changed. `elements` are the touched nodes
 * and edges, empty when `touched.whole`.
 * @source product contract, Canvases (PATCH)
 */
export interface CanvasEdit {
  bytes: Buffer;
  changed: boolean;
  touched: TouchedParts;
  elements: TouchedElement[];
}

/**
 * Nothing touched yet.
 * @source product contract, Canvases (PATCH)
 */
export const untouched = (): TouchedParts => ({
  nodes: [],
  edges: [],
  removedNodes: [],
  removedEdges: [],
  keys: [],
  whole: false,
});

/**
 * The member of the canvas that holds the elements of a kind.
 * @source JSON Canvas 1.0, "Top level"
 */
export const arrayKey = (kind: ElementKind): 'nodes' | 'edges' => (kind === 'node' ? 'nodes' : 'edges');

/** Whether what ties the canvas together, an id or an edge's end, was written anew. */
function isRetied(element: JsonContainer): boolean {
  const ties = ['id', 'fromNode', 'toNode'];
  return ties.some((key) => element.removedKeys.has(key) || element.get(key)?.isChanged());
}

/** Parses the changed elements of one array and notes their ids; false when the whole canvas must be looked at. */
function collect(document: JsonDocument, kind: ElementKind, array: JsonChild, edit: CanvasEdit): boolean {
  if (!array.isChanged()) return true;
  if (array.isNew || !array.opened?.isArray || array.opened.isRearranged) return false;
  const elements = array.opened.children();
  for (let index = 0; index < elements.length; index++) {
    const child = elements[index] as JsonChild;
    if (!child.isChanged()) continue;
    if (child.isNew || !child.opened || child.opened.isArray || isRetied(child.opened)) return false;
    const text = document.textOf(child);
    const [id] = stringMembers(text, ['id']);
    if (!id) return false;
    edit.touched[arrayKey(kind)].push(stringValue(id));
    const value: unknown = JSON.parse(text.source.toString('utf8', text.start, text.end));
    edit.elements.push({ kind, pointer: `/${arrayKey(kind)}/${index}`, value });
  }
  return true;
}

/**
 * Writes an edited document and says which parts of the canvas differ from what was read.
 * @throws Problem CANVAS_EDIT_TOO_LARGE
 * @source product contract, Canvases (PATCH)
 */
export function canvasEdit(document: JsonDocument): CanvasEdit {
  const edit: CanvasEdit = { bytes: document.render(), changed: true, touched: untouched(), elements: [] };
  const { root } = document;
  if (edit.bytes === document.bytes) return { ...edit, changed: false };
  const members = root.isNew || root.opened?.isArray ? undefined : root.opened;
  let isCovered = members !== undefined;
  if (members) {
    const keys = new Set(members.removedKeys);
    for (const child of members.children()) {
      if (child.key === 'nodes') isCovered = collect(document, 'node', child, edit) && isCovered;
      else if (child.key === 'edges') isCovered = collect(document, 'edge', child, edit) && isCovered;
      else if (child.isChanged()) keys.add(child.key as string);
    }
    if (keys.delete('nodes') || keys.delete('edges')) isCovered = false;
    edit.touched.keys = [...keys];
  }
  edit.touched.whole = !isCovered;
  if (!isCovered) edit.elements = [];
  return edit;
}
