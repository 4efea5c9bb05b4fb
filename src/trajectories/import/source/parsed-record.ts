import { isAscii, isUtf8 } from 'node:buffer';
import { isObject, maxRecordDepth } from '../../trajectory-values.js';
import type { TextEncoding, Wrapper } from './text-reader.js';

/** A value, or why the bytes are none. @source RFC 8259 */
export type Parsed = { value: unknown; encoding: TextEncoding } | { fault: string };

/**
 * Reads one JSON value, strictly UTF-8.
 * @param asBytes read the strings as bytes where that loses nothing: an escape such as `\u00e9` stands for a character
 * whatever is around it, so text with such escapes is read as characters
 * @source RFC 8259 section 8.1
 */
export function parseRecord(bytes: Buffer, asBytes = false): Parsed {
  if (!isUtf8(bytes)) return { fault: 'expected UTF-8 text, got other bytes' };
  if (asBytes && !bytes.includes('\\u')) {
    try {
      return { value: JSON.parse(bytes.toString('latin1')), encoding: 'latin1' };
    } catch (error) {
      if (isAscii(bytes)) return faultOf(error);
      // Read as characters below, which says at which of them it breaks.
    }
  }
  try {
    return { value: JSON.parse(bytes.toString('utf8')), encoding: 'utf8' };
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): { fault: string } {
  const position = /position (\d+)/.exec((error as Error).message)?.[1];
  const at = position === undefined ? '' : ` (at character ${Number(position) + 1})`;
  return { fault: `not valid JSON${at}` };
}

/**
 * The records of a list, or of an object around one; undefined for all else, so for a record whose own list of that
 * name is empty.
 * @source product contract, Import formats
 */
export function recordsWithin(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value) || !Array.isArray(value.trajectories)) return undefined;
  return value.trajectories.length === 0 && Object.hasOwn(value, 'trajectory_id') ? undefined : value.trajectories;
}

/**
 * The object around a list of records, without the list, when there is one; read as characters once it is asked for.
 * @source product contract, Import formats
 */
export function wrapperOf(value: unknown, encoding: TextEncoding): Wrapper | undefined {
  if (!isObject(value)) return undefined;
  let fields: Record<string, unknown> | undefined;
  return () => {
    if (!fields) {
      const { trajectories: _list, ...around } = value;
      fields = encoding === 'utf8' ? around : (asCharacters(around) as Record<string, unknown>);
    }
    return fields;
  };
}

/**
 * The object around a list of records as far as it has been met.
 * @param head its text, which ends with the list's name and a colon
 * @source product contract, Import formats
 */
export function wrapperFrom(head: Buffer): Wrapper | undefined {
  const parsed = parseRecord(Buffer.concat([head, Buffer.from('null}')]));
  return 'value' in parsed ? wrapperOf(parsed.value, 'utf8') : undefined;
}

const beyondAscii = /[^\0-\x7f]/;

/**
 * Tells whether a text read as `latin1` is the same text read as characters.
 * @source RFC 3629 section 3 (ASCII is its own UTF-8)
 */
export function isSameInBoth(text: unknown): boolean {
  return typeof text !== 'string' || !beyondAscii.test(text);
}

/**
 * The same value with its strings as characters.
 * @param value read as `latin1`; not changed
 * @param depth how far to go: what is nested deeper than records may be is refused, not read
 * @source Node.js documentation, Buffer ("Buffers and character encodings")
 */
export function asCharacters(value: unknown, depth = maxRecordDepth + 2): unknown {
  if (typeof value === 'string') return isSameInBoth(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
  if (depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => asCharacters(item, depth - 1));
  if (!isObject(value)) return value;
  const pairs = Object.entries(value).map(([name, item]) => [asCharacters(name), asCharacters(item, depth - 1)]);
  // `fromEntries` defines fields, so that one named `__proto__` stays a field.
  return Object.fromEntries(pairs);
}
