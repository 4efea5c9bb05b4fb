import { resultTooLarge } from '../errors.js';

/**
 * Puts a text together from pieces of other texts. Neighbouring pieces of one source become one copy, so a document
 * with one changed value costs three.
 * @source product contract, Canvases (PATCH keeps the untouched bytes)
 */
export class BytePieces {
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #source: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(readonly maxBytes: number) {}

  /** @throws Problem CANVAS_EDIT_TOO_LARGE before anything that large is made */
  push(source: Buffer, start: number, end: number): void {
    if (end <= start) return;
    this.#length += end - start;
    if (this.#length > this.maxBytes) throw resultTooLarge(this.maxBytes);
    if (source === this.#source && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#cut();
    this.#source = source;
    this.#start = start;
    this.#end = end;
  }

  #cut(): void {
    if (this.#source) this.#pieces.push(this.#source.subarray(this.#start, this.#end));
    this.#source = undefined;
  }

  join(): Buffer {
    this.#cut();
    return Buffer.concat(this.#pieces, this.#length);
  }
}
