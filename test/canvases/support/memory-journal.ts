import type { CanvasChange, Journal } from '../../../src/canvases/journal/journal.js';

/** A journal in memory that takes a turn for each change, and can be told to fail and to wait. */
export class MemoryJournal implements Pick<Journal, 'append' | 'checkpoint' | 'overwrittenBytes'> {
  overwrittenBytes = 0;
  readonly changes: CanvasChange[] = [];
  readonly checkpoints: [path: string, etag: string | null][] = [];
  readonly #failures: unknown[] = [];
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};

  failNext(error: unknown): void {
    this.#failures.push(error);
  }

  /** So many succeed before. */
  failAfter(successes: number, error: unknown): void {
    this.#failures.push(...Array.from({ length: successes }, () => undefined), error);
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#gate = undefined;
    this.#open();
  }

  async append(change: CanvasChange): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.#gate;
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    this.changes.push(change);
  }

  checkpoint(path: string, etag: string | null): void {
    this.checkpoints.push([path, etag]);
  }
}
