import { crc32 } from 'node:zlib';
import { commonTail } from './difference.js';
import {
  decodePayload,
  type FoundRecord,
  frameBytes,
  headerBytes,
  isHeader,
  kindAt,
  sequenceAt,
  smallestPayload,
} from './record.js';

/**
 * What could not be read back. Without `path`: `lostBytes` from `offset` on were no whole record and were cut off;
 * after a crash that is the write that nobody had been told about. With `path`: the records of that canvas do not give
 * the bytes they promise, and an older version of it, or none, was recovered.
 * @source product contract, Promises 4 (damage is said once)
 */
export interface JournalDamage {
  segment: number;
  offset: number;
  lostBytes: number;
  path?: string;
}

/**
 * The whole records of a segment: frames from `start` to `end`, checksums found right. `hasBase` says whether it voids
 * the segments before it.
 * @source record layout
 */
export interface SegmentBytes {
  number: number;
  bytes: Buffer;
  start: number;
  end: number;
  hasBase: boolean;
  lastSequence: number;
}

/** Bytes up to the last one that is not zero. */
function usedLength(bytes: Buffer): number {
  return bytes.length - commonTail(bytes, Buffer.alloc(bytes.length), bytes.length);
}

/** @returns where the record at `offset` ends, or undefined when there is no whole one */
function endOfRecord(bytes: Buffer, offset: number, segment: number): number | undefined {
  const start = offset + frameBytes;
  if (start > bytes.length) return undefined;
  const end = start + bytes.readUInt32BE(offset);
  if (end < start + smallestPayload || end > bytes.length) return undefined;
  return crc32(bytes.subarray(start, end), segment) === bytes.readUInt32BE(offset + 4) ? end : undefined;
}

/**
 * Reads a segment up to its end or to the first thing that is no whole record.
 * @throws Error when a newer version of this program wrote it
 * @source product contract, Promises 1 (a damaged tail is cut at the last whole record)
 */
export function readSegment(
  bytes: Buffer,
  number: number,
): { segment: SegmentBytes; damage: JournalDamage | undefined } {
  const start = isHeader(bytes, number) ? headerBytes : 0;
  const segment = { number, bytes, start, end: start, hasBase: false, lastSequence: 0 };
  for (let next = start === 0 ? undefined : endOfRecord(bytes, start, number); next !== undefined; ) {
    const payload = segment.end + frameBytes;
    if (kindAt(bytes, payload) === 'base') segment.hasBase = true;
    segment.lastSequence = Math.max(segment.lastSequence, sequenceAt(bytes, payload));
    segment.end = next;
    next = endOfRecord(bytes, next, number);
  }
  const lostBytes = usedLength(bytes.subarray(segment.end));
  return { segment, damage: lostBytes > 0 ? { segment: number, offset: segment.end, lostBytes } : undefined };
}

/**
 * Hands the records to `visit`, first to last, until it answers false.
 * @returns what could not be read: a record that `visit` refused, or that is none in spite of its checksum
 * @source record layout
 */
export function visitRecords(
  segment: SegmentBytes,
  visit: (record: FoundRecord, offset: number) => boolean,
): JournalDamage | undefined {
  const { bytes, number, end } = segment;
  for (let offset = segment.start; offset < end; ) {
    const payload = offset + frameBytes;
    const next = payload + bytes.readUInt32BE(offset);
    let goesOn = false;
    try {
      goesOn = visit(decodePayload(bytes, payload, next), offset);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (!goesOn) return { segment: number, offset, lostBytes: end - offset };
    offset = next;
  }
  return undefined;
}
