import type { Clock } from '../clock.js';

const everyMs = 60_000;

/**
 * Says something that may happen thousands of times a second at most once a minute, with how often it did.
 * @source product contract, Promises 4 ("says so once in the log and in a metric")
 */
export class RareWarning {
  readonly #clock: Clock;
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param say is told how often it happened since it was last called */
  happened(say: (times: number) => void): void {
    this.#unsaid += 1;
    if (this.#clock.now() - this.#saidAt < everyMs) return;
    this.#saidAt = this.#clock.now();
    const times = this.#unsaid;
    this.#unsaid = 0;
    say(times);
  }
}

/**
 * The same for many things that are told apart by a name: each is said at most once a minute, whatever becomes of the others.
 * @source product contract, Promises 4 ("says so once in the log and in a metric")
 */
export class RareWarnings<Name extends string> {
  readonly #clock: Clock;
  readonly #ofName = new Map<Name, RareWarning>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param say is told how often this one happened since it was last called for it */
  happened(name: Name, say: (times: number) => void): void {
    const warning = this.#ofName.get(name) ?? new RareWarning(this.#clock);
    this.#ofName.set(name, warning);
    warning.happened(say);
  }
}
