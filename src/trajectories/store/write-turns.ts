import { createWriteQueue, type WriteQueue } from './write-queue.js';

/**
 * The writer of a commit was lost before it said how the commit ended: the database may still be making it.
 * @source product contract, Promises 1
 */
export class WriterLost extends Error {
  constructor() {
    super('a writer was lost in its turn');
  }
}

/**
 * The turns of all that write. Who may bring new ids takes one of `newIds`, imports too, which do not wait for `writes`.
 * A turn that rejects with {@link WriterLost} leaves a commit behind that may land at any time, or never. It is kept out
 * before anybody looks for ids again, or for the position of an import.
 * @source product contract, Promises 1; LanceDB documentation, "Versioning" (optimistic concurrency)
 */
export interface WriteTurns {
  writes: WriteQueue;
  /** For who has a turn of `writes` already: nobody else writes then. */
  newIdsAlone: WriteQueue;
  /** For who writes beside others. */
  newIds: WriteQueue;
  /**
   * For commits of imports: beside others, unless they rewrite stored rows. Such a commit would have to begin again each
   * time that another one changes a row near its own, and with steady edits it would never end.
   */
  exclusively<T>(commit: () => Promise<T>, rewrites?: boolean): Promise<T>;
  /** To be waited for before an import begins, or begins again. @throws what the database throws; it must not begin then */
  settle(): Promise<void>;
}

/**
 * @param keepOut sees to it that no commit begun before lands any more; it is called while nobody else writes
 * @source product contract, Promises 1
 */
export function createWriteTurns(keepOut: () => Promise<void>): WriteTurns {
  const writes = createWriteQueue();
  const queue = createWriteQueue();
  let isSettled = true;

  const newIds: WriteQueue = {
    idle: queue.idle,
    run: (write) =>
      queue.run(async () => {
        try {
          return await write();
        } catch (error) {
          if (error instanceof WriterLost) isSettled = false;
          throw error;
        }
      }),
  };
  const newIdsAlone: WriteQueue = {
    idle: queue.idle,
    run: (write) =>
      newIds.run(async () => {
        if (!isSettled) {
          await keepOut();
          isSettled = true;
        }
        return write();
      }),
  };
  return {
    writes,
    newIdsAlone,
    newIds,
    exclusively: (commit, rewrites = false) => (rewrites ? writes.run(() => newIds.run(commit)) : newIds.run(commit)),
    async settle() {
      // A turn that is being lost is still to be seen by the next one.
      await queue.idle();
      if (!isSettled) await writes.run(() => newIdsAlone.run(async () => {}));
    },
  };
}
