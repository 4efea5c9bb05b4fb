/**
 * What is known of the canvases of a vault, and the judgement of each further look: nothing new, our own doing, or
 * another program's. Told at most once in 300 ms for one canvas; who is put off has to look again.
 */
import type { Clock } from '../clock.js';
import { type FileStamp, isRacy, sameStamp } from '../vault/file-stamp.js';

/**
 * `created`: the watch had not seen this canvas before; `deleted`: no regular file is there any more.
 * @source product contract, Canvases ("origin `api` or `external`")
 */
export interface VaultChange {
  path: string;
  kind: 'created' | 'changed' | 'deleted';
}

/**
 * `isOwn` is asked, in the turn in which a file was looked at, whether this state (undefined: no file) is one that the
 * service itself made. `'writing'`: a write of ours is under way and the answer is not known yet; it is asked again at
 * the next look. A store that answers `false` meanwhile makes its own write look like another program's.
 * @source product contract, Canvases (`GET /canvas/events`)
 */
export interface ChangeListeners {
  isOwn(path: string, stamp: FileStamp | undefined): boolean | 'writing';
  onChange(change: VaultChange): void;
}

const leastGapMs = 300;

/**
 * Compares looks at files with what was seen before.
 * @source product contract, Canvases (`GET /canvas/events`)
 */
export class KnownCanvases {
  readonly #listeners: ChangeListeners;
  readonly #clock: Clock;
  readonly #stamps = new Map<string, FileStamp>();
  /** Canvases seen so soon after a change that a further one may have left the same stamp: told once more. */
  readonly #unsure = new Set<string>();
  readonly #toldAt = new Map<string, number>();

  constructor(listeners: ChangeListeners, clock: Clock) {
    this.#listeners = listeners;
    this.#clock = clock;
  }

  /** Those of which a file was seen. */
  paths(): string[] {
    return [...this.#stamps.keys()];
  }

  /** Takes what was seen for granted: nobody is asked or told. */
  learn(file: string, stamp: FileStamp | undefined): void {
    const isSame = this.#isSame(file, stamp);
    if (stamp) this.#stamps.set(file, stampOnly(stamp));
    else this.#stamps.delete(file);
    if (stamp && !isSame && isRacy(stamp, this.#clock.wall())) this.#unsure.add(file);
    else this.#unsure.delete(file);
  }

  /**
   * Judges what was seen just now; undefined stands for no regular file.
   * @returns ms after which to look again, when it is too soon to tell of a further change; else undefined
   * @throws what `isOwn` and `onChange` throw
   */
  judge(file: string, stamp: FileStamp | undefined): number | undefined {
    if (this.#isSame(file, stamp) && !this.#unsure.has(file)) return undefined;
    const own = this.#listeners.isOwn(file, stamp);
    if (own === 'writing') return undefined;
    if (own) {
      this.learn(file, stamp);
      return undefined;
    }
    const now = this.#clock.now();
    const waitMs = (this.#toldAt.get(file) ?? Number.NEGATIVE_INFINITY) + leastGapMs - now;
    if (waitMs > 0) return waitMs;
    this.#toldAt.set(file, now);
    const isKnown = this.#stamps.has(file);
    this.learn(file, stamp);
    this.#listeners.onChange({ path: file, kind: !stamp ? 'deleted' : isKnown ? 'changed' : 'created' });
    return undefined;
  }

  /** Call it now and then: forgets when each canvas was told of, where that has lost its meaning. */
  forgetOldTimes(): void {
    const now = this.#clock.now();
    for (const [file, toldAt] of this.#toldAt) {
      if (now - toldAt >= leastGapMs) this.#toldAt.delete(file);
    }
  }

  #isSame(file: string, stamp: FileStamp | undefined): boolean {
    const before = this.#stamps.get(file);
    return before === undefined ? stamp === undefined : stamp !== undefined && sameStamp(before, stamp);
  }
}

/** Without what else the system said of the file, so that a large vault stays cheap to know. */
const stampOnly = ({ dev, ino, size, mtimeNs, ctimeNs }: FileStamp): FileStamp => ({
  dev,
  ino,
  size,
  mtimeNs,
  ctimeNs,
});
