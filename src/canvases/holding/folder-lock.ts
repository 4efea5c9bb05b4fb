/**
 * One process at a time writes to a vault, and one to a data folder. The lock is a hidden file inside each, since two
 * services that share one of them need not share the other. It is left behind by `kill -9`, and then taken over:
 *
 *     <lock>                       text of the holder, made elsewhere and linked here, so it is never seen half-written
 *     <lock>.after-<token>         the one successor of the dead holder with this token: link(2) lets one win
 *     <lock>.<token>.tmp           text of somebody who is trying
 *
 * The successor renames its text over `<lock>` and removes the rest. A holder whose process we cannot see is judged by
 * its heartbeat, a byte rewritten each second: without one for `silenceMs` it is dead. So a process that is stopped for
 * that long may lose the lock to another container; it learns so by `onLost` as soon as it runs again.
 */
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, pause, systemClock } from '../clock.js';
import { describeSelf, type FoundLock, type LockHolder, readLock, stateOfHolder } from './lock-holder.js';

/** The name of the lock in the vault; it starts with a dot, so it is never listed. @source product contract, Canvases */
export const vaultLockName = '.canvas-learning-backend.lock';

/**
 * What is locked. The names of the locks differ, so that a vault may be its own data folder.
 * @source product contract, Promises 1 and 3
 */
export type LockedFolder = 'vault' | 'data folder';

const lockNames: Record<LockedFolder, string> = {
  vault: vaultLockName,
  'data folder': '.canvas-learning-backend-data.lock',
};

/**
 * Somebody else writes to this folder. The message is for the operator.
 * @source product contract, Promises 3
 */
export class FolderInUse extends Error {
  /** The process number of the holder; undefined when the lock does not tell. */
  readonly pid: number | undefined;

  constructor(kind: LockedFolder, folder: string, holder: LockHolder | undefined) {
    const who = holder
      ? `process ${holder.pid} on host ${holder.host} (since ${holder.since})`
      : 'another process (its lock cannot be read)';
    super(`The ${kind} ${folder} is in use by ${who}. Stop that one first, or give this one another ${kind}`);
    this.name = 'FolderInUse';
    this.pid = holder?.pid;
  }
}

/**
 * A lock that is held. `release` removes it.
 * @source product contract, Promises 3
 */
export interface FolderLock {
  readonly holder: LockHolder;
  release(): Promise<void>;
}

/**
 * @source product contract, Promises 3
 */
export interface FolderLockOptions {
  kind: LockedFolder;
  /** Absolute path. */
  folder: string;
  /** The lock is another's now: nothing may be written any more. Called once. */
  onLost?: () => void;
  clock?: Clock;
  heartbeatMs?: number;
  /** How long a holder that cannot be seen may be silent; several heartbeats. */
  silenceMs?: number;
  /** Runs `work` again and again, returns what stops it; the default does not keep the process alive. */
  every?: (intervalMs: number, work: () => void) => () => void;
  /** This process; replaced by tests that play another container. */
  self?: LockHolder;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
const cannotLink = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);
const claimName = (lock: string, token: string) => `${lock}.after-${token}`;

