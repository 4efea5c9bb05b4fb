/**
 * The history in one small file, written anew each time and put in the place of the last one. It is not flushed to the
 * disk at once: what a power cut takes is a minute of pictures. A file that is not what it should be is not read.
 *
 *     "CLBH" | header bytes (u32) | header (JSON) | for each ring: starts seconds samples values | crc32 (u32)
 */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type LimitChange, limitChangeSchema } from './limit-changes.js';
import type { Ring } from './ring.js';
import type { Series } from './series.js';

const magic = 'CLBH';
const maxBytes = 16 * 1024 * 1024;
const headerSchema = z.object({
  format: z.literal(1),
  series: z.array(z.string()).max(1000),
  rings: z
    .array(z.object({ range: z.string(), stepSeconds: z.number().positive(), points: z.int().min(1).max(10_000) }))
    .max(10),
  changes: z.array(limitChangeSchema).max(10_000),
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Float32Array | Uint32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/**
 * @source product contract, Promises 6
 */
export function encodeHistory(
  rings: readonly Ring[],
  series: readonly Series[],
  changes: readonly LimitChange[],
): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      format: 1,
      series: series.map(({ name }) => name),
      rings: rings.map(({ resolution }) => resolution),
      changes,
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const arrays = rings.flatMap(({ starts, seconds, samples, values }) => [starts, seconds, samples, values]);
  const content = Buffer.concat([Buffer.from(magic), length, header, ...arrays.map(bytesOf)]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(content));
  return Buffer.concat([content, sum]);
}

/**
 * Fills the rings from a file's content. Series are found by their names, rings by range and step: what is new stays
 * empty, what is gone is left out.
 * @returns the changes of the scheduler's limit
 * @throws Error when the content is damaged; the rings are as they were then
 * @source product contract, Promises 4 ("cache file damaged")
 */
export function decodeHistory(content: Buffer, rings: readonly Ring[], series: readonly Series[]): LimitChange[] {
  const body = content.subarray(0, -4);
  if (content.length < 12 || body.toString('latin1', 0, 4) !== magic) throw new Error('expected a history file');
  if (crc32(body) !== content.readUInt32LE(content.length - 4)) throw new Error('expected another checksum');
  const headerEnd = 8 + body.readUInt32LE(4);
  const header = headerSchema.parse(JSON.parse(body.toString('utf8', 8, headerEnd)));
  let at = headerEnd;
  const take = (bytes: number) => {
    if (at + bytes > body.length) throw new Error('expected more bytes');
    // Copied, because numbers in memory must begin at a multiple of their size.
    const part = new Uint8Array(body.subarray(at, at + bytes)).buffer;
    at += bytes;
    return part;
  };
  const stored = header.rings.map(({ range, stepSeconds, points }) => ({
    range,
    stepSeconds,
    points,
    starts: new Float64Array(take(8 * points)),
    seconds: new Float32Array(take(4 * points)),
    samples: new Uint32Array(take(4 * points)),
    values: new Float32Array(take(4 * points * header.series.length)),
  }));
  for (const ring of rings) {
    const { range, stepSeconds, points } = ring.resolution;
    const same = stored.find((one) => one.range === range && one.stepSeconds === stepSeconds && one.points === points);
    if (same === undefined) continue;
    ring.starts.set(same.starts);
    ring.seconds.set(same.seconds);
    ring.samples.set(same.samples);
    const places = series.map(({ name }) => header.series.indexOf(name));
    for (let point = 0; point < points; point++) {
      for (const [index, place] of places.entries()) {
        const value = place === -1 ? Number.NaN : same.values[point * header.series.length + place];
        ring.values[point * series.length + index] = value as number;
      }
    }
  }
  return header.changes;
}

/**
 * Reads a history file; undefined where there is none.
 * @throws Error when it cannot be read, or is far too large
 * @source product contract, Promises 6
 */
export async function readHistoryFile(file: string): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new Error(`expected at most ${maxBytes} bytes, got ${size}`);
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Puts the content in the file's place, in one step.
 * @throws Error of the file system
 * @source rename(2)
 */
export async function writeHistoryFile(file: string, content: Buffer): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, file);
}
