/**
 * Finding out what really is in a version once nothing of ours can change it any more.
 */
import { fstatSync } from 'node:fs';
import { type FileHandle, rename } from 'node:fs/promises';
import path from 'node:path';
import { etagOf } from '../../document/etag.js';
import { removeVersion, type StoredVersion } from './version-folder.js';
import { formatVersionName } from './version-name.js';
import { readPacked } from './version-pack.js';
import { openUnlinked, readSmall, readWhole, writeWhole } from './whole-file.js';

/**
 * What a version turned out to be. `wasEdited`: another program wrote into it after it was labelled.
 * @source product contract, Promises 3
 */
export interface Settled {
  version: StoredVersion;
  wasEdited: boolean;
}

interface Content {
  bytes: Buffer | undefined;
  size: number;
  modifiedMs: number;
  /** The file has another name somewhere, through which it could still be written. */
  isShared: boolean;
  /** The bytes came from the canvas's own file, not from the copy that the history has. */
  isNewerThanCopy: boolean;
}

/** A small version that is what its label says, which nearly all are. */
function labelledContent(version: StoredVersion): Content | undefined {
  const { bytes, stats } = readSmall(version.file) ?? {};
  if (!bytes || !stats || etagOf(bytes) !== version.etag) return undefined;
  return { bytes, size: stats.size, modifiedMs: stats.mtimeMs, isShared: stats.nlink > 1, isNewerThanCopy: false };
}

async function contentOf(version: StoredVersion, original: FileHandle | undefined, maxBytes: number): Promise<Content> {
  const labelled = original ? undefined : labelledContent(version);
  if (labelled) return labelled;
  const file = await openUnlinked(version.file);
  try {
    const bytes = await readWhole(file, maxBytes);
    const stats = fstatSync(file.fd);
    const own = { bytes, size: stats.size, modifiedMs: stats.mtimeMs, isShared: stats.nlink > 1 };
    const late = original && (await readWhole(original, maxBytes));
    if (late && !(bytes && late.equals(bytes))) {
      const { mtimeMs } = fstatSync(original.fd);
      return { ...own, bytes: late, size: late.length, modifiedMs: mtimeMs, isNewerThanCopy: true };
    }
    if (bytes && version.etag !== '' && etagOf(bytes) !== version.etag) await file.sync();
    return { ...own, isNewerThanCopy: false };
  } finally {
    await file.close();
  }
}

/**
 * Reads a version again, labels it with what it holds, and makes its file the history's own: one that has a second
 * name elsewhere is copied. What another program wrote is made durable, since that program may not have cared. A
 * version equal to the one before it takes that one's place, id included.
 * @param original the canvas's own file, where the version is a copy of it
 * @param previous the version before it
 * @throws the system's error; the version is then as it was
 * @source product contract, Promises 3; link(2)
 */
export async function settleVersion(
  folder: string,
  version: StoredVersion,
  previous: StoredVersion | undefined,
  original: FileHandle | undefined,
  maxBytes: number,
): Promise<Settled> {
  const content = await contentOf(version, original, maxBytes);
  const etag = content.bytes ? etagOf(content.bytes) : version.etag || `"too-large-${content.size}"`;
  const wasEdited = version.etag !== '' && etag !== version.etag;
  const label = {
    id: version.id,
    created: wasEdited ? content.modifiedMs : version.created,
    origin: wasEdited ? ('external' as const) : version.origin,
    etag,
    settled: true,
    isUnseen: version.isUnseen,
  };
  const name = formatVersionName(label);
  const settled = { ...label, file: path.join(folder, name) };
  const isRepeated = previous?.settled === true && previous.etag === etag && previous.pack === undefined;
  if (content.bytes && (content.isShared || content.isNewerThanCopy)) {
    if (!isRepeated) await writeWhole(folder, name, content.bytes);
    if (version.file !== settled.file || isRepeated) await removeVersion(version);
    return { version: isRepeated ? previous : settled, wasEdited };
  }
  if (isRepeated) {
    await rename(version.file, previous.file);
    return { version: previous, wasEdited };
  }
  if (version.file !== settled.file) await rename(version.file, settled.file);
  return { version: settled, wasEdited };
}

/**
 * The bytes of a version. When they are not what its label says, because a program had the file open for writing when
 * it was replaced, the label is corrected.
 * @returns undefined when it is gone, or larger than `maxBytes`
 * @throws the system's error
 * @source product contract, Promises 3
 */
export async function readVersion(
  folder: string,
  version: StoredVersion,
  maxBytes: number,
): Promise<Buffer | undefined> {
  if (version.pack) return readPacked(version.file, version.id);
  const file = await openUnlinked(version.file);
  try {
    const bytes = await readWhole(file, maxBytes);
    if (!bytes || !version.settled) return bytes;
    const etag = etagOf(bytes);
    if (etag !== version.etag) {
      const created = fstatSync(file.fd).mtimeMs;
      await rename(
        version.file,
        path.join(folder, formatVersionName({ ...version, created, etag, origin: 'external' })),
      );
    }
    return bytes;
  } finally {
    await file.close();
  }
}
