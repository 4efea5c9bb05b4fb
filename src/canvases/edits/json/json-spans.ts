import { textInvalid } from '../errors.js';

/*
 * Finds where values of a JSON text begin and end, without building them. Works on bytes: no bracket or quote
 * hides in UTF-8. It is strict about the level it walks (commas, colons, keys) and only counts brackets inside the
 * values it steps over, so it takes text that was validated before; on any other it still ends, inside the buffer.
 */

/**
 * One JSON value as it is written somewhere: bytes `start` to `end` of `source`, without white space around it.
 * @source RFC 8259
 */
export interface JsonText {
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * The deepest nesting of arrays and objects that is read or made.
 * @source product contract, Canvases (nesting limit 128)
 */
export const maxDepth = 128;

/**
 * All of a buffer as one value.
 * @source RFC 8259
 */
export const wholeText = (source: Buffer): JsonText => ({ source, start: 0, end: source.length });

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const openBracket = 0x5b;

/** Strings longer than this are searched natively: a call costs as much as some forty steps of a loop. */
const shortString = 40;

/**
 * The first byte at or after `at` that is no white space; the length of the text when there is none.
 * @source RFC 8259 section 2
 */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x09 && byte !== 0x0d) break;
  }
  return i;
}

/**
 * Where the value of a whole text begins: after a byte order mark, which some programs on Windows put in front, and
 * white space.
 * @source RFC 8259 section 8.1 ("MAY ignore the presence of a byte order mark")
 */
export function documentStart(bytes: Buffer): number {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return skipSpace(bytes, hasMark ? 3 : 0);
}

/**
 * The place after the string whose opening quote is at `at`.
 * @throws Problem CANVAS_INVALID when it does not end
 * @source RFC 8259 section 7
 */
export function skipString(bytes: Buffer, at: number): number {
  let i = at + 1;
  while (i < bytes.length) {
    const near = Math.min(bytes.length, i + shortString);
    for (; i < near; i++) {
      const byte = bytes[i];
      if (byte === quote) return i + 1;
      if (byte === backslash) i++;
    }
    const close = bytes.indexOf(quote, i);
    if (close < 0) break;
    let escapes = close;
    while (escapes > i && bytes[escapes - 1] === backslash) escapes--;
    i = close + 1;
    if (((close - escapes) & 1) === 0) return i;
  }
  throw textInvalid(bytes.length, 'the end of a string');
}

function skipScalar(bytes: Buffer, at: number): number {
  let i = at;
  for (; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    // Letters, digits and `+ - .` are all that numbers, true, false and null are made of.
    const isPart =
      (byte >= 0x30 && byte <= 0x39) ||
      (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x45 ||
      (byte >= 0x2b && byte <= 0x2e && byte !== comma);
    if (!isPart) break;
  }
  if (i === at) throw textInvalid(at, 'a value');
  return i;
}

/**
 * The place after the value that begins at `at`.
 * @throws Problem CANVAS_INVALID when there is no value, it does not end, or it is nested too deep
 * @source RFC 8259 section 3
 */
export function skipValue(bytes: Buffer, at: number): number {
  const first = bytes[at];
  if (first === quote) return skipString(bytes, at);
  if (first !== openBrace && first !== openBracket) return skipScalar(bytes, at);
  let depth = 0;
  let i = at;
  while (i < bytes.length) {
    const byte = bytes[i] as number;
    if (byte === quote) {
      i = skipString(bytes, i);
      continue;
    }
    // Bit 0x20 is what tells [ ] from { }.
    const bracket = byte | 0x20;
    if (bracket === openBrace) {
      if (++depth > maxDepth) throw textInvalid(i, `at most ${maxDepth} levels of nesting`);
    } else if (bracket === 0x7d && --depth === 0) return i + 1;
    i++;
  }
  throw textInvalid(bytes.length, 'the end of an array or object');
}

/** What stands at `at`: the first byte of a value tells its kind. @source RFC 8259 section 3 */
export const isObjectAt = (bytes: Buffer, at: number): boolean => bytes[at] === openBrace;

/** @source RFC 8259 section 5 */
export const isArrayAt = (bytes: Buffer, at: number): boolean => bytes[at] === openBracket;

/** @source RFC 8259 section 7 */
export const isStringAt = (bytes: Buffer, at: number): boolean => bytes[at] === quote;

/**
 * What a string means whose quotes are at `start` and before `end`. Lone surrogates stay what they are.
 * @throws Problem CANVAS_INVALID for an unknown escape
 * @source RFC 8259 section 7
 */
export function readString(bytes: Buffer, start: number, end: number): string {
  let hasEscape = false;
  for (let i = start + 1; i < end - 1 && !hasEscape; i++) hasEscape = bytes[i] === backslash;
  if (!hasEscape) return bytes.toString('utf8', start + 1, end - 1);
  try {
    return JSON.parse(bytes.toString('utf8', start, end));
  } catch {
    throw textInvalid(start, 'a valid string');
  }
}

/**
 * What a walk tells of a child: where the white space in front of it begins, where its key is (equal when in an
 * array), where its value is, and where its comma ends (the end of the value for the last child). Returning true
 * ends the walk.
 * @source RFC 8259 sections 4 and 5
 */
export type ChildVisitor = (
  leadStart: number,
  keyStart: number,
  keyEnd: number,
  valueStart: number,
  valueEnd: number,
  separatorEnd: number,
  // biome-ignore lint/suspicious/noConfusingVoidType: a visitor that never stops returns nothing
) => boolean | void;

/**
 * Steps over a value: from its first byte to the place after it, or -1 to end the walk.
 * @source RFC 8259 section 3
 */
export type ValueSkipper = (bytes: Buffer, valueStart: number, keyStart: number, keyEnd: number) => number;

/**
 * Walks the direct children of the array or object at `at`.
 * @param skip what steps over the values; it may look into them on the way
 * @returns the place after the closing bracket, or -1 when the walk was ended
 * @throws Problem CANVAS_INVALID where the text is no JSON
 * @source RFC 8259 sections 4 and 5
 */
export function walkChildren(bytes: Buffer, at: number, visit: ChildVisitor, skip: ValueSkipper = skipValue): number {
  const isObject = isObjectAt(bytes, at);
  const close = isObject ? 0x7d : 0x5d;
  let leadStart = at + 1;
  let next = skipSpace(bytes, leadStart);
  if (bytes[next] === close) return next + 1;
  for (;;) {
    const keyStart = next;
    let keyEnd = next;
    if (isObject) {
      if (bytes[next] !== quote) throw textInvalid(next, 'a key');
      keyEnd = skipString(bytes, next);
      next = skipSpace(bytes, keyEnd);
      if (bytes[next] !== colon) throw textInvalid(next, 'a colon');
      next = skipSpace(bytes, next + 1);
    }
    const valueEnd = skip(bytes, next, keyStart, keyEnd);
    if (valueEnd < 0) return -1;
    const after = skipSpace(bytes, valueEnd);
    const hasNext = bytes[after] === comma;
    if (!hasNext && bytes[after] !== close) throw textInvalid(after, 'a comma or the closing bracket');
    if (visit(leadStart, keyStart, keyEnd, next, valueEnd, hasNext ? after + 1 : valueEnd) === true) return -1;
    if (!hasNext) return after + 1;
    leadStart = after + 1;
    next = skipSpace(bytes, leadStart);
  }
}
