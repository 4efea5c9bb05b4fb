import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { Clock } from './clock.js';

const logEveryMs = 60_000;

/**
 * One flag as an operator sees it: its own switch, what holds in effect, since when (ISO 8601) and why.
 * @source product contract, Monitoring (`GET /admin/flags`)
 */
export interface FlagState {
  enabled: boolean;
  effective: boolean;
  since: string;
  reason: string;
}

/**
 * What a {@link LiveFlag} is told to be.
 * @source product contract, Optimisations
 */
export interface FlagChange {
  enabled: boolean;
  effective: boolean;
  reason: string;
  settings: Readonly<Record<string, unknown>>;
}

/**
 * One flag while the service runs: the same object for ever, whose fields follow the configuration. Failures are all
 * counted, and logged at most once a minute.
 * @source story-17.4 AC7, task 8
 */
export class LiveFlag implements Optimization<Readonly<Record<string, unknown>>> {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onFailure: () => void;
  #current: FlagChange;
  #since: number;
  #lastLogAt = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(name: string, first: FlagChange, clock: Clock, logger: Logger, onFailure: () => void) {
    this.#name = name;
    this.#current = first;
    this.#clock = clock;
    this.#logger = logger;
    this.#onFailure = onFailure;
    this.#since = clock.now();
  }

  get enabled(): boolean {
    return this.#current.effective;
  }

  get settings(): Readonly<Record<string, unknown>> {
    return this.#current.settings;
  }

  get state(): FlagState {
    const { enabled, effective, reason } = this.#current;
    return { enabled, effective, since: new Date(this.#since).toISOString(), reason };
  }

  failed(error: unknown): void {
    this.#onFailure();
    this.#unlogged += 1;
    if (this.#clock.now() - this.#lastLogAt < logEveryMs) return;
    this.#lastLogAt = this.#clock.now();
    this.#logger.warn(
      { flag: this.#name, failures: this.#unlogged, err: error },
      'optimisation failed; the original way answers',
    );
    this.#unlogged = 0;
  }

  /** @returns whether anything but the reason differs from before; logs it if so */
  change(next: FlagChange): boolean {
    const before = this.#current;
    const sameSettings = JSON.stringify(before.settings) === JSON.stringify(next.settings);
    this.#current = sameSettings ? { ...next, settings: before.settings } : next;
    if (before.effective !== next.effective) this.#since = this.#clock.now();
    if (sameSettings && before.enabled === next.enabled && before.effective === next.effective) return false;
    const shown = ({ enabled, effective, settings }: FlagChange) => ({ enabled, effective, settings });
    this.#logger.info(
      { audit: true, flag: this.#name, from: shown(before), to: shown(next), reason: next.reason },
      'optimisation changed',
    );
    return true;
  }
}
