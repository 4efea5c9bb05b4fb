/**
 * Runs writes one after the other, in the order given. A failed write rejects its own caller and holds up no other.
 * @source product contract, Promises 1; LanceDB documentation, "Versioning" (writers that meet must retry)
 */
export interface WriteQueue {
  run<T>(write: () => Promise<T>): Promise<T>;
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
