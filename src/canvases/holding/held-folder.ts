import type { Logger } from '../../logger.js';
import type { Clock } from '../clock.js';
import { FolderInUse, type FolderLock, type FolderLockOptions, lockFolder } from './folder-lock.js';

/**
 * `onTaken`: another process has the folder now, and nothing may be written any more.
 * @source product contract, Promises 3
 */
export interface HoldFolderOptions extends Pick<FolderLockOptions, 'kind' | 'folder' | 'heartbeatMs' | 'every'> {
  clock: Clock;
  logger: Logger;
  onTaken(): void;
}

const retryMs = 1000;

/**
 * Keeps the lock of a vault or of a data folder, also through times in which the folder, or the lock in it, is gone: a drive that was
 * unmounted, a file that somebody tidied away.
 * @returns what lets go of the folder
 * @throws FolderInUse when another process has it; the system's error
 * @source product contract, Promises 3
 */
export async function holdFolder({
  clock,
  logger,
  onTaken,
  ...options
}: HoldFolderOptions): Promise<() => Promise<void>> {
  let isReleased = false;
  let stopRetry = () => {};
  const { kind } = options;
  let taking: Promise<void> = Promise.resolve();
  const take = (): Promise<FolderLock> => lockFolder({ ...options, clock, onLost: takeAgain });
  const letGo = async () => {
    await lock.release().catch((error: unknown) => logger.warn({ err: error }, `the lock of the ${kind} is gone`));
  };
  const takeAgain = () => {
    taking = taking.then(async () => {
      if (isReleased) return;
      await letGo();
      try {
        lock = await take();
        logger.warn(`the lock of the ${kind} was gone and is taken again`);
      } catch (error) {
        if (error instanceof FolderInUse) {
          logger.fatal({ err: error }, `another process has taken the ${kind} over: no canvas is written any more`);
          onTaken();
        } else {
          stopRetry = clock.after(retryMs, takeAgain);
        }
      }
    });
  };
  let lock = await take();
  return async () => {
    isReleased = true;
    stopRetry();
    await taking;
    await letGo();
  };
}
