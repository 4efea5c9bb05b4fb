import { type After, afterTimeout } from '../../scheduler/index.js';

/**
 * Holds upkeep off while an import runs, so that the import gets the processors and the memory that indexes take to
 * build; they are then built once over all its rows. A long import holds it off at its beginning only: whoever reads
 * meanwhile has waited long enough for indexes then.
 * @source product contract, Promises 6 and Trajectories (import); LanceDB documentation, "Reindexing"
 */
export interface ImportLull {
  /** Runs an import; several may run at once. @throws what it throws */
  during<T>(runImport: () => Promise<T>): Promise<T>;
  /** Resolves when no import runs, or when those that run have held upkeep off long enough. Never rejects. */
  wait(): Promise<void>;
}

/** With a million records well within it. */
const maxHeldMs = 5 * 60_000;

/** @source product contract, Promises 6 and Trajectories (import) */
export function createImportLull(after: After = afterTimeout): ImportLull {
  let running = 0;
  let held: Promise<void> | undefined;
  let letGo = () => {};

  function hold(): void {
    let cancel = () => {};
    held = new Promise((resolve) => {
      letGo = () => {
        cancel();
        held = undefined;
        resolve();
      };
    });
    cancel = after(maxHeldMs, letGo);
  }

  return {
    async during(runImport) {
      running += 1;
      if (running === 1) hold();
      try {
        return await runImport();
      } finally {
        running -= 1;
        if (running === 0) letGo();
      }
    },
    wait: async () => held,
  };
}
