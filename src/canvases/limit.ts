/**
 * Runs at most `parallel` tasks at once, the others in the order in which they came. A task starts at once, before
 * `run` returns, when there is room.
 * @source house rules ("queues by length"); product contract, Promises 6
 */
export class Limit {
  readonly #parallel: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(parallel: number) {
    this.#parallel = parallel;
  }

  /** @throws what the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#parallel) await new Promise<void>((start) => this.#waiting.push(start));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
