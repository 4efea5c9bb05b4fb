import { patchTooCostly } from '../errors.js';

/**
 * Counts the bytes that one request makes the editor read, write or move, so that a few hundred bytes of patch
 * cannot keep the process busy: reading 16 MiB a dozen times passes, ten thousand times does not.
 * @source product contract, Promises (6)
 */
export class EditWork {
  #spent = 0;

  constructor(readonly maxBytes = 256 * 1024 * 1024) {}

  /** @throws Problem CANVAS_PATCH_TOO_COSTLY when it is more than one request may */
  spend(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent > this.maxBytes) throw patchTooCostly();
  }

  /** A new request begins. */
  reset(): void {
    this.#spent = 0;
  }
}
