/**
 * Replacing a file so that after any crash it holds the old bytes or the new ones, whole, and that the new ones are
 * there for good once the promise is kept. Steps: a temporary file beside it, all bytes, fsync, rename, fsync of the
 * folder. It does not order two writers of one file: whoever calls does that.
 */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  type BigIntStats,
  constants,
  fstatSync,
  lstatSync,
  renameSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { type FileHandle, link, open, unlink } from 'node:fs/promises';
import { canvasBusy, canvasExists, canvasNotFound } from '../errors.js';
import { syncDescriptor } from './sync-descriptor.js';
import type { VaultFolder } from './vault-folder.js';

/** Tells this process's temporary files from those of one that had the same number before. */
const processToken = randomBytes(6).toString('hex');
let lastNumber = 0;

const temporaryName = () => {
  lastNumber += 1;
  return `.canvas-write-${process.pid}-${processToken}-${lastNumber}.tmp`;
};

/**
 * Takes the name of a temporary file apart.
 * @returns undefined when it is none of ours, else the process that made it
 * @source house rules (a temporary file is told by its name)
 */
export function temporaryFileOwner(name: string): { pid: number; isOwn: boolean } | undefined {
  const match = /^\.canvas-write-(\d{1,10})-([0-9a-f]{12})-\d{1,16}\.tmp$/.exec(name);
  if (!match) return undefined;
  return { pid: Number(match[1]), isOwn: Number(match[1]) === process.pid && match[2] === processToken };
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, written);
    if (bytesWritten === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' });
    written += bytesWritten;
  }
}

/** The file that is about to be replaced, if there is one and it may be. */
function replaceable(folder: VaultFolder, name: string): Stats | undefined {
  const stats = lstatSync(folder.at(name), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw canvasNotFound();
  accessSync(folder.at(name), constants.W_OK);
  return stats;
}

const [ownUser, ownGroup] = [process.getuid?.(), process.getgid?.()];
const isRoot = ownUser === 0;

/** Nobody may read what will be another's before it is. */
const firstMode = ({ uid, gid, mode }: Stats) => (uid === ownUser && gid === ownGroup ? mode & 0o777 : 0o600);

/** Gives a file the owner and the mode of the one that it replaces; mostly it has them. */
async function takeOver(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  const own = fstatSync(file.fd);
  const isOthers = isRoot && (own.uid !== uid || own.gid !== gid);
  if (isOthers) await file.chown(uid, gid);
  // A file that is given away loses some bits of its mode.
  if (isOthers || own.mode !== mode) await file.chmod(mode & 0o7777);
}

const temporaryFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

async function fill(file: FileHandle, bytes: Buffer, replaced: Stats | undefined): Promise<void> {
  await writeAll(file, bytes);
  if (replaced) await takeOver(file, replaced);
  await file.sync();
}

/**
 * Holds the file that has a name now, so that its bytes are not lost with the name.
 * @returns its inode, which no other file gets while it is held; undefined when there was no file
 * @source product contract, Promises 3
 */
export type HoldFile = () => Promise<bigint | undefined>;

const holdingTries = 3;

/**
 * Takes a name away from the file that is held, in the same turn as it is seen that it has the name still; else the file that
 * another program has put there meanwhile is held too. After anything that waits, if only for what other requests have to do
 * first, it could be another file, of which nothing would be left. That it has the inode of before is not enough: one that was
 * deleted before it was held may have given its inode to the next.
 * @param takeAway waits for nothing
 * @throws Problem CANVAS_BUSY when the other program does not stop; what `takeAway` throws
 */
async function takeNameAway(
  folder: VaultFolder,
  name: string,
  hold: HoldFile | undefined,
  takeAway: () => void,
): Promise<void> {
  if (!hold) {
    takeAway();
    return;
  }
  for (let tries = 0; tries < holdingTries; tries++) {
    const held = await hold();
    if (lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false })?.ino !== held) continue;
    takeAway();
    return;
  }
  throw canvasBusy();
}

/**
 * Stores `bytes` under `name`, durably, keeping the mode of the file that is replaced (and its owner, when the
 * process may give files away).
 * @param hold called right before the old file loses its name, when the new one is complete; left out, nothing is held
 * @returns the state of the new file, or undefined when another program changed it before it could be looked at
 * @throws Problem CANVAS_NOT_FOUND when something else than a regular file has the name; else the system's error.
 *   Unless the very last step failed the old file is then untouched, and no temporary file is left.
 * @source rename(2); fsync(2); product contract, Promises 1 and 2
 */
export async function replaceFile(
  folder: VaultFolder,
  name: string,
  bytes: Buffer,
  hold?: HoldFile,
): Promise<BigIntStats | undefined> {
  const replaced = replaceable(folder, name);
  const temporary = folder.at(temporaryName());
  const file = await open(temporary, temporaryFlags, replaced ? firstMode(replaced) : 0o666);
  let renamed = false;
  try {
    await fill(file, bytes, replaced);
    const before = fstatSync(file.fd, { bigint: true });
    await takeNameAway(folder, name, hold, () => renameSync(temporary, folder.at(name)));
    renamed = true;
    const after = fstatSync(file.fd, { bigint: true });
    await syncDescriptor(folder.descriptor);
    return before.mtimeNs === after.mtimeNs && before.size === after.size ? after : undefined;
  } finally {
    await file.close().catch(() => {});
    if (!renamed) await unlink(temporary).catch(() => {});
  }
}

/**
 * Deletes a regular file, durably.
 * @param hold called right before the file loses its name
 * @throws Problem CANVAS_NOT_FOUND when there is none, CANVAS_BUSY when another program puts new ones in its place all the
 *   time; else the system's error
 * @source unlink(2); fsync(2)
 */
export async function removeFile(folder: VaultFolder, name: string, hold?: HoldFile): Promise<void> {
  if (!lstatSync(folder.at(name), { throwIfNoEntry: false })?.isFile()) throw canvasNotFound();
  await takeNameAway(folder, name, hold, () => unlinkSync(folder.at(name)));
  await syncDescriptor(folder.descriptor);
}

/** Answers of link(2) that mean "not on this file system", not "not now". */
const linkRefusals = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/**
 * Gives a file a second name, durably, where nothing has that name yet.
 * @returns false when the file system knows no second names
 * @throws Problem CANVAS_EXISTS; the system's error
 * @source link(2); fsync(2)
 */
export async function linkFile(from: VaultFolder, name: string, to: VaultFolder, newName: string): Promise<boolean> {
  try {
    await link(from.at(name), to.at(newName));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') throw canvasExists();
    if (linkRefusals.has(code)) return false;
    throw error;
  }
  await syncDescriptor(to.descriptor);
  return true;
}

/**
 * Makes a file durable that another program may have written without care.
 * @returns the state of the file that is durable now
 * @throws the system's error
 * @source fsync(2)
 */
export async function syncFile(folder: VaultFolder, name: string): Promise<BigIntStats> {
  const file = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file.fd, { bigint: true });
    if (!stats.isFile()) throw canvasNotFound();
    await file.sync();
    await syncDescriptor(folder.descriptor);
    return stats;
  } finally {
    await file.close();
  }
}
