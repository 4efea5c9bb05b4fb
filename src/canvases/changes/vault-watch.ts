/**
 * Notices what other programs do to the canvases of a vault. A sweep alone finds every change that lasts until it comes
 * by; hints from the system only make it faster. A change that is undone before anyone looked is not seen. It opens no
 * canvas: a change may turn out to be none (a touched file), so whoever is told compares the bytes.
 *
 *   hint ---20 ms---> look at that file          sweep ---interval---> sweep ---interval---> ...
 */
import { lstatSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../clock.js';
import type { FileStamp } from '../vault/file-stamp.js';
import { FolderListings } from './folder-listings.js';
import { FolderWatches } from './folder-watches.js';
import { type ChangeListeners, KnownCanvases } from './known-canvases.js';
import { startStopwatch } from './stopwatch.js';
import { sweepIntervalMs } from './sweep-interval.js';
import { sliceFiles, stampOf, sweepVault } from './vault-sweep.js';

/**
 * `swept`: a look at the whole vault ended; `busySeconds` is what the main thread spent on it. `failed`: something
 * in it could not be looked at, or whoever was told of a change threw.
 * @source product contract, Monitoring
 */
export type VaultWatchEvent =
  | { type: 'swept'; canvases: number; folders: number; watchedFolders: number; busySeconds: number }
  | { type: 'failed'; error: unknown };

/**
 * - `intervalMs`: between two sweeps; longer when a sweep takes more than 2 % of it, or 20 % where the system does not
 *   watch every folder.
 * - `maxWatchedFolders`: how many folders the system is asked to watch; 0 leaves all to the sweep.
 * @source product contract, Canvases (`GET /canvas/events`)
 */
export interface VaultWatchOptions extends ChangeListeners {
  vaultDir: string;
  intervalMs?: number;
  onEvent?(event: VaultWatchEvent): void;
  maxWatchedFolders?: number;
  clock?: Clock;
}

/** @source product contract, Canvases (`GET /canvas/events`) */
export interface VaultWatch {
  /** Looks at everything now; several calls during one look share the next. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

const hintDelayMs = 20;
/** Looked at in one go; with more than these a sweep, which lets others in between, is the better way. */
const maxHints = 128;
/** Sweeps that a hint asks for may cost more than those of the clock, but not everything. */
const hurriedShare = 0.2;

/**
 * Starts watching; what is in the vault when it resolves is taken as known.
 * @throws the system's error when the vault cannot be found
 * @source product contract, Canvases (`GET /canvas/events`)
 */
export async function startVaultWatch(options: VaultWatchOptions): Promise<VaultWatch> {
  const watch = new SweepingWatch(await realpath(options.vaultDir), options);
  await watch.start();
  return watch;
}

class SweepingWatch implements VaultWatch {
  readonly #root: string;
  readonly #options: VaultWatchOptions;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #watches: FolderWatches;
  readonly #listings: FolderListings;
  readonly #known: KnownCanvases;
  /** Canvases that changed again right after they were told of, and what cancels the look at them. */
  readonly #postponed = new Map<string, () => void>();
  readonly #hints = new Set<string>();
  #cancelHints: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;
  #sweepDue = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #lastBusyMs: number[] = [];
  /** The last sweep came by no folder that the system does not watch. */
  #isWatched = false;
  #isFirst = true;
  #isClosed = false;

  constructor(root: string, options: VaultWatchOptions) {
    this.#root = root;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#known = new KnownCanvases(options, this.#clock);
    this.#intervalMs = options.intervalMs ?? 700;
    this.#listings = new FolderListings(root, () => this.#clock.wall());
    this.#watches = new FolderWatches(root, options.maxWatchedFolders ?? 4096, (folder, name, entriesMoved) =>
      this.#hint(folder, name, entriesMoved),
    );
  }

  start(): Promise<void> {
    return this.sweep();
  }

  sweep(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (!this.#running) {
      this.#running = this.#sweepOnce().finally(() => {
        this.#running = undefined;
        const cost = { busyMs: this.#busyMs(), isWatched: this.#isWatched };
        this.#sweepIn(sweepIntervalMs({ intervalMs: this.#intervalMs, ...cost }));
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.sweep();
    });
    return this.#next;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelHints?.();
    this.#cancelSweep?.();
    for (const cancel of this.#postponed.values()) cancel();
    this.#watches.close();
    await this.#next;
    await this.#running;
  }

  async #sweepOnce(): Promise<void> {
    const seen = new Set<string>();
    const folders = new Set<string>();
    try {
      const sink = {
        found: (file: string, stamp: FileStamp) => {
          seen.add(file);
          this.#consider(file, stamp);
        },
        entered: (folder: string, inode: bigint) => {
          folders.add(folder);
          this.#watches.add(folder, inode);
        },
      };
      const { busyMs, unreadable } = await sweepVault(this.#listings, sink, () => this.#isClosed);
      if (this.#isClosed) return;
      const missingMs = await this.#lookForMissing(seen, unreadable);
      const spentOnRest = startStopwatch();
      this.#known.forgetOldTimes();
      this.#watches.retain(folders);
      this.#isWatched = this.#watches.size === folders.size;
      const wholeMs = busyMs + missingMs + spentOnRest();
      if (!this.#isFirst) this.#lastBusyMs = [...this.#lastBusyMs.slice(-3), wholeMs];
      this.#isFirst &&= unreadable.includes('');
      this.#options.onEvent?.({
        type: 'swept',
        canvases: seen.size,
        folders: folders.size,
        watchedFolders: this.#watches.size,
        busySeconds: wholeMs / 1000,
      });
    } catch (error) {
      this.#options.onEvent?.({ type: 'failed', error });
    }
  }

  /** The least of the latest sweeps: others on the machine only ever make one look dearer than it is. */
  #busyMs(): number {
    return this.#lastBusyMs.length === 0 ? 0 : Math.min(...this.#lastBusyMs);
  }

  #sweepIn(delayMs: number): void {
    const due = this.#clock.now() + delayMs;
    if (this.#isClosed || (this.#cancelSweep && this.#sweepDue <= due)) return;
    this.#cancelSweep?.();
    this.#sweepDue = due;
    this.#cancelSweep = this.#clock.after(delayMs, () => {
      this.#cancelSweep = undefined;
      void this.sweep();
    });
  }

  /**
   * A canvas that the sweep did not come by is looked at once more: it may have been made, or moved, meanwhile.
   * @returns ms that the main thread spent
   */
  async #lookForMissing(seen: ReadonlySet<string>, unreadable: readonly string[]): Promise<number> {
    const spentOnListing = startStopwatch();
    const missing = this.#known
      .paths()
      .filter((file) => !seen.has(file) && !unreadable.some((prefix) => file.startsWith(prefix)));
    let spentMs = spentOnListing();
    for (let from = 0; from < missing.length && !this.#isClosed; from += sliceFiles) {
      const spentOnSlice = startStopwatch();
      for (const file of missing.slice(from, from + sliceFiles)) this.#look(file);
      spentMs += spentOnSlice();
      await nextTurn();
    }
    return spentMs;
  }

  #look(file: string): void {
    let stamp: FileStamp | undefined;
    try {
      stamp = stampOf(this.#root, file);
    } catch (error) {
      this.#options.onEvent?.({ type: 'failed', error });
      return;
    }
    this.#consider(file, stamp);
  }

  #consider(file: string, stamp: FileStamp | undefined): void {
    if (this.#isClosed) return;
    if (this.#isFirst) {
      this.#known.learn(file, stamp);
      return;
    }
    try {
      const waitMs = this.#known.judge(file, stamp);
      if (waitMs !== undefined) this.#lookLater(file, waitMs);
    } catch (error) {
      this.#options.onEvent?.({ type: 'failed', error });
    }
  }

  #lookLater(file: string, delayMs: number): void {
    if (this.#postponed.has(file)) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#postponed.delete(file);
      this.#look(file);
    });
    this.#postponed.set(file, cancel);
  }

  #hint(folder: string, name: string | undefined, entriesMoved: boolean): void {
    if (this.#isClosed || name?.startsWith('.')) return;
    const entry = name === undefined ? folder : path.posix.join(folder, name);
    if (name?.endsWith('.canvas') && this.#hints.size < maxHints) {
      this.#hints.add(entry);
      this.#cancelHints ??= this.#clock.after(hintDelayMs, () => this.#lookAtHints());
    } else if (name === undefined || name.endsWith('.canvas') || (entriesMoved && this.#isFolder(entry))) {
      this.#sweepIn(Math.max(hintDelayMs, this.#busyMs() / hurriedShare));
    }
  }

  #isFolder(entry: string): boolean {
    if (this.#watches.has(entry)) return true;
    return lstatSync(path.join(this.#root, entry), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  #lookAtHints(): void {
    this.#cancelHints = undefined;
    const files = [...this.#hints];
    this.#hints.clear();
    for (const file of files) this.#look(file);
  }
}
