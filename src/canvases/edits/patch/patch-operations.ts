import { patchMalformed, patchTooLong, shown } from '../errors.js';
import {
  isArrayAt,
  isObjectAt,
  isStringAt,
  type JsonText,
  maxDepth,
  readString,
  walkChildren,
} from '../json/json-spans.js';
import { readInput } from '../json-input.js';
import { parsePointer } from './json-pointer.js';

/**
 * The most operations that one patch, or one burst of edits, may have.
 * @source product contract, Promises (6)
 */
export const maxOperations = 10_000;

/**
 * One operation; paths are taken apart into their tokens.
 * @source RFC 6902 section 4
 */
export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string[]; value: JsonText }
  | { op: 'move' | 'copy'; path: string[]; from: string[] }
  | { op: 'remove'; path: string[] };

function readOperation(text: JsonText, number: number): PatchOperation {
  const { source } = text;
  if (!isObjectAt(source, text.start)) throw patchMalformed(`Operation ${number}: expected an object`, `/${number}`);
  const members = new Map<string, JsonText>();
  walkChildren(source, text.start, (_lead, keyStart, keyEnd, start, end) => {
    members.set(readString(source, keyStart, keyEnd), { source, start, end });
  });
  const fault = (field: string, expected: string) =>
    patchMalformed(`Operation ${number}: expected ${field} to be ${expected}`, `/${number}/${field}`);
  const stringOf = (field: string) => {
    const value = members.get(field);
    if (!value || !isStringAt(source, value.start)) throw fault(field, 'a string');
    return readString(source, value.start, value.end);
  };
  const pathOf = (field: string) => {
    const pointer = stringOf(field);
    const path = parsePointer(pointer);
    if (!path) throw fault(field, `a JSON pointer, got ${shown(pointer)}`);
    if (path.length > maxDepth) throw fault(field, `at most ${maxDepth} levels deep`);
    return path;
  };
  const op = stringOf('op');
  switch (op) {
    case 'add':
    case 'replace':
    case 'test': {
      const path = pathOf('path');
      const value = members.get('value');
      if (!value) throw fault('value', 'given');
      return { op, path, value };
    }
    case 'move':
    case 'copy': {
      const path = pathOf('path');
      const from = pathOf('from');
      if (op === 'move' && from.length < path.length && from.every((token, i) => token === path[i]))
        throw fault('path', 'outside of what is moved');
      return { op, path, from };
    }
    case 'remove':
      return { op, path: pathOf('path') };
    default:
      throw fault('op', `add, remove, replace, move, copy or test, got ${shown(op)}`);
  }
}

/**
 * Reads a JSON Patch document.
 * @throws Problem CANVAS_PATCH_MALFORMED naming the operation, CANVAS_PATCH_TOO_LONG
 * @source RFC 6902 sections 3 and 4
 */
export function readOperations(patch: unknown): PatchOperation[] {
  const { source, start } = readInput(patch);
  if (!isArrayAt(source, start)) throw patchMalformed('Expected an array of operations');
  const texts: JsonText[] = [];
  walkChildren(source, start, (_lead, _keyStart, _keyEnd, valueStart, valueEnd) => {
    texts.push({ source, start: valueStart, end: valueEnd });
  });
  if (texts.length > maxOperations) throw patchTooLong(texts.length, maxOperations);
  return texts.map(readOperation);
}
