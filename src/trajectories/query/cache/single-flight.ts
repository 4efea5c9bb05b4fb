/**
 * Lets equal work that is asked for at the same time run once: who comes while it runs gets the same answer, or the
 * same error. Nothing is kept once it has ended.
 * @source product contract, Optimisations (`query_cache`: concurrent equal queries)
 */
export interface SingleFlight<Result> {
  run(key: string, work: () => Promise<Result>): Promise<Result>;
}

/** Keys are kept only while their work runs. @source product contract, Optimisations (`query_cache`) */
export function createSingleFlight<Result>(): SingleFlight<Result> {
  const running = new Map<string, Promise<Result>>();
  return {
    run(key, work) {
      const shared = running.get(key);
      if (shared) return shared;
      const started = work().finally(() => running.delete(key));
      running.set(key, started);
      return started;
    },
  };
}
