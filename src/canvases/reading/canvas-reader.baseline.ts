import type { VaultPath } from '../vault/vault-path.js';
import type { AcceptedCodings } from './coding/content-coding.js';
import type { CodedCanvas } from './coding/variants.js';
import { readStable, type StableReadOptions } from './stable-read.js';
import type { FileState, StoredCanvas } from './stored-canvas.js';

/**
 * What a reader found, and whether it was spared the work.
 * @source RFC 9211 section 2 (Cache-Status)
 */
export interface ReadAnswer {
  state: FileState;
  cache: 'hit' | 'miss' | 'off';
}

/**
 * Reads canvases. Every answer is as of a moment after the question.
 * @source product contract, `canvas_cache`
 */
export interface CanvasReader {
  /** The canvas, when it can be answered at once; never throws. */
  hit(text: string): StoredCanvas | undefined;
  /** @throws Problem VAULT_UNAVAILABLE */
  read(path: VaultPath): Promise<ReadAnswer>;
  /** A version that was just read in a form that the client accepts, when one is at hand; never throws. */
  coded(
    text: string,
    canvas: { readonly etag: string; readonly bytes: Buffer },
    accepted: AcceptedCodings,
  ): CodedCanvas | undefined;
  /** Takes a version that this process just wrote. */
  remember(path: VaultPath, canvas: StoredCanvas): void;
  /** Drops what is known of a canvas. */
  forget(path: VaultPath): void;
}

/**
 * The original way: the file is read, hashed and parsed on each request.
 * @source story-17.4 AC1 (before: no cache)
 */
export class FileReader implements CanvasReader {
  readonly #options: StableReadOptions;

  constructor(options: StableReadOptions) {
    this.#options = options;
  }

  hit(): undefined {
    return undefined;
  }

  coded(): undefined {
    return undefined;
  }

  async read(path: VaultPath): Promise<ReadAnswer> {
    return { state: await readStable(this.#options, path), cache: 'off' };
  }

  remember(): void {}

  forget(): void {}
}
