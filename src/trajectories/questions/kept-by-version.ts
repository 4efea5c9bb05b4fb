/** What is worked out, and from which version of the data. @source product contract, Optimisations (`query_cache`: keyed by the table's version) */
export interface KeptByVersionOptions<T> {
  /** The version of the data now. Equal versions are equal data. */
  version(): Promise<string>;
  /** Works the value out from data at least as new as `version()` was when this was called. */
  compute(): Promise<T>;
  /** Whether the value is small enough to be held. */
  isKeepable(value: T): boolean;
}

/**
 * Keeps the value of the newest version that was asked for. Whoever asks gets a value at least as new as the data at
 * that moment; callers who ask for the same version share one computation, and no two ever run at once.
 * @returns a function that gives the value
 * @source product contract, Promises 6; trajectory-optimization 2.2
 */
export function keepByVersion<T>({ version, compute, isKeepable }: KeptByVersionOptions<T>): () => Promise<T> {
  let kept: { version: string; value: T } | undefined;
  let running: { version: string; value: Promise<T> } | undefined;
  let next: Promise<T> | undefined;

  async function computeFor(wanted: string): Promise<T> {
    try {
      const value = await compute();
      // Data that changed meanwhile may be in it already: right for those who wait, not for keeping.
      const isSettled = (await version()) === wanted;
      if (isSettled) kept = isKeepable(value) ? { version: wanted, value } : undefined;
      return value;
    } finally {
      running = undefined;
    }
  }

  async function current(): Promise<T> {
    const wanted = await version();
    if (kept?.version === wanted) return kept.value;
    if (!running) running = { version: wanted, value: computeFor(wanted) };
    if (running.version === wanted) return running.value;
    next ??= running.value.then(ignored, ignored).then(() => {
      next = undefined;
      return current();
    });
    return next;
  }

  return current;
}

const ignored = () => {};
