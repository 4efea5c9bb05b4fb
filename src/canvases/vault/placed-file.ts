/**
 * A canvas's file under a second name, as the first half of a move: nothing is taken away yet, and nothing that another
 * program put at the new name is overwritten.
 */
import { type BigIntStats, lstatSync } from 'node:fs';
import { canvasExists } from '../errors.js';
import type { CanvasContent } from '../writing/write-request.js';
import { linkFile, replaceFile } from './atomic-file.js';
import type { Elsewhere } from './ownership/replaced-versions.js';
import type { VaultFolder } from './vault-folder.js';

/** @source product contract, Canvases (`POST /canvas/{path}/move`) */
export interface FileName {
  folder: VaultFolder;
  name: string;
}

/**
 * What really got the new name, whatever other programs did meanwhile.
 * @source product contract, Canvases (`POST /canvas/{path}/move`)
 */
export interface PlacedFile {
  elsewhere: Elsewhere;
  /** The file that it was made from; at the old name there may be another one by now. */
  fromInode: bigint;
  toInode: bigint | undefined;
  /** Of the placed bytes when they were the very file that was looked at before, or a copy of it. */
  stamp: BigIntStats | undefined;
}

/**
 * The state of whatever has a name; undefined when nothing has.
 * @throws the system's error
 * @source lstat(2)
 */
export const stampAt = ({ folder, name }: FileName): BigIntStats | undefined =>
  lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });

/**
 * Gives the file its new name beside the old one; where that cannot be, a copy gets it.
 * @param before the state of the file when the move was decided
 * @param read the bytes of the file, and whether they are those that it had then; asked for a copy only
 * @throws Problem CANVAS_EXISTS; the system's error; what `read` throws
 * @source link(2); product contract, Canvases (`POST /canvas/{path}/move`)
 */
export async function placeFile(
  from: FileName,
  to: FileName,
  before: BigIntStats,
  read: () => Promise<CanvasContent & { isAsBefore: boolean }>,
): Promise<PlacedFile> {
  if (await linkFile(from.folder, from.name, to.folder, to.name)) {
    const inode = stampAt(to)?.ino ?? 0n;
    const stamp = inode === before.ino ? before : undefined;
    return { elsewhere: { inode }, fromInode: inode, toInode: inode, stamp };
  }
  const { bytes, etag, isAsBefore } = await read();
  const stamp = await replaceFile(to.folder, to.name, bytes, async () => {
    if (stampAt(to)) throw canvasExists();
    return undefined;
  });
  return { elsewhere: { etag }, fromInode: before.ino, toInode: stamp?.ino, stamp: isAsBefore ? stamp : undefined };
}

/**
 * Whether nobody has written into a file since: names that come and go change only its change time.
 * @source inode(7)
 */
export const isUntouched = (before: BigIntStats | undefined, after: BigIntStats): boolean =>
  before?.ino === after.ino && before.size === after.size && before.mtimeNs === after.mtimeNs;