/** @returns false when `target` exists */
async function place(text: string, target: string): Promise<boolean> {
  try {
    await link(text, target);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!cannotLink.has(codeOf(error))) throw error;
  }
  try {
    await copyFile(text, target, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeText(file: string, holder: LockHolder): Promise<bigint> {
  const handle = await open(file, 'w', 0o644);
  try {
    await handle.writeFile(`${JSON.stringify(holder)}\n`);
    await handle.sync();
    return (await handle.stat({ bigint: true })).mtimeNs;
  } finally {
    await handle.close();
  }
}

/** The holder at the end of the line of successors; its file, and the lock as found. */
async function lastInLine(lock: string): Promise<{ file: string; found: FoundLock } | undefined> {
  let last: { file: string; found: FoundLock } | undefined;
  for (let file: string | undefined = lock; file !== undefined; ) {
    const found = await readLock(file);
    if (!found) break;
    last = { file, found };
    file = claimName(lock, tokenOf(found));
  }
  return last;
}

/** A lock that cannot be read has no token; its inode and time stand for it. */
const tokenOf = (found: FoundLock) => found.holder?.token ?? `unreadable-${found.inode}-${found.mtimeNs}`;

/** Judges a holder whose process we cannot see: whether its heartbeat goes on. */
async function listen(file: string, found: FoundLock, nowNs: bigint, timing: Required<Timing>): Promise<Verdict> {
  const silentMs = Number(nowNs - found.mtimeNs) / 1e6;
  if (silentMs > timing.silenceMs) return 'dead';
  await pause(timing.clock, timing.silenceMs);
  const again = await readLock(file);
  if (!again || tokenOf(again) !== tokenOf(found)) return 'changed';
  return again.mtimeNs === found.mtimeNs ? 'dead' : 'alive';
}

type Verdict = 'alive' | 'dead' | 'changed';
type Timing = Pick<FolderLockOptions, 'clock' | 'silenceMs'>;

async function takeLock(
  { kind, folder }: Pick<FolderLockOptions, 'kind' | 'folder'>,
  lock: string,
  self: LockHolder,
  timing: Required<Timing>,
): Promise<void> {
  const text = `${lock}.${self.token}.tmp`;
  try {
    for (;;) {
      const nowNs = await writeText(text, self);
      if (await placeOrRetry(text, lock)) return;
      const last = await lastInLine(lock);
      if (!last) continue;
      const { file, found } = last;
      const state = stateOfHolder(found.holder, self);
      const verdict = state === 'unseen' ? await listen(file, found, nowNs, timing) : state;
      if (verdict === 'alive') throw new FolderInUse(kind, folder, found.holder);
      if (verdict === 'dead' && (await succeed(lock, text, found, self))) return;
    }
  } finally {
    await unlink(text).catch(() => {});
  }
}

/** Our text may be swept away by one who has just won; that is no more than "not placed". */
async function placeOrRetry(text: string, target: string): Promise<boolean> {
  try {
    return await place(text, target);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Takes over from a dead holder, unless another was quicker: the claim counts only while the line that starts at the
 * lock leads to it.
 */
async function succeed(lock: string, text: string, dead: FoundLock, self: LockHolder): Promise<boolean> {
  const claim = claimName(lock, tokenOf(dead));
  if (!(await placeOrRetry(text, claim))) return false;
  if ((await lastInLine(lock))?.found.holder?.token === self.token) {
    await rename(text, lock);
    return true;
  }
  await unlink(claim).catch(() => {});
  return false;
}

async function removeRemains(lock: string, self: LockHolder): Promise<void> {
  const folder = path.dirname(lock);
  const lockName = path.basename(lock);
  const own = claimName(lockName, self.token);
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith(`${lockName}.`) && name !== own) await unlink(path.join(folder, name)).catch(() => {});
  }
}

const everyUnheld = (intervalMs: number, work: () => void) => {
  const timer = setInterval(work, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};

/** @returns whether the lock on disk is still the file that we hold open, with nobody in line behind us */
async function isStillOurs(lock: string, handle: FileHandle, token: string): Promise<boolean> {
  const inodeOf = async (file: string) => (await stat(file, { bigint: true }).catch(() => undefined))?.ino;
  const own = (await handle.stat({ bigint: true })).ino;
  return (await inodeOf(lock)) === own && (await inodeOf(claimName(lock, token))) === undefined;
}

/**
 * Locks a folder for this process.
 * @throws FolderInUse when another process holds it; the system's error when the folder cannot be written
 * @source product contract, Promises 3; link(2), rename(2) (both atomic)
 */
export async function lockFolder(options: FolderLockOptions): Promise<FolderLock> {
  const { onLost, clock = systemClock, heartbeatMs = 1000, silenceMs = 5000, every = everyUnheld } = options;
  const self = options.self ?? describeSelf();
  const lock = path.join(options.folder, lockNames[options.kind]);
  await takeLock(options, lock, self, { clock, silenceMs });
  await removeRemains(lock, self);
  const handle = await open(lock, 'r+');
  const lastByte = (await handle.stat()).size - 1;
  let beating: Promise<void> = Promise.resolve();
  const beat = async () => {
    if (await isStillOurs(lock, handle, self.token)) {
      await handle.write('\n', lastByte);
      return;
    }
    stop();
    onLost?.();
  };
  const stop = every(heartbeatMs, () => {
    beating = beating.then(beat).catch(() => {});
  });
  return {
    holder: self,
    async release() {
      stop();
      await beating;
      if (await isStillOurs(lock, handle, self.token)) await unlink(lock);
      await handle.close();
    },
  };
}
