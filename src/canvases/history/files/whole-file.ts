/**
 * Files that are there whole or not at all: written under a name beginning with a dot, made durable, then renamed.
 * The entry in the folder is durable only after {@link syncFolder}.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { syncDescriptor } from '../../vault/sync-descriptor.js';

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The name of a file that nothing relies on yet. What a dead process left is removed by the next sweep.
 * @source house rules (a temporary file is told by its name)
 */
export const temporaryName = (): string => `.${randomUUID()}.tmp`;

/**
 * Opens a file for reading without following a link and without waiting for the other end of a pipe.
 * @throws the system's error
 * @source open(2), O_NOFOLLOW, O_NONBLOCK
 */
export const openUnlinked = (file: string): Promise<FileHandle> => open(file, readFlags);

/**
 * The content of an open file from its beginning, wherever its offset stands.
 * @returns undefined when it holds more than `maxBytes`, or is no regular file: a device may give bytes without end
 * @throws the system's error
 * @source read(2); null(4)
 */
export async function readWhole(file: FileHandle, maxBytes: number): Promise<Buffer | undefined> {
  const opened = fstatSync(file.fd);
  if (!opened.isFile()) return undefined;
  let bytes = Buffer.allocUnsafe(Math.min(opened.size, maxBytes) + 1);
  let length = 0;
  while (length <= maxBytes && fstatSync(file.fd).size <= maxBytes) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length === fstatSync(file.fd).size) return bytes.subarray(0, length);
    if (length === bytes.length) bytes = Buffer.concat([bytes, Buffer.allocUnsafe(bytes.length)]);
  }
  return undefined;
}

/** What is no larger is read in less time than it takes to have another thread read it. */
const smallBytes = 64 * 1024;

/**
 * A small file, read at once: for one that was replaced a moment ago, so that the system has its bytes in memory.
 * @returns undefined when it is large, no regular file, or changes meanwhile: {@link readWhole} can tell more
 * @throws the system's error
 * @source open(2); read(2)
 */
export function readSmall(file: string): { bytes: Buffer; stats: Stats } | undefined {
  const descriptor = openSync(file, readFlags);
  try {
    const before = fstatSync(descriptor);
    const { size } = before;
    if (!before.isFile() || size > smallBytes) return undefined;
    const bytes = Buffer.allocUnsafe(size);
    if (readSync(descriptor, bytes, 0, size, 0) !== size) return undefined;
    const stats = fstatSync(descriptor);
    return stats.size === size ? { bytes, stats } : undefined;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file, its bytes durable, in place of the one that has the name.
 * @throws the system's error; the old file is then untouched and nothing is left behind
 * @source rename(2); fsync(2)
 */
export async function writeWhole(folder: string, name: string, bytes: Buffer): Promise<void> {
  const temporary = path.join(folder, temporaryName());
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
    await rename(temporary, path.join(folder, name));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

/**
 * Makes the entries of a folder durable.
 * @throws the system's error
 * @source fsync(2)
 */
export async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await syncDescriptor(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
