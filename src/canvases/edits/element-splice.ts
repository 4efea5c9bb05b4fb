import { arrayKey, type CanvasEdit, untouched } from './canvas-edit.js';
import { type ElementKind, resultTooLarge } from './errors.js';
import { JsonDocument, maxDocumentBytes } from './json/json-document.js';
import {
  documentStart,
  isArrayAt,
  isObjectAt,
  type JsonText,
  skipValue,
  type ValueSkipper,
  walkChildren,
} from './json/json-spans.js';
import { detectStyle } from './json/json-style.js';
import { firstMember, isKeyAt, meansString } from './json/string-members.js';
import { mergeInto } from './patch/merge-patch.js';

/** Nodes and edges stand inside an array inside the canvas. */
const elementDepth = 2;

const nothing = () => {};

/**
 * Looks for an element from the front and stops at it: what comes behind is never read.
 * @returns undefined when it is not found, or when a look at the whole canvas is needed to be sure
 */
function locate(bytes: Buffer, kind: ElementKind, id: string): { text: JsonText; index: number } | undefined {
  const start = documentStart(bytes);
  if (!isObjectAt(bytes, start)) return undefined;
  const isWanted = meansString(id);
  let found: { text: JsonText; index: number } | undefined;
  let index = -1;
  const intoElement: ValueSkipper = (_bytes, at) => {
    index++;
    if (!isObjectAt(bytes, at)) return skipValue(bytes, at);
    // Nearly all elements begin with their id, and nearly all are not the one.
    const first = firstMember({ source: bytes, start: at, end: at }, 'id');
    if (first && !isWanted(first)) return skipValue(bytes, at);
    let matches = false;
    const end = walkChildren(bytes, at, (_lead, keyStart, keyEnd, valueStart, valueEnd) => {
      if (isKeyAt(bytes, keyStart, keyEnd, 'id'))
        matches = isWanted({ source: bytes, start: valueStart, end: valueEnd });
    });
    if (!matches) return end;
    found = { text: { source: bytes, start: at, end }, index };
    return -1;
  };
  const key = arrayKey(kind);
  walkChildren(bytes, start, nothing, (_bytes, at, keyStart, keyEnd) => {
    if (!isArrayAt(bytes, at) || !isKeyAt(bytes, keyStart, keyEnd, key)) return skipValue(bytes, at);
    return walkChildren(bytes, at, nothing, intoElement);
  });
  // Of two members of one name the last counts; this one is the last when the name does not come again.
  return found && bytes.indexOf(`"${key}"`, found.text.end) < 0 ? found : undefined;
}

/**
 * Merges a patch into one node, or into an edge that keeps its ends: the edit of every drag of a card. It reads the
 * canvas only up to the element.
 * @returns undefined when the element is not found this way
 * @throws Problem CANVAS_EDIT_TOO_LARGE, CANVAS_INVALID (the canvas is no JSON), CANVAS_PATCH_TOO_COSTLY
 * @source product contract, Canvases (`PATCH .../nodes/{id}`)
 */
export function spliceElement(bytes: Buffer, kind: ElementKind, id: string, patch: JsonText): CanvasEdit | undefined {
  const found = locate(bytes, kind, id);
  if (!found) return undefined;
  const { start, end } = found.text;
  const document = new JsonDocument(bytes.subarray(start, end), {
    depth: elementDepth,
    style: () => detectStyle(bytes, documentStart(bytes)),
  });
  mergeInto(document, undefined, document.root, patch);
  const element = document.render();
  const touched = untouched();
  if (element === document.bytes) return { base: bytes, bytes, changed: false, touched, elements: [] };
  const length = bytes.length - (end - start) + element.length;
  if (length > maxDocumentBytes) throw resultTooLarge(maxDocumentBytes);
  const key = arrayKey(kind);
  touched[key] = [id];
  return {
    base: bytes,
    bytes: Buffer.concat([bytes.subarray(0, start), element, bytes.subarray(end)], length),
    changed: true,
    touched,
    elements: [{ kind, pointer: `/${key}/${found.index}`, value: JSON.parse(element.toString()) }],
  };
}
