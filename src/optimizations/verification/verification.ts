/**
 * Asks the original way for answers that the optimised way has given, compares them, and keeps both times. Never on a
 * request's path: few at a time, a short queue, a bounded share of the time, and nothing at all while the process is busy,
 * unless a flag was not looked at for long. What is dropped is counted, never waited for.
 *
 *     request        [ optimised, timed ] -> answer
 *     later                                  [ original, timed ] [ version as before? ] [ difference ]
 *
 * Where the original way is too dear to be asked as often as a flag is to be looked at, the part offers a cheaper look, which
 * comes first; a whole comparison follows when its share of the time allows it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnswerPair, Trial } from '../../optimization.js';
import type { Clock } from '../clock.js';
import { type FlagName, flagNames } from '../flag-settings.js';
import type { PolicySettings } from '../policy-settings.js';
import { type ComparedPair, type CompareOutcome, comparePair, shortened } from './compare-pair.js';
import { pauseSeconds, withMeasured } from './pause.js';
import { Sampling } from './sampling.js';

/** Answers that wait hold their memory. */
const maxWaitingBytes = 32 * 1024 * 1024;
const tickMs = 1000;

/**
 * `load`: the share of the time that the event loop was busy since the last call, 0 to 1.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export interface VerificationOptions {
  settings(): Readonly<PolicySettings<'verification'>>;
  clock: Clock;
  random(): number;
  load(): number;
  onCompared(flag: FlagName, outcome: CompareOutcome): void;
}

interface Watched {
  flag: FlagName;
  sampling: Sampling;
  comparedAt: number;
  /** Its last comparison came to nothing, since the data had changed meanwhile. */
  isUnsettled: boolean;
  /** Seconds that its last few comparisons took, or the looks where looks are offered. */
  measured: readonly number[];
  /** When it was last compared as a whole, and what that took. */
  wholeAt: number;
  wholeSeconds: number;
}

interface Waiting {
  watched: Watched;
  pair: AnswerPair<unknown>;
  bytes: number;
  /** How often flags had been switched when the answer was begun. */
  switches: number;
}

/**
 * The comparisons of all flags.
 * @source product contract, Optimisations (`verification.sample_rate`); story-17.4 AC6
 */
export class Verification {
  readonly #options: VerificationOptions;
  readonly #watched = new Map<FlagName, Watched>();
  readonly #stopTicks: () => void;
  readonly #running = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #load = 0;
  /** Whole comparisons under way of what could have been looked at instead. */
  #dear = 0;
  #restUntil = Number.NEGATIVE_INFINITY;
  /** How often any flag was switched: an answer from before says nothing about what holds now, whichever way it took. */
  #switches = 0;
  #isStopped = false;

  constructor(options: VerificationOptions) {
    this.#options = options;
    for (const flag of flagNames) {
      const watched: Watched = {
        flag,
        sampling: new Sampling(options.random),
        comparedAt: options.clock.now(),
        isUnsettled: false,
        measured: [],
        wholeAt: Number.NEGATIVE_INFINITY,
        wholeSeconds: 0,
      };
      this.#watched.set(flag, watched);
    }
    this.settingsChanged();
    this.#stopTicks = options.clock.every(tickMs, () => this.#tick());
  }

  /** What `Optimization.sample` of a flag does. */
  samplerOf(flag: FlagName): (isExternal?: boolean) => Trial | undefined {
    const watched = this.#watched.get(flag) as Watched;
    return (isExternal) => {
      if (isExternal && !this.#options.settings().external) return undefined;
      return watched.sampling.next() ? this.#trialOf(watched) : undefined;
    };
  }

  #trialOf(watched: Watched): Trial {
    const switches = this.#switches;
    return { compare: (pair) => this.#take(watched, pair as AnswerPair<unknown>, switches) };
  }

  /** What a part has found by comparing an answer itself. */
  checked(flag: FlagName, difference: string | undefined): void {
    if (this.#isStopped) return;
    const watched = this.#watched.get(flag) as Watched;
    watched.comparedAt = this.#options.clock.now();
    watched.sampling.done();
    if (difference === undefined) this.#options.onCompared(flag, { result: 'equal' });
    else this.#options.onCompared(flag, { result: 'mismatch', difference: shortened(difference) });
  }

  settingsChanged(): void {
    const { sample_rate } = this.#options.settings();
    for (const { sampling } of this.#watched.values()) sampling.share = sample_rate;
  }

  /**
   * A flag was switched: answers that are being made, wait or are being compared do not count any more, those of other flags
   * neither, since one optimisation may rest on another.
   */
  switched(): void {
    this.#switches += 1;
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Takes no more, drops what waits, and resolves when nothing runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTicks();
    this.#waiting = [];
    await this.idle();
  }

  #tick(): void {
    this.#load = this.#options.load();
    const settings = this.#options.settings();
    if (settings.at_least_every_seconds === 0) return;
    const now = this.#options.clock.now();
    for (const { sampling, comparedAt, isUnsettled, measured } of this.#watched.values()) {
      const pause = pauseSeconds(measured, isUnsettled, settings);
      // A tick early rather than late.
      if (now - comparedAt + tickMs > pause * 1000) sampling.due();
    }
  }

  #take(watched: Watched, pair: AnswerPair<unknown>, switches: number): void {
    if (this.#isStopped || switches !== this.#switches) return;
    const { max_concurrent } = this.#options.settings();
    const bytes = bytesOf(pair);
    const { isDue } = watched.sampling;
    if (isDue) this.#makeRoom(bytes);
    if (!this.#hasRoom(bytes) || (!isDue && this.#isBusy())) {
      this.#options.onCompared(watched.flag, { result: 'dropped' });
      return;
    }
    watched.sampling.done();
    watched.comparedAt = this.#options.clock.now();
    const waiting = { watched, pair, bytes, switches };
    if (isDue) this.#waiting.unshift(waiting);
    else this.#waiting.push(waiting);
    this.#waitingBytes += bytes;
    // One whole comparison that takes seconds does not hold up the looks that are due.
    if (this.#running.size >= max_concurrent + (isDue ? 1 : 0)) return;
    const lane = this.#work().finally(() => this.#running.delete(lane));
    this.#running.add(lane);
  }

  #hasRoom(bytes: number): boolean {
    const { max_waiting } = this.#options.settings();
    return this.#waiting.length < max_waiting && this.#waitingBytes + bytes <= maxWaitingBytes;
  }

  /** The last of those that wait give way: where much is asked of many flags, one could find the queue full each time. */
  #makeRoom(bytes: number): void {
    while (!this.#hasRoom(bytes)) {
      const last = this.#waiting.pop();
      if (!last) return;
      this.#waitingBytes -= last.bytes;
      this.#options.onCompared(last.watched.flag, { result: 'dropped' });
    }
  }

  #isBusy(): boolean {
    return this.#load > this.#options.settings().max_load_ratio || this.#options.clock.now() < this.#restUntil;
  }

