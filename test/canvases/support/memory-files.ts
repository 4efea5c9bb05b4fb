import type { VaultPath } from '../../../src/canvases/vault/vault-path.js';
import type { MovingFiles } from '../../../src/canvases/writing/canvas-move.js';
import type { CurrentCanvas } from '../../../src/canvases/writing/preconditions.js';
import type { CanvasContent, FileWork } from '../../../src/canvases/writing/write-request.js';

/** Files in memory that can be told to fail, to wait, and to be changed from outside. */
export class MemoryFiles implements MovingFiles {
  readonly contents = new Map<string, { bytes: Buffer; etag: string; isDurable: boolean }>();
  readonly work: { operation: string; path: string; requests: number }[] = [];
  readonly #failures: unknown[] = [];
  /** When set, file operations wait until `release` is called. */
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};
  /** When set, looking at a canvas takes a turn, as if it had to be read. */
  isSlowToLook = false;
  overlaps = 0;
  claimed: string[] = [];
  refusedName: unknown;
  refusedWrites: unknown;
  readonly #busy = new Set<string>();

  failNext(error: unknown): void {
    this.#failures.push(error);
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

  current({ text }: VaultPath): CurrentCanvas | Promise<CurrentCanvas> {
    const file = this.contents.get(text);
    const found: CurrentCanvas = file ? { kind: 'canvas', ...file, modifiedMs: 0 } : { kind: 'missing' };
    return this.isSlowToLook ? new Promise((resolve) => setImmediate(() => resolve(found))) : found;
  }

  claimName({ text }: VaultPath): () => void {
    if (this.refusedName !== undefined) throw this.refusedName;
    this.claimed.push(text);
    return () => {
      this.claimed = this.claimed.filter((claimed) => claimed !== text);
    };
  }

  renaming(): () => void {
    return () => {};
  }

  checkWritable(): void {
    if (this.refusedWrites !== undefined) throw this.refusedWrites;
  }

  move(from: VaultPath, to: VaultPath): Promise<void> {
    return this.#run('move', to, { variant: 'baseline', requests: 1, isNew: true }, () => {
      const file = this.contents.get(from.text);
      if (file) this.contents.set(to.text, file);
      this.contents.delete(from.text);
    });
  }

  replace(path: VaultPath, change: CanvasContent, work: FileWork): Promise<void> {
    return this.#run('replace', path, work, () => {
      this.contents.set(path.text, { bytes: change.bytes, etag: change.etag, isDurable: true });
    });
  }

  remove(path: VaultPath, work: FileWork): Promise<void> {
    return this.#run('remove', path, work, () => this.contents.delete(path.text));
  }

  settle(path: VaultPath, work: FileWork): Promise<void> {
    return this.#run('settle', path, work, () => {
      const file = this.contents.get(path.text);
      if (file) file.isDurable = true;
    });
  }

  async #run(operation: string, path: VaultPath, work: FileWork, change: () => void): Promise<void> {
    if (this.#busy.has(path.text)) this.overlaps += 1;
    this.#busy.add(path.text);
    this.work.push({ operation, path: path.text, requests: work.requests });
    try {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#gate;
      const failure = this.#failures.shift();
      if (failure !== undefined) throw failure;
      change();
    } finally {
      this.#busy.delete(path.text);
    }
  }
}
