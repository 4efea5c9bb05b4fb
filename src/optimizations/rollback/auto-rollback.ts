/**
 * Tells when an optimisation breaks or answers wrongly too often to stay on. Counts by the second, over a window that ends
 * now; a flag that was turned off starts from nothing when it is turned on again.
 */
import type { Clock } from '../clock.js';
import type { FlagName } from '../flag-settings.js';
import type { PolicySettings } from '../policy-settings.js';

/**
 * Why a flag is to be turned off, in words for people.
 * @source product contract, Optimisations ("`auto_rollback` turns a flag off ..., and says why")
 */
export interface RollbackCause {
  cause: 'mismatch' | 'failures';
  reason: string;
}

/**
 * `asked`: how often the flag was asked for while on, since ever.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export interface AutoRollbackOptions {
  settings(): Readonly<PolicySettings<'auto_rollback'>>;
  clock: Clock;
  asked(flag: FlagName): number;
  turnOff(flag: FlagName, cause: RollbackCause): void;
}

interface Second {
  at: number;
  askedBefore: number;
  failures: number;
  mismatches: number;
}

/** Where the original way takes seconds, five failures in a row take too long: two that are so far apart will do. */
const persistentSeconds = 4;
const persistentFailures = 2;
const persistentRatio = 0.5;

const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

/**
 * Watches the failures and the mismatches of all flags.
 * @source product contract, Optimisations (`auto_rollback`)
 */
export class AutoRollback {
  readonly #options: AutoRollbackOptions;
  readonly #seconds = new Map<FlagName, Second[]>();

  constructor(options: AutoRollbackOptions) {
    this.#options = options;
  }

  failed(flag: FlagName): void {
    const seconds = this.#window(flag);
    (seconds.at(-1) as Second).failures += 1;
    const { enabled, failures, failure_ratio, window_seconds } = this.#options.settings();
    const count = seconds.reduce((sum, second) => sum + second.failures, 0);
    if (!enabled || count < Math.min(failures, persistentFailures)) return;
    const asked = Math.max(count, this.#options.asked(flag) - (seconds[0] as Second).askedBefore);
    const lasts = (seconds.at(-1) as Second).at - (seconds[0] as Second).at >= persistentSeconds;
    const persists = lasts && count / asked >= persistentRatio;
    if (count < failures && !persists) return;
    if (count / asked < failure_ratio) return;
    const reason = `${times(count, 'failure', 'failures')} in ${times(asked, 'use', 'uses')} within ${window_seconds} s`;
    this.#options.turnOff(flag, { cause: 'failures', reason });
  }

  mismatched(flag: FlagName, difference: string): void {
    const seconds = this.#window(flag);
    (seconds.at(-1) as Second).mismatches += 1;
    const { enabled, mismatches, window_seconds } = this.#options.settings();
    const count = seconds.reduce((sum, second) => sum + second.mismatches, 0);
    if (!enabled || count < mismatches) return;
    const reason = `${times(count, 'wrong answer', 'wrong answers')} within ${window_seconds} s (${difference})`;
    this.#options.turnOff(flag, { cause: 'mismatch', reason });
  }

  /** The flag was turned off or on: what was counted before does not count any more. */
  forget(flag: FlagName): void {
    this.#seconds.delete(flag);
  }

  /** The seconds of the window in which something went wrong; the present one is the last. */
  #window(flag: FlagName): Second[] {
    const now = Math.floor(this.#options.clock.now() / 1000);
    const from = now - this.#options.settings().window_seconds;
    const seconds = (this.#seconds.get(flag) ?? []).filter(({ at }) => at > from && at <= now);
    if (seconds.at(-1)?.at !== now) {
      // The use that went wrong is one of those since.
      const askedBefore = Math.max(0, this.#options.asked(flag) - 1);
      seconds.push({ at: now, askedBefore, failures: 0, mismatches: 0 });
    }
    this.#seconds.set(flag, seconds);
    return seconds;
  }
}
