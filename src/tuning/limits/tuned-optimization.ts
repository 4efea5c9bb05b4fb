import type { CountedWork, Optimization, Trial } from '../../optimization.js';
import type { TunedLimit } from './tuned-limit.js';

/**
 * The optimisation as its part sees it, some of its settings being others than the file says. Whatever the operator
 * changes by hand holds at once: what was tuned before is forgotten.
 * @source issue "`auto_tune`" ("reversible")
 */
export class TunedOptimization<Settings extends object> implements Optimization<Settings> {
  readonly #flag: Optimization<Settings>;
  readonly #tuned = new Map<keyof Settings, { value: number; insteadOf: unknown }>();
  #seen: Settings | undefined;
  #merged: Settings;

  constructor(flag: Optimization<Settings>) {
    this.#flag = flag;
    this.#merged = flag.settings;
  }

  get enabled(): boolean {
    return this.#flag.enabled;
  }

  /** The same object until something changes, for it is asked for on each use. */
  get settings(): Settings {
    const configured = this.#flag.settings;
    if (configured !== this.#seen) this.#merge(configured);
    return this.#merged;
  }

  failed(error: unknown): void {
    this.#flag.failed(error);
  }

  sample(isExternal?: boolean): Trial | undefined {
    return this.#flag.sample?.(isExternal);
  }

  counted(work: CountedWork): void {
    this.#flag.counted?.(work);
  }

  checked(difference: string | undefined): void {
    this.#flag.checked?.(difference);
  }

  /** @param name of a setting that is a number */
  limit(name: keyof Settings & string, unit: TunedLimit['unit']): TunedLimit {
    return {
      name,
      unit,
      configured: () => this.#flag.settings[name] as number,
      current: () => this.settings[name] as number,
      set: (value) => {
        const insteadOf = this.#flag.settings[name];
        if (value === undefined || value === insteadOf) this.#tuned.delete(name);
        else this.#tuned.set(name, { value, insteadOf });
        this.#merge(this.#flag.settings);
      },
    };
  }

  #merge(configured: Settings): void {
    for (const [name, { insteadOf }] of this.#tuned) {
      if (configured[name] !== insteadOf) this.#tuned.delete(name);
    }
    this.#seen = configured;
    this.#merged =
      this.#tuned.size === 0
        ? configured
        : { ...configured, ...Object.fromEntries([...this.#tuned].map(([name, { value }]) => [name, value])) };
  }
}
