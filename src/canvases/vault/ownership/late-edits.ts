import type { Clock } from '../../clock.js';
import type { CanvasVersion } from '../../history/canvas-version.js';
import type { HeldVersion, History } from '../../history/history.js';
import { Limit } from '../../limit.js';

/**
 * `onFound` hears of a version, as it was until now, that another program has overwritten with `found`.
 * @source product contract, Promises 3
 */
export interface LateEditsOptions {
  history: Pick<History, 'settle'>;
  clock: Pick<Clock, 'now' | 'after'>;
  onFound(version: HeldVersion, found: CanvasVersion): Promise<void>;
  onFailed(version: HeldVersion, error: unknown): void;
}

interface Fresh {
  version: HeldVersion;
  dueMs: number;
}

const lateMs = 2000;
const maxFresh = 1000;
const atOnce = 2;

/**
 * A program that opened a canvas before it was replaced, and writes only afterwards, writes into what the history holds.
 * So each version is looked at once more when whoever had its file open should be done, and when the versions of its
 * canvas are asked for before. A program that takes longer than that is not noticed until its version is read.
 * @source product contract, Promises 3
 */
export class LateEdits {
  readonly #options: LateEditsOptions;
  /** In the order in which they are due. */
  readonly #fresh = new Set<Fresh>();
  readonly #limit = new Limit(atOnce);
  readonly #looking = new Set<Promise<void>>();
  #stopTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(options: LateEditsOptions) {
    this.#options = options;
  }

  /** The file of a canvas has just lost its name to a new one; the history alone has it. */
  held(version: HeldVersion): void {
    if (this.#isStopped) return;
    this.#fresh.add({ version, dueMs: this.#options.clock.now() + lateMs });
    this.#wait();
  }

  /** Looks at what a canvas lost lately, and again later. */
  async look(canvasPath: string): Promise<void> {
    for (const fresh of this.#fresh) {
      if (fresh.version.canvasPath === canvasPath) await this.#look(fresh);
    }
  }

  /** Looks at the rest now. */
  async close(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer?.();
    this.#lookUntil(Number.POSITIVE_INFINITY);
    while (this.#looking.size > 0) await Promise.all(this.#looking);
  }

  #wait(): void {
    const [first] = this.#fresh;
    if (!first || this.#stopTimer || this.#isStopped) return;
    const { clock } = this.#options;
    const isFull = this.#fresh.size > maxFresh;
    this.#stopTimer = clock.after(isFull ? 0 : Math.max(0, first.dueMs - clock.now()), () => {
      this.#stopTimer = undefined;
      this.#lookUntil(isFull ? Number.POSITIVE_INFINITY : clock.now());
      this.#wait();
    });
  }

  #lookUntil(nowMs: number): void {
    for (const fresh of this.#fresh) {
      if (fresh.dueMs > nowMs) return;
      this.#fresh.delete(fresh);
      const looking = this.#limit.run(() => this.#look(fresh)).finally(() => this.#looking.delete(looking));
      this.#looking.add(looking);
    }
  }

  async #look(fresh: Fresh): Promise<void> {
    const { history, onFound, onFailed } = this.#options;
    const { version } = fresh;
    try {
      const found = await history.settle(version);
      if (!found || found.etag === version.etag) return;
      fresh.version = { ...version, ...found };
      await onFound(version, found);
    } catch (error) {
      onFailed(version, error);
    }
  }
}
