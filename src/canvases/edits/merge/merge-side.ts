import { arrayKey } from '../canvas-edit.js';
import { canvasInvalid, type ElementKind } from '../errors.js';
import type { JsonChild } from '../json/json-child.js';
import type { JsonContainer } from '../json/json-container.js';
import { JsonDocument } from '../json/json-document.js';
import type { JsonText } from '../json/json-spans.js';
import { stringMembers, stringValue } from '../json/string-members.js';

/**
 * The nodes or edges of one version of a canvas, by id, in their order.
 * @source JSON Canvas 1.0, "Top level"
 */
export interface KeyedElements {
  /** Whether the canvas has the array at all; without it there are no elements. */
  isPresent: boolean;
  byId: Map<string, JsonChild>;
}

/**
 * One of the three versions of a canvas in a merge.
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export interface MergeSide {
  document: JsonDocument;
  root: JsonContainer;
  /** Undefined where the elements cannot be told apart: no array, an element without an id, an id twice. */
  node: KeyedElements | undefined;
  edge: KeyedElements | undefined;
}

function keyedElements(document: JsonDocument, root: JsonContainer, kind: ElementKind): KeyedElements | undefined {
  const byId = new Map<string, JsonChild>();
  const member = root.get(arrayKey(kind));
  if (!member) return { isPresent: false, byId };
  const array = document.open(member, 1);
  if (!array?.isArray) return undefined;
  for (const child of array.children()) {
    const [id] = stringMembers(child.raw, ['id']);
    const key = id && stringValue(id);
    if (key === undefined || byId.has(key)) return undefined;
    byId.set(key, child);
  }
  return { isPresent: true, byId };
}

/**
 * Reads one version of a canvas.
 * @throws Problem CANVAS_INVALID when it is no JSON object
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export function readSide(bytes: Buffer): MergeSide {
  const document = new JsonDocument(bytes, { eager: new Set(['nodes', 'edges']) });
  const root = document.open(document.root, 0);
  if (!root || root.isArray) throw canvasInvalid('Expected the canvas to be an object', '');
  return {
    document,
    root,
    node: keyedElements(document, root, 'node'),
    edge: keyedElements(document, root, 'edge'),
  };
}

/**
 * The value of a top-level key; undefined when the canvas does not have it.
 * @source product contract, Canvases (`Prefer: handling=merge`)
 */
export function memberText(side: MergeSide, key: string): JsonText | undefined {
  const child = side.root.get(key);
  return child && side.document.textOf(child);
}
