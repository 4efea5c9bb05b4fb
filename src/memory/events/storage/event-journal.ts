/**
 * The journal: what a group of appends writes into the files of which days, and where. A group is acknowledged when it
 * is durable here, and holds completely or not at all. Written again after a crash it gives the same files, however
 * often, so nothing is lost and nothing doubled. It is emptied when the files themselves are durable.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from '../../../durable-file.js';

/**
 * Bytes that belong at a place in the file of a day.
 * @source story-17.4 task 6 (partitions by date)
 */
export interface DayPiece {
  day: number;
  position: number;
  bytes: Buffer;
}

const mark = Buffer.from('#group ');
const headPattern = /^#group ([0-9a-f]{8}) (\d{10}) (\d{10})\n$/;
const headLength = mark.length + 8 + 1 + 10 + 1 + 10 + 1;
const padded = (length: number) => String(length).padStart(10, '0');

/**
 * Writes a group as it lies in the journal: a line with checksum and lengths, a line that says which bytes go where,
 * and these bytes.
 * @source PKWARE APPNOTE 4.4.7 (CRC-32)
 */
export function encodeGroup(pieces: readonly DayPiece[]): Buffer {
  const places = Buffer.from(
    `${JSON.stringify(pieces.map(({ day, position, bytes }) => [day, position, bytes.length]))}\n`,
  );
  const payload = Buffer.concat([places, ...pieces.map(({ bytes }) => bytes)]);
  const sum = crc32(payload).toString(16).padStart(8, '0');
  const head = `#group ${sum} ${padded(places.length)} ${padded(payload.length)}\n`;
  return Buffer.concat([Buffer.from(head), payload]);
}

function groupAt(journal: Buffer, start: number): { pieces: DayPiece[]; end: number } | undefined {
  const head = headPattern.exec(journal.toString('latin1', start, start + headLength));
  if (!head) return undefined;
  const [placesLength, payloadLength] = [Number(head[2]), Number(head[3])];
  const payload = journal.subarray(start + headLength, start + headLength + payloadLength);
  if (payload.length !== payloadLength || crc32(payload) !== Number.parseInt(head[1] as string, 16)) return undefined;
  let at = placesLength;
  const places = JSON.parse(payload.toString('utf8', 0, placesLength)) as [number, number, number][];
  const pieces = places.map(([day, position, length]) => {
    at += length;
    return { day, position, bytes: payload.subarray(at - length, at) };
  });
  return { pieces, end: start + headLength + payloadLength };
}

/**
 * The whole groups of a journal, in order.
 * @returns `damaged` counts stretches that are no whole group and lie before one: acknowledged groups were in them. What
 *   is broken at the end is the group that a crash interrupted, and was never acknowledged.
 * @source PKWARE APPNOTE 4.4.7 (CRC-32)
 */
export function readGroups(journal: Buffer): { groups: DayPiece[][]; damaged: number } {
  const groups: DayPiece[][] = [];
  let damaged = 0;
  let at = 0;
  let isBroken = false;
  while (at < journal.length) {
    const group = groupAt(journal, at);
    if (group) {
      if (isBroken) damaged += 1;
      isBroken = false;
      groups.push(group.pieces);
      at = group.end;
    } else {
      isBroken = true;
      const next = journal.indexOf(mark, at + 1);
      at = next < 0 ? journal.length : next;
    }
  }
  return { groups, damaged };
}

/** @source product contract, Promises 1 */
export class EventJournal {
  readonly #file: FileHandle;
  #length: number;

  private constructor(file: FileHandle, length: number) {
    this.#file = file;
    this.#length = length;
  }

  /** @throws the system's error */
  static async open(file: string): Promise<EventJournal> {
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT);
    await syncFolder(path.dirname(file));
    return new EventJournal(handle, (await handle.stat()).size);
  }

  get length(): number {
    return this.#length;
  }

  /** All that is in it. */
  async read(): Promise<Buffer> {
    const buffer = Buffer.alloc(this.#length);
    let got = 0;
    while (got < buffer.length) {
      const { bytesRead } = await this.#file.read(buffer, got, buffer.length - got, got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    return buffer.subarray(0, got);
  }

  /**
   * Makes a group durable.
   * @throws the system's error; {@link cut} then has to follow
   */
  async append(group: Buffer): Promise<void> {
    let written = 0;
    while (written < group.length) {
      const { bytesWritten } = await this.#file.write(group, written, group.length - written, this.#length + written);
      if (bytesWritten === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' });
      written += bytesWritten;
    }
    await this.#file.datasync();
    this.#length += group.length;
  }

  /** Durably takes back what lies beyond `length`. */
  async cut(length: number): Promise<void> {
    await this.#file.truncate(length);
    await this.#file.datasync();
    this.#length = length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
