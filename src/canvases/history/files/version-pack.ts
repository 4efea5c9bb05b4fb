/**
 * Several versions of one canvas in one file, each as what changed since the one before: for versions that follow each
 * other so quickly that a file each would cost more than the canvas itself. A pack never changes; with other versions
 * in it, it is another file with another name.
 *
 *     <name>:  index as one line of JSON, then the deflated bytes of all `middle`s, one after the other
 *
 * Packs are unpacked version by version, and so many at once as a budget of memory allows.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createDeflateRaw } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { etagOf } from '../../document/etag.js';
import { differenceOf, PieceList } from '../../journal/difference.js';
import { originSchema } from '../canvas-version.js';
import { ByteBudget } from './byte-budget.js';
import { InflatedBytes } from './inflated-bytes.js';
import type { VersionName } from './version-name.js';
import { openUnlinked, writeWhole } from './whole-file.js';

/** A version and its bytes. @source product contract, Promises 3 */
export type PackedVersion = Omit<VersionName, 'settled'> & { bytes: Buffer };

const entrySchema = z.object({
  id: z.string().regex(/^[0-9a-f]{13}$/),
  created: z.number(),
  origin: originSchema,
  etag: z.string(),
  isUnseen: z.boolean(),
  bytes: z.int().min(0),
  head: z.int().min(0),
  tail: z.int().min(0),
  middle: z.int().min(0),
});
const indexSchema = z.object({ versions: z.array(entrySchema) });

/** What a pack says of one of its versions; `bytes` is its length. @source product contract, Canvases (`versions`) */
export type PackEntry = z.infer<typeof entrySchema>;

const pattern = /^pack-[0-9a-f]{13}-\d{1,6}$/;
const newline = 0x0a;

/** Fast, and still a fifth of a canvas's bytes. */
const compression = { level: 1 };

/** No canvas comes near it: an entry that says more is damaged. */
const maxMiddleBytes = 256 * 1024 * 1024;

/** Some hundred versions of usual canvases. */
const unpacking = new ByteBudget(64 * 1024 * 1024);

/** By address. A pack never changes, so an index never does; of one that is gone nobody asks. */
const indexes = new LRUCache<string, readonly PackEntry[]>({ max: 1000 });

/** @source the layout above */
export const isPackName = (name: string): boolean => pattern.test(name);

/**
 * Writes a pack, its bytes durable; the entry in the folder is after a sync of that.
 * @param versions oldest first
 * @returns how many they were; without any, nothing is written
 * @throws the system's error, and what `versions` throws
 * @source product contract, Promises 3
 */
export async function writePack(
  folder: string,
  versions: Iterable<PackedVersion> | AsyncIterable<PackedVersion>,
): Promise<number> {
  const entries: PackEntry[] = [];
  async function* middles(): AsyncGenerator<Buffer> {
    let previous: Buffer = Buffer.alloc(0);
    for await (const { bytes, ...version } of versions) {
      const { head, tail, middle } = differenceOf(previous, bytes);
      entries.push({ ...version, bytes: bytes.length, head, tail, middle: middle.length });
      previous = bytes;
      if (middle.length > 0) yield middle;
    }
  }
  const deflated: Buffer[] = [];
  await pipeline(middles, createDeflateRaw(compression), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) deflated.push(chunk);
  });
  if (entries.length === 0) return 0;
  const name = `pack-${entries[0]?.id}-${entries.length}`;
  const index = Buffer.from(`${JSON.stringify({ versions: entries })}\n`);
  await writeWhole(folder, name, Buffer.concat([index, ...deflated]));
  indexes.delete(path.join(folder, name));
  return entries.length;
}

/**
 * What a pack holds, oldest first; nothing when it is damaged.
 * @throws the system's error
 * @source product contract, Canvases (`versions`)
 */
export async function readPackIndex(file: string): Promise<readonly PackEntry[]> {
  const known = indexes.get(file);
  if (known) return known;
  const line = await readFirstLine(file);
  const found = line === undefined ? undefined : parseIndex(line);
  if (found) indexes.set(file, found);
  return found ?? [];
}

