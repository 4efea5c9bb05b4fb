/**
 * Holds the file of a canvas that is about to be replaced: by a second name for the very same file where the file
 * system allows it, so that no byte is copied and whatever is written into it until the last moment is held too; else
 * by a copy, with the file kept open so that late writes are still seen.
 */

import { fstatSync, lstatSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link as linkFile, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { etagOf } from '../../document/etag.js';
import { leadsNowhere } from '../../errors.js';
import { openUnlinked, readWhole, temporaryName, writeWhole } from './whole-file.js';

/** Makes `to` a second name of the file `from`. @source link(2) */
export type LinkFile = (from: string, to: string) => Promise<void>;

/** The system's own. @source link(2) */
export const systemLink: LinkFile = linkFile;

/** Answers of link(2) that mean "not between these two", not "not now". */
const refusals = new Set(['EXDEV', 'EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

/**
 * Whether there is a regular file at an address, and no link.
 * @throws the system's error, when that cannot be told
 * @source lstat(2)
 */
export function isRegularFile(address: string): boolean {
  try {
    return lstatSync(address, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    if (leadsNowhere(error)) return false;
    throw error;
  }
}

/** Whether the error means that there is no file to hold, rather than no folder to hold it in. */
const isNothing = (error: unknown, source: string) => leadsNowhere(error) && !isRegularFile(source);

/**
 * A file in the folder of versions. `original` is open when it holds a copy: close it.
 * @source product contract, Promises 3
 */
export interface HeldFile {
  bytes: number;
  /** Of the canvas's own file: as long as that is held, no other file gets this number. */
  inode: bigint;
  original: FileHandle | undefined;
}

async function holdByLink(link: LinkFile, source: string, folder: string, name: string): Promise<HeldFile | undefined> {
  const temporary = path.join(folder, temporaryName());
  await link(source, temporary);
  const stats = lstatSync(temporary, { bigint: true });
  if (!stats.isFile()) {
    await unlink(temporary);
    return undefined;
  }
  await rename(temporary, path.join(folder, name));
  return { bytes: Number(stats.size), inode: stats.ino, original: undefined };
}

async function holdByCopy(
  source: string,
  folder: string,
  name: string,
  maxBytes: number,
): Promise<HeldFile | undefined> {
  const original = await openUnlinked(source);
  try {
    const stats = fstatSync(original.fd, { bigint: true });
    if (stats.isFile()) {
      const bytes = await readWhole(original, maxBytes);
      if (!bytes) throw Object.assign(new Error('the file is too large to be copied'), { code: 'EFBIG' });
      await writeWhole(folder, name, bytes);
      return { bytes: bytes.length, inode: stats.ino, original };
    }
  } catch (error) {
    await original.close();
    throw error;
  }
  await original.close();
  return undefined;
}

/**
 * The etag of what a file holds now, '' for one over `maxBytes`.
 * @throws the system's error
 * @source RFC 9110 section 8.8.3
 */
export async function etagOfFile(source: string, maxBytes: number): Promise<string> {
  const file = await openUnlinked(source);
  try {
    const bytes = await readWhole(file, maxBytes);
    return bytes ? etagOf(bytes) : '';
  } finally {
    await file.close();
  }
}

/**
 * Makes the bytes of a file durable that another program may have written without care.
 * @throws the system's error
 * @source fsync(2)
 */
export async function syncBytes(source: string): Promise<void> {
  const file = await openUnlinked(source);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Holds `source` under `name` in `folder`.
 * @param maxBytes the largest file that is copied; a link may be of any size
 * @returns undefined when there is no regular file to hold
 * @throws the system's error; EFBIG for a file that cannot be linked and is too large to copy
 * @source link(2); product contract, Promises 3
 */
export async function holdFile(
  link: LinkFile,
  source: string,
  folder: string,
  name: string,
  maxBytes: number,
): Promise<HeldFile | undefined> {
  try {
    return await holdByLink(link, source, folder, name);
  } catch (error) {
    if (isNothing(error, source)) return undefined;
    if (!refusals.has(codeOf(error))) throw error;
  }
  try {
    return await holdByCopy(source, folder, name, maxBytes);
  } catch (error) {
    if (isNothing(error, source)) return undefined;
    throw error;
  }
}
