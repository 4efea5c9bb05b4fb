import { type Optimization, type Trial, withFallback } from '../../optimization.js';
import { findVaultPath, type VaultPath } from '../vault/vault-path.js';
import type { CanvasReader, ReadAnswer } from './canvas-reader.baseline.js';
import type { CachedReader, CanvasCacheSettings } from './canvas-reader.js';
import type { AcceptedCodings } from './coding/content-coding.js';
import type { CodedCanvas } from './coding/variants.js';
import type { ReadChecks } from './read-checks.js';
import type { FileState, StoredCanvas } from './stored-canvas.js';

/**
 * Reads with the cache while its flag is on, and without when it is off or when the cache breaks.
 * @source product contract, `canvas_cache`; story-17.4 task 8
 */
export class SwitchedReader implements CanvasReader {
  readonly #flag: Optimization<CanvasCacheSettings>;
  readonly #cached: CachedReader;
  readonly #original: CanvasReader;
  readonly #checks: ReadChecks;

  constructor(
    flag: Optimization<CanvasCacheSettings>,
    cached: CachedReader,
    original: CanvasReader,
    checks: ReadChecks,
  ) {
    this.#flag = flag;
    this.#cached = cached;
    this.#original = original;
    this.#checks = checks;
  }

  hit(text: string): StoredCanvas | undefined {
    if (!this.#flag.enabled) {
      this.#cached.clear();
      return undefined;
    }
    const trial = this.#flag.sample?.();
    return trial ? this.#hitOnTrial(text, trial) : this.#attempt(() => this.#cached.hit(text));
  }

  coded(
    text: string,
    canvas: { readonly etag: string; readonly bytes: Buffer },
    accepted: AcceptedCodings,
  ): CodedCanvas | undefined {
    if (!this.#flag.enabled) return undefined;
    const coded = this.#attempt(() => this.#cached.coded(text, canvas, accepted));
    if (coded) {
      const check = this.#checks.coded;
      const versionBefore = 'what was read';
      const optimised = { answer: coded, seconds: 0 };
      this.#flag.sample?.()?.compare({ check, versionBefore, optimised, original: () => canvas.bytes });
    }
    return coded;
  }

  read(path: VaultPath): Promise<ReadAnswer> {
    const { version, difference, bytesOf } = this.#checks.of(path.text);
    return withFallback(
      this.#flag,
      () => this.#cached.read(path),
      () => this.#original.read(path),
      {
        version,
        difference: (optimised, original) => difference(optimised.state, original.state),
        bytesOf: ({ state }) => bytesOf?.(state) ?? 0,
      },
    );
  }

  remember(path: VaultPath, canvas: StoredCanvas): void {
    if (this.#flag.enabled) this.#attempt(() => this.#cached.remember(path, canvas));
  }

  forget(path: VaultPath): void {
    this.#attempt(() => this.#cached.forget(path));
  }

  #hitOnTrial(text: string, trial: Trial): StoredCanvas | undefined {
    const check = this.#checks.of(text);
    const versionBefore = this.#checks.versionOf(text);
    const startedAt = performance.now();
    const canvas = this.#attempt(() => this.#cached.hit(text));
    const seconds = (performance.now() - startedAt) / 1000;
    const original = () => this.#readFile(text);
    if (canvas) trial.compare({ check, versionBefore, optimised: { answer: canvas, seconds }, original });
    return canvas;
  }

  async #readFile(text: string): Promise<FileState> {
    const path = findVaultPath(text);
    return path ? (await this.#original.read(path)).state : { kind: 'missing' };
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#flag.failed(error);
      return undefined;
    }
  }
}
