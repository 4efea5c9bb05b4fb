/**
 * Lets work begin while all that is under way needs no more than so many bytes; the rest waits, first come, first
 * served. Work that needs more than the whole budget is not refused: it is done alone. It counts what it is told, not
 * what is really used.
 * @source product contract, Promises 6
 */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #waiting: { bytes: number; start(): void }[] = [];
  #running = 0;
  #bytes = 0;

  /** @param maxBytes of all work that is under way at once */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param bytes what the work needs until it has ended; work inside of other work would wait for itself
   * @throws what the work throws
   */
  async run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoomFor(bytes)) {
      await new Promise<void>((start) => this.#waiting.push({ bytes, start }));
    } else this.#take(bytes);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#bytes -= bytes;
      this.#startWaiting();
    }
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#running === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  #take(bytes: number): void {
    this.#running += 1;
    this.#bytes += bytes;
  }

  #startWaiting(): void {
    for (let next = this.#waiting[0]; next && this.#hasRoomFor(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.start();
    }
  }
}