/** Not the rest, which a start need not read of any pack. */
async function readFirstLine(address: string): Promise<string | undefined> {
  const file = await openUnlinked(address);
  try {
    let bytes = Buffer.alloc(0);
    for (let size = 16 * 1024; ; size *= 2) {
      const buffer = Buffer.allocUnsafe(size);
      const { bytesRead } = await file.read(buffer, 0, size, bytes.length);
      if (bytesRead === 0) return undefined;
      bytes = Buffer.concat([bytes, buffer.subarray(0, bytesRead)]);
      const end = bytes.indexOf(newline);
      if (end >= 0) return bytes.toString('utf8', 0, end);
    }
  } finally {
    await file.close();
  }
}

function parseIndex(line: string): PackEntry[] | undefined {
  try {
    return indexSchema.parse(JSON.parse(line)).versions;
  } catch {
    return undefined;
  }
}

/** The versions of a pack up to the first whose bytes cannot be had, each made only when it is wanted. */
async function* unpacked(file: string): AsyncGenerator<{ entry: PackEntry; bytes(): Buffer }> {
  const content = await readFile(file);
  const end = content.indexOf(newline);
  const entries = parseIndex(content.toString('utf8', 0, Math.max(end, 0))) ?? [];
  const middles = new InflatedBytes(content.subarray(end + 1));
  const pieces = new PieceList(Buffer.alloc(0));
  try {
    for (const entry of entries) {
      const middle = entry.middle > maxMiddleBytes ? undefined : await takeWhole(middles, entry.middle);
      if (!middle || !pieces.apply({ head: entry.head, tail: entry.tail, middle })) return;
      yield { entry, bytes: () => pieces.bytes() };
    }
  } finally {
    middles.close();
  }
}

/** Nothing where the bytes are damaged; a want of memory is no damage. */
async function takeWhole(middles: InflatedBytes, bytes: number): Promise<Buffer | undefined> {
  try {
    return await middles.take(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_DATA_ERROR' || code === 'Z_BUF_ERROR' || code === 'Z_NEED_DICT') return undefined;
    throw error;
  }
}

/** Where packs are unpacked in turn. @source product contract, Promises 6 */
export interface UnpackOptions {
  budget?: Pick<ByteBudget, 'run'>;
}

/**
 * At most so much memory is used for a pack at once: its file, all middles, and the version that is made.
 * @source product contract, Promises 6
 */
const bytesToUnpack = (entries: readonly PackEntry[], copies: number): number =>
  entries.reduce((sum, { middle }) => sum + 2 * middle, 0) +
  copies * entries.reduce((most, { bytes }) => Math.max(most, bytes), 0);

/**
 * The bytes of one version of a pack.
 * @returns undefined when it is not in it, or damaged
 * @throws the system's error
 * @source product contract, Canvases (`GET .../versions/{id}`)
 */
export async function readPacked(file: string, id: string, options: UnpackOptions = {}): Promise<Buffer | undefined> {
  const { budget = unpacking } = options;
  const entries = await readPackIndex(file);
  const before = entries.slice(0, entries.findIndex((entry) => entry.id === id) + 1);
  if (before.length === 0) return undefined;
  return budget.run(bytesToUnpack(before, 1), async () => {
    for await (const { entry, bytes } of unpacked(file)) {
      if (entry.id !== id) continue;
      const found = bytes();
      return etagOf(found) === entry.etag ? found : undefined;
    }
    return undefined;
  });
}

/**
 * Writes a pack anew; the old one stays. Versions whose bytes are not what they promise are left out.
 * @param folder of the new one
 * @param idFor the id that a version gets; undefined for one that is left out
 * @returns how many versions the new one has; none, and it was not written
 * @throws the system's error
 * @source product contract, Promises 3 and 6
 */
export async function rewritePack(
  file: string,
  folder: string,
  idFor: (id: string) => string | undefined,
  options: UnpackOptions = {},
): Promise<number> {
  const { budget = unpacking } = options;
  async function* kept(): AsyncGenerator<PackedVersion> {
    for await (const { entry, bytes: make } of unpacked(file)) {
      const id = idFor(entry.id);
      if (id === undefined) continue;
      const bytes = make();
      const { created, origin, etag, isUnseen } = entry;
      if (etagOf(bytes) === etag) yield { id, created, origin, etag, isUnseen, bytes };
    }
  }
  return budget.run(bytesToUnpack(await readPackIndex(file), 3), () => writePack(folder, kept()));
}
