import type { Logger } from '../../logger.js';
import type { CountedWork, Optimization, Trial } from '../../optimization.js';
import type { Clock } from '../clock.js';
import { RareWarning } from './rare-warning.js';

/**
 * One flag as an operator sees it: its own switch (that of the configuration, off while `auto_rollback` keeps it off), what
 * holds in effect, since when (ISO 8601) and why.
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
 * Where a {@link LiveFlag} passes on what the parts tell it.
 * @source product contract, Optimisations
 */
export interface FlagReports {
  failed(error: unknown): void;
  sample(isExternal?: boolean): Trial | undefined;
  counted(work: CountedWork): void;
  checked(difference: string | undefined): void;
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
  readonly #reports: FlagReports;
  readonly #warning: RareWarning;
  #current: FlagChange;
  #since: number;
  #asked = 0;

  constructor(name: string, first: FlagChange, clock: Clock, logger: Logger, reports: FlagReports) {
    this.#name = name;
    this.#current = first;
    this.#clock = clock;
    this.#logger = logger;
    this.#reports = reports;
    this.#warning = new RareWarning(clock);
    this.#since = clock.now();
  }

  get enabled(): boolean {
    const { effective } = this.#current;
    if (effective) this.#asked += 1;
    return effective;
  }

  get isOn(): boolean {
    return this.#current.effective;
  }

  /** How often it was asked for while on: each use asks once or a few times. */
  get asked(): number {
    return this.#asked;
  }

  get settings(): Readonly<Record<string, unknown>> {
    return this.#current.settings;
  }

  get state(): FlagState {
    const { enabled, effective, reason } = this.#current;
    return { enabled, effective, since: new Date(this.#since).toISOString(), reason };
  }

  failed(error: unknown): void {
    this.#warning.happened((failures) =>
      this.#logger.warn({ flag: this.#name, failures, err: error }, 'optimisation failed; the original way answers'),
    );
    this.#reports.failed(error);
  }

  sample(isExternal?: boolean): Trial | undefined {
    return this.#reports.sample(isExternal);
  }

  counted(work: CountedWork): void {
    if (this.#current.effective) this.#reports.counted(work);
  }

  checked(difference: string | undefined): void {
    if (this.#current.effective) this.#reports.checked(difference);
  }

  /**
   * @param by who asked for it, where it was not the file
   * @returns whether anything but the reason differs from before; logs it if so
   */
  change(next: FlagChange, by: Record<string, unknown> = {}): boolean {
    const before = this.#current;
    const sameSettings = JSON.stringify(before.settings) === JSON.stringify(next.settings);
    this.#current = sameSettings ? { ...next, settings: before.settings } : next;
    if (before.effective !== next.effective) this.#since = this.#clock.now();
    if (sameSettings && before.enabled === next.enabled && before.effective === next.effective) return false;
    const shown = ({ enabled, effective, settings }: FlagChange) => ({ enabled, effective, settings });
    this.#logger.info(
      { audit: true, flag: this.#name, from: shown(before), to: shown(next), reason: next.reason, ...by },
      'optimisation changed',
    );
    return true;
  }
}
