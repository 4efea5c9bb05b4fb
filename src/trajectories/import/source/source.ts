import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/**
 * Reads a file as plain text bytes, gunzipped when its content is gzip (also twice, also several members one after
 * another). It holds a few hundred kilobytes, however far a gzip expands.
 */

/**
 * Which file is meant: a file of the same name with other content is another file. Times in ns.
 * @source product contract, Settled details ("a from-path import whose file changed meanwhile")
 */
export interface FileIdentity {
  path: string;
  bytes: number;
  mtimeNs: string;
  inode: string;
}

/** The text ends early or is not what it claims; the message is for people. @source product contract, Import formats */
export class SourceFault extends Error {}

/** The file is not the one that was accepted. @source product contract, Settled details ("from-path") */
export class FileChanged extends Error {}

const chunkBytes = 256 * 1024;
const inflateBytes = 16 * 1024;
const maxExpansion = 250;
const freeExpansionBytes = 64 * 1024 * 1024;
const maxGzipLayers = 2;
const maxQuickLines = 2048;
const maxQuickElements = 16_384;

/**
 * @throws NodeJS.ErrnoException when the file cannot be looked at
 * @source product contract, Settled details ("from-path")
 */
export async function identityOf(path: string): Promise<FileIdentity> {
  const handle = await open(path, 'r');
  try {
    const { size, mtimeNs, ino } = await handle.stat({ bigint: true });
    return { path, bytes: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) };
  } finally {
    await handle.close();
  }
}

/**
 * Tells whether two looks at a path saw the same file with the same content.
 * @source product contract, Settled details ("from-path")
 */
export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.bytes === b.bytes && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

/**
 * Tells whether a file holds at most so many bytes of text, and few places where a record or a fault may begin: it is
 * read in a moment then. Gzip, which may hold any number, never is.
 * @throws NodeJS.ErrnoException when the file cannot be read
 * @source product contract, Promises 6
 */
export async function isSmallText(file: FileIdentity, maxBytes: number): Promise<boolean> {
  if (file.bytes > maxBytes) return false;
  const handle = await open(file.path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(file.bytes + 1));
    const bytes = buffer.subarray(0, bytesRead);
    return !isGzip(bytes) && isReadSoon(bytes);
  } finally {
    await handle.close();
  }
}

const newline = 0x0a;
const comma = 0x2c;
const openObject = 0x7b;

/** A line that is no JSON costs many times what an element of a list does. */
function isReadSoon(bytes: Buffer): boolean {
  let lines = 0;
  let elements = 0;
  for (const byte of bytes) {
    if (byte === newline) lines += 1;
    else if (byte === comma || byte === openObject) elements += 1;
  }
  return lines <= maxQuickLines && elements <= maxQuickElements;
}

/**
 * The text of a file, piece by piece. The pieces are never reused.
 * @param onBytesRead is told how many bytes of the file itself were read so far
 * @throws FileChanged when the file is not the expected one, at the beginning or at the end
 * @throws SourceFault when gzip data is cut off, damaged, or expands too far
 * @source product contract, Import formats ("gzip of any")
 */
export async function* readSource(
  expected: FileIdentity,
  onBytesRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  await assertUnchanged(expected);
  yield* inflated(fileChunks(expected, onBytesRead), maxGzipLayers);
  await assertUnchanged(expected);
}

async function assertUnchanged(expected: FileIdentity): Promise<void> {
  let found: FileIdentity;
  try {
    found = await identityOf(expected.path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileChanged('the file is gone');
    throw error;
  }
  if (!isSameFile(found, expected)) throw new FileChanged('the file has changed');
}

/**
 * Reads no further than the file was long when it was accepted: one that grows would never end. While a piece is worked
 * on, the next is read.
 */
async function* fileChunks(file: FileIdentity, onBytesRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  const handle = await open(file.path, 'r');
  const pieceAt = async (from: number) => {
    const length = Math.min(chunkBytes, file.bytes - from);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, from);
    return buffer.subarray(0, bytesRead);
  };
  let ahead = pieceAt(0);
  try {
    for (let total = 0; total < file.bytes; ) {
      const piece = await ahead;
      if (piece.length === 0) return;
      total += piece.length;
      ahead = pieceAt(total);
      // Awaited in the next round; by then it may have failed for long.
      ahead.catch(() => {});
      onBytesRead(total);
      yield piece;
    }
  } finally {
    await ahead.catch(() => {});
    await handle.close();
  }
}

async function* inflated(chunks: AsyncGenerator<Buffer>, layers: number): AsyncGenerator<Buffer> {
  try {
    const first = await chunks.next();
    if (first.done) return;
    const rest = continued(first.value, chunks);
    if (!isGzip(first.value)) yield* rest;
    else if (layers === 0) throw new SourceFault('expected gzip at most twice, one inside the other');
    else yield* inflated(gunzip(rest), layers - 1);
  } finally {
    await chunks.return(undefined);
  }
}

async function* continued(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}

/**
 * Tells gzip by its magic number.
 * @source RFC 1952 section 2.3.1
 */
export function isGzip(bytes: Buffer): boolean {
  return bytes.length > 1 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Feeds small slices and takes all that comes of each before the next, so that of what lies before a fault at most one
 * slice is lost (damaged data gives nothing of the slice it is in), and a slice of a bomb is the most that is held.
 */
async function* gunzip(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const stream = createGunzip({ chunkSize: chunkBytes });
  let ready: Buffer[] = [];
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    stream.on('end', resolve);
    stream.on('error', (error) => {
      failure = error;
      resolve();
    });
  });
  stream.on('data', (bytes: Buffer) => ready.push(bytes));
  let given = 0;
  let taken = 0;
  const take = () => {
    const bytes = ready;
    ready = [];
    for (const part of bytes) taken += part.length;
    if (taken > freeExpansionBytes && taken > given * maxExpansion) {
      throw new SourceFault(`expected gzip data that expands at most ${maxExpansion}-fold`);
    }
    return bytes;
  };
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length && !failure; at += inflateBytes) {
        const slice = chunk.subarray(at, at + inflateBytes);
        given += slice.length;
        await Promise.race([ended, new Promise<void>((resolve) => stream.write(slice, () => resolve()))]);
        yield* take();
      }
      if (failure) break;
    }
    if (!failure) stream.end();
    await ended;
    yield* take();
    if (failure) throw asFault(failure);
  } finally {
    stream.destroy();
  }
}

function asFault(error: Error): SourceFault {
  const isCut = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
  return new SourceFault(isCut ? 'the gzip data is cut off' : 'the gzip data is damaged');
}
