/**
 * Hints that something happened in a folder, from the system, within milliseconds. They may be missing (too many
 * folders, too many events, a network file system) or be wrong; whoever listens looks for himself, and sweeps too.
 */
import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { leadsNowhere } from '../errors.js';

interface FolderWatch {
  watcher: FSWatcher;
  inode: bigint;
}

/**
 * Watches a set of folders, not what is below them. `onHint` gets the folder and the name of the entry, without a name
 * when anything may have happened there; `entriesMoved` is false when only the content of an entry changed.
 * @source Node.js documentation, fs "fs.watch()", Caveats
 */
export class FolderWatches {
  readonly #root: string;
  readonly #onHint: (folder: string, name: string | undefined, entriesMoved: boolean) => void;
  readonly #maxFolders: number;
  readonly #watches = new Map<string, FolderWatch>();

  /** The system has no room for more watches; each try would cost as much as a watch. */
  #isFull = false;

  constructor(
    root: string,
    maxFolders: number,
    onHint: (folder: string, name: string | undefined, entriesMoved: boolean) => void,
  ) {
    this.#root = root;
    this.#maxFolders = maxFolders;
    this.#onHint = onHint;
  }

  get size(): number {
    return this.#watches.size;
  }

  has(folder: string): boolean {
    return this.#watches.has(folder);
  }

  /** Watches this folder from now on; one that cannot be watched is left out. */
  add(folder: string, inode: bigint): void {
    const before = this.#watches.get(folder);
    if (before?.inode === inode || this.#isFull) return;
    before?.watcher.close();
    this.#watches.delete(folder);
    if (this.#watches.size >= this.#maxFolders) return;
    try {
      this.#watches.set(folder, { watcher: this.#open(folder), inode });
    } catch (error) {
      this.#isFull = !leadsNowhere(error);
    }
  }

  /** Watches none but these; where the system had no room for more, it is asked again. */
  retain(folders: ReadonlySet<string>): void {
    this.#isFull = false;
    for (const [folder, { watcher }] of this.#watches) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watches.delete(folder);
    }
  }

  close(): void {
    this.retain(new Set());
  }

  #open(folder: string): FSWatcher {
    const watcher = watch(path.join(this.#root, folder), { persistent: false }, (kind, name) =>
      this.#onHint(folder, name ?? undefined, kind === 'rename'),
    );
    watcher.on('error', () => {
      watcher.close();
      if (this.#watches.get(folder)?.watcher === watcher) this.#watches.delete(folder);
    });
    return watcher;
  }
}
