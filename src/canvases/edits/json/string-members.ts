import {
  isObjectAt,
  isStringAt,
  type JsonText,
  readString,
  skipSpace,
  skipString,
  walkChildren,
} from './json-spans.js';

/**
 * The texts, with their quotes, of those members of an object that are strings; undefined for the others, and for
 * all when the text is no object. The last of equal keys counts, as it does for JSON.parse.
 * @param keys plain letters only
 * @source RFC 8259 section 4
 */
export function stringMembers<const Keys extends readonly string[]>(
  text: JsonText,
  keys: Keys,
): { [K in keyof Keys]: JsonText | undefined } {
  const { source, start } = text;
  const found: (JsonText | undefined)[] = keys.map(() => undefined);
  if (isObjectAt(source, start)) {
    walkChildren(source, start, (_lead, keyStart, keyEnd, valueStart, valueEnd) => {
      const index = keyIndex(source, keyStart, keyEnd, keys);
      if (index < 0) return;
      found[index] = isStringAt(source, valueStart) ? { source, start: valueStart, end: valueEnd } : undefined;
    });
  }
  return found as { [K in keyof Keys]: JsonText | undefined };
}

/**
 * The keys of an object.
 * @source RFC 8259 section 4
 */
export function keysOf({ source, start }: JsonText): Set<string> {
  const keys = new Set<string>();
  if (isObjectAt(source, start)) {
    walkChildren(source, start, (_lead, keyStart, keyEnd) => {
      keys.add(readString(source, keyStart, keyEnd));
    });
  }
  return keys;
}

function keyIndex(source: Buffer, start: number, end: number, keys: readonly string[]): number {
  for (let i = start + 1; i < end - 1; i++) if (source[i] === 0x5c) return keys.indexOf(readString(source, start, end));
  return keys.findIndex((key) => isSpelled(source, start, end, key));
}

/** Whether a string is spelled with just these letters. */
function isSpelled(source: Buffer, start: number, end: number, key: string): boolean {
  if (key.length !== end - start - 2) return false;
  let i = 0;
  while (i < key.length && source[start + 1 + i] === key.charCodeAt(i)) i++;
  return i === key.length;
}

/**
 * Whether the key with its quotes at `start` to `end` is this one, however it is spelled.
 * @param key plain letters only
 * @source RFC 8259 section 7
 */
export const isKeyAt = (source: Buffer, start: number, end: number, key: string): boolean =>
  isSpelled(source, start, end, key) || keyIndex(source, start, end, [key]) === 0;

/**
 * The text of the first member of an object when it is this one and a string: a quick look, for where the order of
 * members is mostly the same.
 * @source RFC 8259 section 4
 */
export function firstMember(text: JsonText, key: string): JsonText | undefined {
  const { source } = text;
  if (!isObjectAt(source, text.start)) return undefined;
  const keyStart = skipSpace(source, text.start + 1);
  const keyEnd = keyStart + key.length + 2;
  if (source[keyEnd - 1] !== 0x22 || !isSpelled(source, keyStart, keyEnd, key)) return undefined;
  const colon = skipSpace(source, keyEnd);
  const start = source[colon] === 0x3a ? skipSpace(source, colon + 1) : keyEnd;
  return isStringAt(source, start) ? { source, start, end: skipString(source, start) } : undefined;
}

/**
 * What a string text means.
 * @source RFC 8259 section 7
 */
export const stringValue = (text: JsonText): string => readString(text.source, text.start, text.end);

/**
 * A test for string texts that mean the given string. Compares bytes; only texts with escapes are decoded.
 * @source RFC 8259 section 7
 */
export function meansString(wanted: string): (text: JsonText | undefined) => boolean {
  const bytes = Buffer.from(JSON.stringify(wanted));
  return (text) => {
    if (!text) return false;
    const { source, start, end } = text;
    if (end - start === bytes.length) {
      let i = 1;
      while (i < bytes.length && source[start + i] === bytes[i]) i++;
      if (i === bytes.length) return true;
    }
    for (let i = start + 1; i < end - 1; i++) if (source[i] === 0x5c) return readString(source, start, end) === wanted;
    return false;
  };
}
