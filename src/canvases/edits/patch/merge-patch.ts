import { type CanvasEdit, canvasEdit } from '../canvas-edit.js';
import type { JsonChild } from '../json/json-child.js';
import type { JsonContainer } from '../json/json-container.js';
import { JsonDocument } from '../json/json-document.js';
import { isObjectAt, type JsonText, readString, walkChildren, wholeText } from '../json/json-spans.js';
import { keysOf } from '../json/string-members.js';
import { readInput } from '../json-input.js';

const isNull = (text: JsonText) => text.source[text.start] === 0x6e;

/** What a patch makes of nothing: itself without the members that are null, in objects inside objects too. */
function withoutNulls(text: JsonText): string {
  const { source, start, end } = text;
  if (!isObjectAt(source, start)) return source.toString('utf8', start, end);
  const members: string[] = [];
  walkChildren(source, start, (_lead, keyStart, keyEnd, valueStart, valueEnd) => {
    const value = { source, start: valueStart, end: valueEnd };
    if (!isNull(value)) members.push(`${source.toString('utf8', keyStart, keyEnd)}:${withoutNulls(value)}`);
  });
  return `{${members.join(',')}}`;
}

/**
 * Merges a patch into the value of a child. Members that the patch does not name keep their bytes.
 * @param container what the child is in; undefined for the root
 * @source RFC 7396 section 2
 */
export function mergeInto(
  document: JsonDocument,
  container: JsonContainer | undefined,
  child: JsonChild,
  patch: JsonText,
): void {
  const { source } = patch;
  const depth = container ? container.depth + 1 : document.depth;
  const isObject = isObjectAt(source, patch.start);
  const target = isObject ? document.open(child, depth) : undefined;
  if (!target || target.isArray) {
    document.work.spend(patch.end - patch.start);
    const text = isObject ? wholeText(Buffer.from(withoutNulls(patch))) : patch;
    document.replace(container, child, { text, depth: -1 });
    return;
  }
  walkChildren(source, patch.start, (_lead, keyStart, keyEnd, valueStart, valueEnd) => {
    const key = readString(source, keyStart, keyEnd);
    const value = { source, start: valueStart, end: valueEnd };
    const member = target.get(key);
    if (isNull(value)) {
      if (member) target.remove(member);
    } else if (member) mergeInto(document, target, member, value);
    else {
      const text = isObjectAt(source, valueStart) ? wholeText(Buffer.from(withoutNulls(value))) : value;
      document.insert(target, undefined, key, { text, depth: -1 });
    }
  });
}

/**
 * Applies a JSON merge patch to the text of a canvas. Arrays are replaced whole; what the patch does not name, and
 * what it sets to the value it has, keeps its bytes.
 * @param patch the body's bytes (numbers keep their spelling), or a parsed value
 * @throws Problem CANVAS_PATCH_MALFORMED, CANVAS_INVALID (the canvas is no JSON), CANVAS_EDIT_TOO_LARGE
 * @source RFC 7396; product contract, Canvases (PATCH)
 */
export function applyMergePatch(bytes: Buffer, patch: unknown): CanvasEdit {
  const text = readInput(patch);
  const document = new JsonDocument(bytes, { eager: keysOf(text) });
  mergeInto(document, undefined, document.root, text);
  return canvasEdit(document);
}
