import type { BigIntStats } from 'node:fs';

/**
 * What tells one state of a file from the next. All five are needed: inodes are reused, size and modification time
 * can be put back by programs that copy files; the change time cannot, but may be coarse.
 * @source stat(2); inode(7)
 */
export type FileStamp = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>;

/**
 * Whether two stamps are of the same state of the same file.
 * @source inode(7)
 */
export const sameStamp = (a: FileStamp, b: FileStamp): boolean =>
  a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size && a.ino === b.ino && a.dev === b.dev;

/** Coarsest step of the change time on kernels without fine-grained times, with a margin. In ms. */
const tickMs = 10;

/**
 * How long ago the file was changed, in ms, whichever way the machine's clock was set since.
 * @param wallMs the machine's date, ms since the epoch
 * @source inode(7) (ctime cannot be set by programs)
 */
export const changedAgoMs = (stamp: FileStamp, wallMs: number): number =>
  Math.abs(wallMs - Number(stamp.ctimeNs / 1000n) / 1000);

/**
 * Whether a change that follows could leave this stamp as it is, because it falls into the same tick of the clock.
 * @param wallMs the machine's date when the stamp was taken, ms since the epoch
 * @source git documentation, "racy-git"
 */
export const isRacy = (stamp: FileStamp, wallMs: number): boolean => changedAgoMs(stamp, wallMs) < tickMs;
