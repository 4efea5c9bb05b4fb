/**
 * Adjusts how much the caches may hold, and for how long, to what they are asked for. It promises: no limit leaves its
 * bounds, all together stay within theirs, nothing grows while memory is short, and as soon as it is switched off every
 * value is as configured. Off, it looks all the same, and says what it would do.
 */
import type { Logger } from '../logger.js';
import type { AutoTuneSettings } from './auto-tune-settings.js';
import { type Clock, systemClock } from './clock.js';
import { CacheTuner, type MemoryState } from './deciding/cache-tuner.js';
import { boundsOf, type Proposal } from './deciding/proposal.js';
import { limitsOf, type TunedCache } from './limits/tuned-cache.js';
import type { TuningEvent } from './tuning-event.js';

/** How full the memory is, 0..1; undefined while that is not known. @source issue "hit ratios, evictions and memory" */
export interface MemorySignal {
  read(nowMs: number): number | undefined;
  close(): void;
}

/** @source issue "`auto_tune`" */
export interface TuningOptions {
  caches: readonly TunedCache[];
  /** Asked on each look: an operator may change them; `enabled` false while the master switch is off. */
  settings(): AutoTuneSettings;
  /** Closed with the tuning. */
  memory: MemorySignal;
  logger: Logger;
  onEvent(event: TuningEvent): void;
  clock?: Clock;
}

/** A change that was made. Times are epoch milliseconds. @source issue "each change explained" */
export interface LimitChange {
  at: number;
  cache: string;
  limit: string;
  from: number;
  to: number;
  why: string;
}

/**
 * One cache as tuning sees it. `proposal`: what it would do now if it were on.
 * @source issue "`GET /admin/tuning`"
 */
export interface TunedCacheState {
  isOn: boolean;
  window: CacheTuner['window'];
  figures: CacheTuner['figures'];
  limits: Record<string, { unit: string; configured: number; current: number; min: number; max: number }>;
  proposal: Omit<LimitChange, 'at' | 'cache'> | undefined;
}

/** @source issue "`GET /admin/tuning`" */
export interface TuningState {
  settings: AutoTuneSettings;
  memoryRatio: number | undefined;
  lookedAt: number | undefined;
  caches: Record<string, TunedCacheState>;
  changes: readonly LimitChange[];
}

/** @source issue "`auto_tune`" */
export interface Tuning {
  state(): TuningState;
  /** The limits stay as they are: the service is ending. */
  close(): void;
}

/** How soon a switch, or memory that runs short, is noticed. */
const tickMs = 1000;
const keptChanges = 50;
/** Memory has room to grow into when it is this far below the limit, for so many looks in a row. */
const calmDistance = 0.05;
const calmLooks = 3;

/** Begins to look; nothing is changed before the first interval is over. @source issue "`auto_tune`" */
export function openTuning(options: TuningOptions): Tuning {
  const { caches, settings, memory, logger, onEvent, clock = systemClock } = options;
  const tuners = caches.map((cache) => new CacheTuner(cache));
  const proposals = new Map<CacheTuner, Proposal>();
  const changes: LimitChange[] = [];
  let lastLookAt = clock.now();
  let lookedAt: number | undefined;
  let memoryRatio: number | undefined;
  let calmFor = 0;
  let wasOn = settings().enabled;
  let wasHigh = false;

  function apply(tuner: CacheTuner, { limit, from, to, why }: Proposal): void {
    const cache = tuner.cache.name;
    limit.set(to === limit.configured() ? undefined : to);
    const change = { at: clock.wall(), cache, limit: limit.name, from, to, why };
    changes.push(change);
    if (changes.length > keptChanges) changes.shift();
    onEvent({ type: 'limit_changed', cache, limit: limit.name, direction: to > from ? 'up' : 'down' });
    logger.info({ audit: true, cache, limit: limit.name, from, to, reason: why }, 'cache tuned');
  }

  function memoryState(high: number): MemoryState {
    // Unknown memory is no reason to grow, and none to shrink.
    const ratio = memoryRatio ?? 0;
    const isHigh = memoryRatio !== undefined && ratio > high;
    const hasRoom = memoryRatio !== undefined && ratio <= high - calmDistance;
    calmFor = hasRoom ? calmFor + 1 : 0;
    return { ratio, isHigh, isCalm: calmFor >= calmLooks };
  }

  function look(now: AutoTuneSettings): void {
    lastLookAt = clock.now();
    lookedAt = clock.wall();
    const state = memoryState(now.memory_high_ratio);
    let spareBytes = now.max_total_bytes - total(tuners);
    proposals.clear();
    for (const tuner of tuners) {
      const proposal = tuner.look(now, state, Math.max(0, spareBytes));
      if (!proposal) continue;
      proposals.set(tuner, proposal);
      if (!now.enabled) continue;
      apply(tuner, proposal);
      tuner.changed(proposal);
      proposals.delete(tuner);
      spareBytes = now.max_total_bytes - total(tuners);
    }
  }

  function reset(why: string): void {
    for (const tuner of tuners) for (const change of tuner.reset(why)) apply(tuner, change);
    proposals.clear();
  }

  function tick(): void {
    const now = settings();
    if (wasOn && !now.enabled) reset('auto_tune was switched off');
    wasOn = now.enabled;
    memoryRatio = memory.read(clock.now());
    const isHigh = memoryRatio !== undefined && memoryRatio > now.memory_high_ratio;
    const isDue = clock.now() - lastLookAt >= now.interval_seconds * 1000;
    // Memory that runs short does not wait for its turn.
    if (isDue || (isHigh && !wasHigh)) look(now);
    wasHigh = isHigh;
  }

  const stop = clock.every(tickMs, () => {
    try {
      tick();
    } catch (error) {
      logger.warn({ err: error }, 'a look at the caches failed; their limits stay as they are');
    }
  });

  return {
    state: () => ({
      settings: settings(),
      memoryRatio,
      lookedAt,
      caches: Object.fromEntries(
        tuners.map((each) => [each.cache.name, stateOf(each, proposals.get(each), settings())]),
      ),
      changes: changes.toReversed(),
    }),
    close() {
      stop();
      memory.close();
    },
  };
}

/** What all caches that are in use may hold together. */
const total = (tuners: readonly CacheTuner[]) =>
  tuners.reduce((sum, { cache }) => sum + (cache.isOn() ? cache.statistics().max_bytes : 0), 0);

function stateOf(tuner: CacheTuner, proposal: Proposal | undefined, settings: AutoTuneSettings): TunedCacheState {
  const { cache, window, figures } = tuner;
  const limits = limitsOf(cache).map((limit) => {
    const values = { configured: limit.configured(), current: limit.current(), ...boundsOf(limit, settings) };
    return [limit.name, { unit: limit.unit, ...values }] as const;
  });
  return {
    isOn: cache.isOn(),
    window,
    figures,
    limits: Object.fromEntries(limits),
    proposal: proposal && { limit: proposal.limit.name, from: proposal.from, to: proposal.to, why: proposal.why },
  };
}