  async #work(): Promise<void> {
    // The answer goes out first.
    for (await nextTurn(); ; await nextTurn()) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#waitingBytes -= next.bytes;
      const holds = () => !this.#isStopped && next.switches === this.#switches;
      if (!holds()) continue;
      const { outcome, putRight } = await this.#compare(next, holds);
      next.watched.isUnsettled = outcome.result === 'skipped';
      if (!holds()) continue;
      this.#options.onCompared(next.watched.flag, outcome);
      if (putRight) await this.#putRight(next.watched, putRight);
    }
  }

  /** A look first, where there is one: a wrong answer is found by then. The whole comparison after it is for the times. */
  async #compare(waiting: Waiting, holds: () => boolean): Promise<ComparedPair> {
    if (!waiting.pair.check.look) return this.#run(waiting, false);
    const looked = await this.#run(waiting, true);
    if (looked.outcome.result !== 'equal' || !holds() || !this.#affordsWhole(waiting.watched)) return looked;
    this.#dear += 1;
    const whole = await this.#run(waiting, false);
    this.#dear -= 1;
    return whole.outcome.result === 'skipped' ? looked : whole;
  }

  async #run(waiting: Waiting, isLook: boolean): Promise<ComparedPair> {
    const startedAt = performance.now();
    const usedBefore = process.cpuUsage();
    const compared = await comparePair(waiting.pair, this.#options.random, isLook);
    const { user, system } = process.cpuUsage(usedBefore);
    // On a machine that others keep busy it takes long and costs little: it cost no more than all of the process did.
    this.#paid(waiting, Math.min((performance.now() - startedAt) / 1000, (user + system) / 1e6), isLook);
    return compared;
  }

  /** After the flag is off, so that nothing wrong is kept anew. */
  async #putRight({ flag }: Watched, putRight: () => Promise<void> | void): Promise<void> {
    try {
      await putRight();
    } catch (error) {
      this.#options.onCompared(flag, { result: 'failed', error });
    }
  }

  #affordsWhole({ wholeAt, wholeSeconds }: Watched): boolean {
    const { max_load_ratio, max_time_ratio } = this.#options.settings();
    if (this.#dear > 0 || this.#load > max_load_ratio) return false;
    const restMs = wholeSeconds * 1000 * (1 / max_time_ratio - 1);
    return this.#options.clock.now() - wholeAt >= restMs;
  }

  /** After a comparison comes a rest, so that all of them take no more than their share of the time. */
  #paid({ watched, pair }: Waiting, seconds: number, isLook: boolean): void {
    const now = this.#options.clock.now();
    if (isLook || !pair.check.look) watched.measured = withMeasured(watched.measured, seconds);
    if (!isLook) Object.assign(watched, { wholeAt: now, wholeSeconds: seconds });
    const { max_time_ratio } = this.#options.settings();
    this.#restUntil = Math.max(this.#restUntil, now + seconds * 1000 * (1 / max_time_ratio - 1));
  }
}

/** An answer that cannot be measured is not kept waiting. */
function bytesOf({ check, optimised }: AnswerPair<unknown>): number {
  if (typeof optimised === 'function' || !check.bytesOf) return 0;
  try {
    return check.bytesOf(optimised.answer);
  } catch {
    return 0;
  }
}
