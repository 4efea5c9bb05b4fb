/**
 * Asks the original way for answers that the optimised way has given, compares them, and keeps both times. Never on a
 * request's path: few at a time, a short queue, a bounded share of the time, and nothing at all while the process is busy,
 * unless a flag was not looked at for long. What is dropped is counted, never waited for.
 *
 *     request        [ optimised, timed ] -> answer
 *     later                                  [ original, timed ] [ version as before? ] [ difference ]
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnswerPair, Trial } from '../../optimization.js';
import type { Clock } from '../clock.js';
import { type FlagName, flagNames } from '../flag-settings.js';
import type { PolicySettings } from '../policy-settings.js';
import { type CompareOutcome, comparePair } from './compare-pair.js';
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
  trial: Trial;
  comparedAt: number;
  lastSeconds: number;
  /** How often its flag was switched: an answer from before a switch says nothing about what holds now. */
  switches: number;
}

interface Waiting {
  watched: Watched;
  pair: AnswerPair<unknown>;
  bytes: number;
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
  #restUntil = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: VerificationOptions) {
    this.#options = options;
    for (const flag of flagNames) {
      const watched: Watched = {
        flag,
        sampling: new Sampling(options.random),
        trial: { compare: (pair) => this.#take(watched, pair as AnswerPair<unknown>) },
        comparedAt: options.clock.now(),
        lastSeconds: 0,
        switches: 0,
      };
      this.#watched.set(flag, watched);
    }
    this.settingsChanged();
    this.#stopTicks = options.clock.every(tickMs, () => this.#tick());
  }

  /** What `Optimization.sample` of a flag does. */
  samplerOf(flag: FlagName): (isExternal?: boolean) => Trial | undefined {
    const { sampling, trial } = this.#watched.get(flag) as Watched;
    return (isExternal) => {
      if (isExternal && !this.#options.settings().external) return undefined;
      return sampling.next() ? trial : undefined;
    };
  }

  settingsChanged(): void {
    const { sample_rate } = this.#options.settings();
    for (const { sampling } of this.#watched.values()) sampling.share = sample_rate;
  }

  /** The flag was switched: its answers that wait, or are being compared, do not count any more. */
  switched(flag: FlagName): void {
    const watched = this.#watched.get(flag) as Watched;
    watched.switches += 1;
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
    const { at_least_every_seconds, max_time_ratio } = this.#options.settings();
    if (at_least_every_seconds === 0) return;
    const now = this.#options.clock.now();
    for (const { sampling, comparedAt, lastSeconds } of this.#watched.values()) {
      const pauseSeconds = Math.max(at_least_every_seconds, lastSeconds / max_time_ratio);
      // A tick early rather than late.
      if (now - comparedAt + tickMs > pauseSeconds * 1000) sampling.due();
    }
  }

  #take(watched: Watched, pair: AnswerPair<unknown>): void {
    if (this.#isStopped) return;
    const { max_waiting, max_concurrent } = this.#options.settings();
    const bytes = bytesOf(pair);
    const isFull = this.#waiting.length >= max_waiting || this.#waitingBytes + bytes > maxWaitingBytes;
    if (isFull || (!watched.sampling.isDue && this.#isBusy())) {
      this.#options.onCompared(watched.flag, { result: 'dropped' });
      return;
    }
    watched.sampling.done();
    watched.comparedAt = this.#options.clock.now();
    this.#waiting.push({ watched, pair, bytes, switches: watched.switches });
    this.#waitingBytes += bytes;
    if (this.#running.size >= max_concurrent) return;
    const lane = this.#work().finally(() => this.#running.delete(lane));
    this.#running.add(lane);
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
      const holds = () => !this.#isStopped && next.switches === next.watched.switches;
      if (!holds()) continue;
      const startedAt = performance.now();
      const outcome = await comparePair(next.pair, this.#options.random);
      this.#paid(next.watched, (performance.now() - startedAt) / 1000);
      if (holds()) this.#options.onCompared(next.watched.flag, outcome);
    }
  }

  /** After a comparison comes a rest, so that all of them take no more than their share of the time. */
  #paid(watched: Watched, seconds: number): void {
    watched.lastSeconds = seconds;
    const { max_time_ratio } = this.#options.settings();
    this.#restUntil = this.#options.clock.now() + seconds * 1000 * (1 / max_time_ratio - 1);
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
