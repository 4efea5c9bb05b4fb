/**
 * The folder that holds the versions of one canvas: a file for each version, or a pack of several, and one named `path`
 * that says whose they are. It keeps nothing in memory and orders nothing: callers take turns.
 */
import { hash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { nextVersionId, parseVersionName, type VersionName } from './version-name.js';
import { isPackName, type PackEntry, readPackIndex, rewritePack } from './version-pack.js';
import { writeWhole } from './whole-file.js';

/**
 * A version and where its bytes lie; `pack` when that is a file that holds others too.
 * @source product contract, Canvases
 */
export type StoredVersion = VersionName & { file: string; pack?: PackEntry };

const pathFile = 'path';

/** The name of a canvas's folder. @source house rules (hostile names never become file names) */
export const folderNameOf = (canvasPath: string): string => hash('sha256', canvasPath, 'hex').slice(0, 32);

/** @source readdir(3), ERRORS */
export const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/**
 * The versions in a folder, oldest first; none when there is no folder.
 * @throws the system's error
 * @source product contract, Canvases (`versions`)
 */
export async function readVersions(folder: string): Promise<StoredVersion[]> {
  const names = namesIn(folder);
  const versions: StoredVersion[] = [];
  /** A pack that was being written anew when the process died may be there twice. */
  const packedIds = new Set<string>();
  for (const name of names) {
    const file = path.join(folder, name);
    const version = parseVersionName(name);
    if (version) versions.push({ ...version, file });
    else if (isPackName(name)) versions.push(...(await versionsInPack(file, packedIds)));
  }
  return versions.sort((a, b) => (a.id === b.id ? Number(b.settled) - Number(a.settled) : a.id < b.id ? -1 : 1));
}

/** Asked at once: another thread would take longer to be told than the system does for the few names of a canvas. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function versionsInPack(file: string, found: Set<string>): Promise<StoredVersion[]> {
  const entries = await readPackIndex(file);
  const isNew = ({ id }: PackEntry) => found.size < found.add(id).size;
  return entries.filter(isNew).map((pack) => {
    const { id, created, origin, etag, isUnseen } = pack;
    return { id, created, origin, etag, isUnseen, settled: true, file, pack };
  });
}

/**
 * The length of a version, in bytes; undefined when it is no regular file.
 * @source stat(2)
 */
export function lengthOf(version: StoredVersion): number | undefined {
  if (version.pack) return version.pack.bytes;
  const stats = lstatSync(version.file, { throwIfNoEntry: false });
  return stats?.isFile() ? stats.size : undefined;
}

/**
 * Makes the folder of a canvas where there is none, saying whose it is.
 * @returns whether it was made
 * @throws the system's error
 * @source product contract, Settled details ("DELETE keeps the history")
 */
export async function makeVersionFolder(folder: string, canvasPath: string): Promise<boolean> {
  if (lstatSync(path.join(folder, pathFile), { throwIfNoEntry: false })) return false;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeOwner(folder, canvasPath);
  return true;
}

const writeOwner = (folder: string, canvasPath: string) => writeWhole(folder, pathFile, Buffer.from(`${canvasPath}\n`));

/**
 * The canvas whose versions a folder holds; undefined when the folder does not say.
 * @source product contract, Settled details ("DELETE keeps the history")
 */
export async function readOwner(folder: string): Promise<string | undefined> {
  const text = await readFile(path.join(folder, pathFile), 'utf8').catch(() => '');
  return text.length > 1 && text.endsWith('\n') ? text.slice(0, -1) : undefined;
}

/** Packs are written anew without what was dropped only when that is at least this share of them. */
const voidShare = 0.5;

/**
 * Removes versions. Those in packs may stay on disk while most of their pack is wanted, so whoever lists versions asks
 * again which of them stay.
 * @param dropped some of `all`, which are the versions of the folder
 * @returns how many are gone from the disk
 * @throws the system's error
 * @source product contract, Canvases ("bounded count")
 */
export async function removeVersions(
  folder: string,
  all: readonly StoredVersion[],
  dropped: readonly StoredVersion[],
): Promise<number> {
  const packs = new Set<string>();
  let removed = 0;
  for (const version of dropped) {
    if (version.pack) packs.add(version.file);
    else {
      await removeVersion(version);
      removed += 1;
    }
  }
  for (const file of packs) {
    const ids = new Set(dropped.filter((version) => version.file === file).map(({ id }) => id));
    const count = all.filter((version) => version.file === file).length;
    if (ids.size < count * voidShare) continue;
    if (ids.size < count) await rewritePack(file, folder, (id) => (ids.has(id) ? undefined : id));
    await unlink(file);
    removed += ids.size;
  }
  return removed;
}

/**
 * Removes a version that has a file of its own. One that is gone already is no error.
 * @throws the system's error
 * @source unlink(2)
 */
export async function removeVersion(version: StoredVersion): Promise<void> {
  await unlink(version.file).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

async function givePack(file: string, to: string, taken: Set<string>): Promise<void> {
  const ids = (await readPackIndex(file)).map(({ id }) => id);
  if (!ids.some((id) => taken.has(id))) {
    for (const id of ids) taken.add(id);
    await rename(file, path.join(to, path.basename(file)));
    return;
  }
  await rewritePack(file, to, (given) => {
    let id = given;
    while (taken.has(id)) id = nextVersionId(0, id);
    taken.add(id);
    return id;
  });
  await unlink(file);
}

/**
 * Gives a folder's versions to another canvas. The folder says first whose it will be, so that a move which was cut
 * short is found and ended by the next sweep: its name and its owner disagree until then.
 * @param to folder of the canvas that takes them; its own versions stay, and all are sorted together by id
 * @throws the system's error
 * @source product contract, Settled details ("move takes it along")
 */
export async function giveVersions(from: string, to: string, toPath: string): Promise<void> {
  const owner = await readOwner(from);
  if (owner !== toPath) await writeOwner(from, toPath);
  try {
    await makeVersionFolder(to, toPath);
    const taken = new Set((await readVersions(to)).map((version) => version.id));
    for (const version of await readVersions(from)) {
      if (version.pack) continue;
      let { id } = version;
      while (taken.has(id)) id = nextVersionId(0, id);
      taken.add(id);
      await rename(version.file, path.join(to, path.basename(version.file).replace(version.id, id)));
    }
    for (const name of (await readdir(from)).filter(isPackName)) await givePack(path.join(from, name), to, taken);
    await rm(from, { recursive: true, force: true });
  } catch (error) {
    if (owner !== undefined) await writeOwner(from, owner).catch(() => {});
    throw error;
  }
}
