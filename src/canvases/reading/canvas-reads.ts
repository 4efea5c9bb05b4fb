import type { Clock } from '../clock.js';
import { canvasBusy, canvasNotFound, canvasTooLarge, storedCanvasInvalid } from '../errors.js';
import type { CanvasEvent } from '../events.js';
import { parseVaultPath } from '../vault/vault-path.js';
import type { AcknowledgedCanvas } from '../writing/unwritten-canvases.js';
import type { CanvasReader } from './canvas-reader.baseline.js';
import { isCurrent, type KnownVersion } from './known-version.js';
import { type FileState, httpDate, type StoredCanvas } from './stored-canvas.js';

/**
 * One canvas for a client; without `body` the client's copy is current.
 * @source RFC 9110 section 15.4.5; RFC 9211
 */
export interface CanvasAnswer {
  body: Buffer | undefined;
  etag: string;
  lastModified: string;
  cache: 'hit' | 'miss' | 'off';
}

/**
 * What reading needs: a reader, the versions acknowledged but not in their files yet, and how bytes are sent.
 * @source product contract, Promises 2
 */
export interface CanvasReadsOptions {
  reader: CanvasReader;
  acknowledged(text: string): AcknowledgedCanvas | undefined;
  encode(bytes: Buffer): Buffer;
  clock: Clock;
  onEvent(event: CanvasEvent): void;
}

type Cache = CanvasAnswer['cache'];

/**
 * Answers reads: an acknowledged version first, then the reader's memory, then the file. Reports each as one event.
 * @source product contract, Canvases (`GET`)
 */
export class CanvasReads {
  readonly #options: CanvasReadsOptions;

  constructor(options: CanvasReadsOptions) {
    this.#options = options;
  }

  /** @throws Problem, as `Canvases.read` */
  read(text: string, known: KnownVersion): CanvasAnswer | Promise<CanvasAnswer> {
    const acknowledged = this.#options.acknowledged(text);
    if (acknowledged) return this.#answerAcknowledged(acknowledged, known);
    const hit = this.#options.reader.hit(text);
    if (hit) return this.#answer(hit, known, 'hit');
    return this.#readFile(text, known);
  }

  #answerAcknowledged(canvas: AcknowledgedCanvas, known: KnownVersion): CanvasAnswer {
    if (canvas.kind === 'missing') {
      this.#report('hit', 'failed', 0);
      throw canvasNotFound();
    }
    const lastModified = httpDate(canvas.modifiedMs, this.#options.clock.wall());
    return this.#answer({ ...canvas, lastModified }, known, 'hit');
  }

  async #readFile(text: string, known: KnownVersion): Promise<CanvasAnswer> {
    const path = parseVaultPath(text);
    let cache: Cache = 'miss';
    try {
      const answer = await this.#options.reader.read(path);
      cache = answer.cache;
      const newer = this.#options.acknowledged(text);
      if (newer?.kind === 'canvas') return this.#answerAcknowledged(newer, known);
      return this.#answer(servable(answer.state), known, cache);
    } catch (error) {
      this.#report(cache, 'failed', 0);
      throw error;
    }
  }

  #answer(
    canvas: Pick<StoredCanvas, 'bytes' | 'etag' | 'modifiedMs' | 'lastModified'>,
    known: KnownVersion,
    cache: Cache,
  ): CanvasAnswer {
    const { etag, lastModified } = canvas;
    if (isCurrent(known, etag, canvas.modifiedMs)) {
      this.#report(cache, 'not_modified', canvas.bytes.length);
      return { body: undefined, etag, lastModified, cache };
    }
    const body = this.#options.encode(canvas.bytes);
    this.#report(cache, 'served', body.length);
    return { body, etag, lastModified, cache };
  }

  #report(cache: Cache, outcome: 'served' | 'not_modified' | 'failed', bytes: number): void {
    const variant = cache === 'off' ? 'baseline' : 'optimized';
    this.#options.onEvent({ type: 'read', cache, outcome, variant, bytes });
  }
}

function servable(state: FileState): StoredCanvas {
  switch (state.kind) {
    case 'canvas':
      return state;
    case 'missing':
      throw canvasNotFound();
    case 'changing':
      throw canvasBusy();
    case 'invalid':
      throw storedCanvasInvalid(state.etag);
    case 'too_large':
      throw canvasTooLarge(state.size);
  }
}
