import { createInflateRaw } from 'node:zlib';

const chunkSize = 64 * 1024;

/**
 * Inflates piece by piece, so that nobody holds all of what comes out, and no more is inflated than is asked for.
 * @source Node.js documentation, zlib ("For all zlib methods ... Readable")
 */
export class InflatedBytes {
  readonly #stream = createInflateRaw({ chunkSize });
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #failure: Error | undefined;

  constructor(deflated: Buffer) {
    // It may fail while nobody waits for bytes.
    this.#stream.on('error', (error) => {
      this.#failure = error;
    });
    this.#chunks = this.#stream[Symbol.asyncIterator]();
    this.#stream.end(deflated);
  }

  /**
   * The next so many bytes, in memory of their own.
   * @returns undefined when there are fewer
   * @throws the error of zlib, for what cannot be inflated
   */
  async take(bytes: number): Promise<Buffer | undefined> {
    const taken = Buffer.allocUnsafe(bytes);
    for (let filled = 0; filled < bytes; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next().catch((error: unknown) => {
          throw this.#failure ?? error;
        });
        if (next.done) return undefined;
        this.#rest = next.value;
      }
      const copied = this.#rest.copy(taken, filled);
      this.#rest = this.#rest.subarray(copied);
      filled += copied;
    }
    return taken;
  }

  /** To be called at the end, however it was reached. */
  close(): void {
    this.#stream.destroy();
  }
}
