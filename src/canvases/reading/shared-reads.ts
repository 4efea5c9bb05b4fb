/**
 * Lets requests for one key share a read, without answering any of them with a read that began before it asked:
 *
 *     asked     A     B  C          D
 *     reads     [--- A ---][-- B C --][--- D ---]
 */
interface Flight {
  current: Promise<unknown>;
  next: Promise<unknown> | undefined;
}

/**
 * At most two reads of one key are known at a time: the one under way and the one that follows it.
 * @source house rules (no stale read)
 */
export class SharedReads<T> {
  readonly #flights = new Map<string, Flight>();

  /** @throws what the read throws */
  run(key: string, read: () => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#start(key, read);
    flight.next ??= flight.current.then(
      () => this.#start(key, read),
      () => this.#start(key, read),
    );
    return flight.next as Promise<T>;
  }

  #start(key: string, read: () => Promise<T>): Promise<T> {
    const current = read();
    const flight: Flight = { current, next: undefined };
    this.#flights.set(key, flight);
    const end = () => {
      if (this.#flights.get(key) === flight && flight.next === undefined) this.#flights.delete(key);
    };
    current.then(end, end);
    return current;
  }
}
