/**
 * Runs pieces of work that share a key one after another, in the order of the calls, and all others side by side.
 * A piece with several keys waits for all of them; it takes its place at once, so that no two wait for each other.
 * @source house rules, Names ("queue")
 */
export class KeyedOrder {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** @throws what the work throws; the work behind it goes on */
  run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const done = Promise.all(keys.map((key) => this.#tails.get(key))).then(work);
    const tail: Promise<void> = done.then(
      () => this.#leave(keys, tail),
      () => this.#leave(keys, tail),
    );
    for (const key of keys) this.#tails.set(key, tail);
    return done;
  }

  /** Resolves when all work that was given so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  #leave(keys: readonly string[], tail: Promise<unknown>): void {
    for (const key of keys) {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
