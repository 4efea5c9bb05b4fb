import { isUtf8 } from 'node:buffer';
import { isObject } from '../../trajectory-values.js';

/** A value, or why the bytes are none. @source RFC 8259 */
export type Parsed = { value: unknown } | { fault: string };

/**
 * Reads one JSON value, strictly UTF-8.
 * @source RFC 8259 section 8.1
 */
export function parseRecord(bytes: Buffer): Parsed {
  if (!isUtf8(bytes)) return { fault: 'expected UTF-8 text, got other bytes' };
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    const at = position === undefined ? '' : ` (at character ${Number(position) + 1})`;
    return { fault: `not valid JSON${at}` };
  }
}

/**
 * The records of a list, or of an object around one; undefined for all else.
 * @source product contract, Import formats
 */
export function recordsWithin(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (isObject(value) && Array.isArray(value.trajectories)) return value.trajectories;
  return undefined;
}
