import type { Logger } from '../../../logger.js';

/** Each look of readers at a new version costs them the list of all its pieces. */
const pauseMs = 500;

/** @source product contract, Trajectories (import) */
export interface ShownRowsOptions {
  /** Readers move to the newest version. */
  show(): void | Promise<void>;
  logger: Logger;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

/**
 * Lets readers see what an import has committed: the first rows at once, then twice a second, the last ones before it
 * ends. Nothing of it throws.
 * @source product contract, Trajectories (import)
 */
export class ShownRows {
  private hasMore = false;
  private showing: Promise<void> | undefined;
  private shownAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: ShownRowsOptions) {}

  /** Rows were, or may have been, committed. */
  committed(): void {
    this.hasMore = true;
    this.showWhenDue();
  }

  /** Cheap: call it now and then. */
  showWhenDue(): void {
    if (!this.hasMore || this.showing || this.now() - this.shownAt < pauseMs) return;
    this.showing = this.show().finally(() => {
      this.showing = undefined;
    });
  }

  /** Resolves when all that was committed before is shown. */
  async finish(): Promise<void> {
    await this.showing;
    if (this.hasMore) await this.show();
  }

  private async show(): Promise<void> {
    this.hasMore = false;
    try {
      await this.options.show();
    } catch (error) {
      this.options.logger.warn({ err: error }, 'readers may not see new rows yet');
    }
    this.shownAt = this.now();
  }

  private now(): number {
    return (this.options.now ?? performance.now.bind(performance))();
  }
}
