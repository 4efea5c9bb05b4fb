/**
 * The tuning of one cache: what was seen, what is being tried, what was tried in vain. One change at a time; each is on
 * trial until the cache was asked often enough. Entries that are asked for in turn are all missed until there is room for
 * the last of them, so a trial that does not help goes on, step by step, while entries still have to go; at the bound all
 * of it is taken back. What was taken back is left alone for a while, so that nothing swings.
 *
 * ```
 *                                  +-- no better, and not enough yet: another step
 *                                  v                   |
 *   watching --proposal--> settling --one look--> on trial --better--> watching
 *      ^                                             |
 *      +----- 60 looks without this limit <----------+ no better: back to where it began
 * ```
 */
import type { AutoTuneSettings } from '../auto-tune-settings.js';
import { type CacheFigures, limitsOf, type TunedCache } from '../limits/tuned-cache.js';
import type { TunedLimit } from '../limits/tuned-limit.js';
import { type CacheWindow, growth, type Proposal, shrinking, windowOf } from './proposal.js';

/**
 * The memory, as far as it matters here: whether it is too full, whether it has been calm for long enough to grow.
 * @source issue "never while memory > its limit; hysteresis"
 */
export interface MemoryState {
  ratio: number;
  isHigh: boolean;
  isCalm: boolean;
}

interface Trial {
  limit: TunedLimit;
  /** Where the limit was before the first step. */
  origin: number;
  reached: number;
  ratioBefore: number;
  /** Undefined while the cache fills. */
  since: CacheFigures | undefined;
}

/** How many looks a limit is left alone after a change of it was taken back. */
const restLooks = 60;

/** @source issue "`auto_tune`" */
export class CacheTuner {
  readonly cache: TunedCache;
  window: CacheWindow = { asked: 0, hits: 0, evictions: 0, expirations: 0 };
  figures: CacheFigures;
  #before: CacheFigures;
  #trial: Trial | undefined;
  readonly #resting = new Map<TunedLimit, { looks: number; configured: number }>();

  constructor(cache: TunedCache) {
    this.cache = cache;
    this.figures = cache.statistics();
    this.#before = this.figures;
  }

  /**
   * Looks at the cache and says what should change; nothing is changed here.
   * @param spareBytes that all caches together may still grow by
   */
  look(settings: AutoTuneSettings, memory: MemoryState, spareBytes: number): Proposal | undefined {
    this.figures = this.cache.statistics();
    this.window = windowOf(this.#before, this.figures);
    this.#before = this.figures;
    for (const [limit, rest] of this.#resting) {
      rest.looks -= 1;
      if (rest.looks <= 0 || limit.configured() !== rest.configured) this.#resting.delete(limit);
    }
    if (!this.cache.isOn()) {
      this.#trial = undefined;
      return undefined;
    }
    if (memory.isHigh) {
      this.#trial = undefined;
      return shrinking(this.cache, settings, memory.ratio);
    }
    if (this.#trial) return this.#judge(this.#trial, settings, memory.isCalm ? spareBytes : 0);
    if (!memory.isCalm) return undefined;
    return this.#recovery() ?? this.#grown(settings, spareBytes);
  }

  /** The proposal is in force. */
  changed(proposal: Proposal): void {
    const { limit, from, to } = proposal;
    if (this.#trial?.limit === limit && to > from) {
      Object.assign(this.#trial, { reached: to, since: undefined });
      return;
    }
    const { asked, hits } = this.window;
    const isGrowth = to > from && to > limit.configured();
    this.#trial = isGrowth
      ? { limit, origin: from, reached: to, ratioBefore: hits / asked, since: undefined }
      : undefined;
  }

  /** Everything as configured. @returns what had to be changed for it */
  reset(why: string): Proposal[] {
    this.#trial = undefined;
    this.#resting.clear();
    return limitsOf(this.cache).flatMap((limit) => {
      const [from, to] = [limit.current(), limit.configured()];
      return from === to ? [] : [{ limit, from, to, why }];
    });
  }

  #grown(settings: AutoTuneSettings, spareBytes: number): Proposal | undefined {
    const mayTry = (limit: TunedLimit) => !this.#resting.has(limit);
    return growth(this.cache, this.figures, this.window, settings, spareBytes, mayTry);
  }

  /** After memory was short. */
  #recovery(): Proposal | undefined {
    const limit = this.cache.sizes.find((each) => each.current() < each.configured());
    if (!limit) return undefined;
    return { limit, from: limit.current(), to: limit.configured(), why: 'memory has room again' };
  }

  /** One look passes while the cache fills; then its askings are counted until there are enough. */
  #judge(trial: Trial, settings: AutoTuneSettings, spareBytes: number): Proposal | undefined {
    const { limit, origin, ratioBefore } = trial;
    if (limit.current() !== trial.reached) {
      this.#trial = undefined;
      return undefined;
    }
    if (!trial.since) {
      trial.since = this.figures;
      return undefined;
    }
    const seen = windowOf(trial.since, this.figures);
    if (seen.asked < settings.min_requests) return undefined;
    const ratio = seen.hits / seen.asked;
    if (ratio >= ratioBefore + settings.min_gain_ratio) {
      this.#trial = undefined;
      return undefined;
    }
    const further = growth(this.cache, this.figures, seen, settings, spareBytes, (each) => each === limit);
    if (further?.limit === limit) return further;
    this.#trial = undefined;
    this.#resting.set(limit, { looks: restLooks, configured: limit.configured() });
    const told = `hit ratio ${shown(ratio)} after ${shown(ratioBefore)}`;
    return { limit, from: limit.current(), to: origin, why: `it did not help: ${told}` };
  }
}

const shown = (ratio: number) => `${Math.round(ratio * 1000) / 10} %`;
