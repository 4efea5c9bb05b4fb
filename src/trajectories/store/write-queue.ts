import { writesBusy } from '../errors.js';

/**
 * Runs writes one after the other, in the order given. A failed write rejects its own caller and holds up no other.
 * @source product contract, Promises 1; LanceDB documentation, "Versioning" (writers that meet must retry)
 */
export interface WriteQueue {
  /** @param bytes that the write holds in memory while it waits, where that is much */
  run<T>(write: () => Promise<T>, bytes?: number): Promise<T>;
  /** Resolves when everything given so far has ended. */
  idle(): Promise<void>;
}

/** A queue in memory; what waits in it when the process ends has not been acknowledged. @source product contract, Promises 1 */
export function createWriteQueue(): WriteQueue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(write) {
      const done = last.then(write);
      last = done.catch(() => {});
      return done;
    },
    async idle() {
      await last;
    },
  };
}

const mostWaiting = 256;
const mostBytes = 256 * 1024 * 1024;

/**
 * The same queue for single requests: where upkeep takes long, no more of them wait than memory has room for. One is
 * always let in when none waits.
 * @returns a queue whose `run` rejects with Problem WRITES_BUSY
 * @source product contract, Promises 6
 */
export function boundedQueue(queue: WriteQueue, maxWaiting = mostWaiting, maxBytes = mostBytes): WriteQueue {
  let waiting = 0;
  let waitingBytes = 0;
  return {
    async run(write, bytes = 0) {
      if (waiting > 0 && (waiting >= maxWaiting || waitingBytes + bytes > maxBytes)) throw writesBusy(waiting);
      waiting += 1;
      waitingBytes += bytes;
      return queue.run(() => {
        waiting -= 1;
        waitingBytes -= bytes;
        return write();
      });
    },
    idle: queue.idle,
  };
}
