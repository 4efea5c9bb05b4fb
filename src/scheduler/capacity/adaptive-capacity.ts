/**
 * A limit that follows the load, between the minimum and the maximum.
 *
 *   limit  max ┤      ┌────────┐ overload: half, at once           ┌──
 *              │    ┌─┘        │                              ┌────┘ step by step
 *              │  ┌─┘ doubles  │ settle   calm for a while ┌──┘
 *          min ┤──┘ at first   └───────────────────────────┘
 *
 * Between "high" and "calm" nothing changes. It rises no further than the load would bear if each further slot cost as
 * much as the present ones. Near the limit at which the machine was last overloaded it rises slowly, unless the load shows
 * that it would bear far more: then it was not the tasks, or a moment in which many began.
 */
import type { LoadName } from '../load/load-signal.js';
import type { SchedulerSettings } from '../settings.js';
import type { Capacity, Demand, LimitReason, LoadReadings } from './capacity.js';

/** What still runs after a halving has to end before the load can show whether it was enough. */
const settleMs = 2000;
/** So long every signal has to be calm before the limit rises again; twice as long after each rise that was too early. */
const calmMs = 2000;
const maxCalmMs = 32_000;
const earlyMs = 20_000;
const stepEveryMs = 1000;
const showsWithinMs = 500;
/** A step is this share of the way from the minimum to the maximum, and this share below the last overload's limit. */
const stepShare = 1 / 8;
const carefulShare = 0.8;
const carefulEveryMs = 10_000;
/** What the load must show to bear, of the limit that was too much, for that to have been a moment. */
const bearsShare = 1.5;
/** After so long without overload the old bound is forgotten. */
const forgetMs = 120_000;
/** Calm is this share of high: the gap in which nothing changes. */
const calmShare: Record<LoadName, number> = { cpu: 0.85, memory: 0.9, event_loop: 0.4 };

/**
 * @source story-17.4 task 3 (CPU > 80 % or memory > 85 % halves; 10 to 50); Chiu and Jain (1989), additive increase,
 * multiplicative decrease
 */
export function createAdaptiveCapacity(settings: () => SchedulerSettings, nowMs: number): Capacity {
  let limit = settings().min_concurrency;
  let reason: LimitReason = 'start';
  let isStarting = true;
  let overloadedMs = Number.NEGATIVE_INFINITY;
  let overloadedLimit = Number.POSITIVE_INFINITY;
  let calmSinceMs: number | undefined;
  let neededCalmMs = calmMs;
  let steppedMs = nowMs;
  let doubledMs: number | undefined;
  let endedSinceDoubling = 0;
  /** The lowest load ever seen: what is there without the tasks. */
  const floor: { cpu?: number; memory?: number } = {};

  const bounds = () => {
    const { min_concurrency: min, max_concurrency: max } = settings();
    return { min, max: Math.max(min, max) };
  };
  const high = (): Record<LoadName, number> => {
    const { cpu_high_ratio, memory_high_ratio, event_loop_high_ms } = settings();
    return { cpu: cpu_high_ratio, memory: memory_high_ratio, event_loop: event_loop_high_ms };
  };
  const set = (next: number, why: LimitReason) => {
    const { min, max } = bounds();
    const bounded = Math.min(max, Math.max(min, next));
    if (bounded === limit) return;
    limit = bounded;
    reason = why;
  };

  /** How far the limit may rise if each further slot costs as much processor and memory as the present ones do. */
  const affordable = (readings: LoadReadings) => {
    const thresholds = high();
    let most = Number.POSITIVE_INFINITY;
    for (const name of ['cpu', 'memory'] as const) {
      const cost = (readings[name] ?? 0) - (floor[name] ?? 0);
      if (cost > 0) most = Math.min(most, Math.floor((limit * (thresholds[name] - (floor[name] ?? 0))) / cost));
    }
    return most;
  };

  /** What was let in has to show its load first: as many have ended as there are slots, or a while has passed. */
  const double = (now: number, most: number) => {
    doubledMs ??= now;
    if (endedSinceDoubling < limit && now - doubledMs < showsWithinMs) return;
    doubledMs = now;
    endedSinceDoubling = 0;
    set(Math.max(limit, Math.min(limit * 2, most)), 'calm');
  };

  const rise = (now: number, most: number) => {
    const { min, max } = bounds();
    if (now - overloadedMs > forgetMs) {
      overloadedLimit = Number.POSITIVE_INFINITY;
      neededCalmMs = calmMs;
    }
    const bound = most >= overloadedLimit * bearsShare ? Number.POSITIVE_INFINITY : overloadedLimit * carefulShare;
    const isCareful = limit >= bound;
    if (most <= limit || now - steppedMs < (isCareful ? carefulEveryMs : stepEveryMs)) return;
    steppedMs = now;
    const step = Math.max(1, Math.round((max - min) * stepShare));
    const upTo = Math.max(limit, Math.ceil(bound));
    set(Math.min(most, isCareful ? limit + 1 : Math.min(limit + step, upTo)), 'calm');
  };

  return {
    get limit() {
      return limit;
    },
    get reason() {
      return reason;
    },
    sample(now: number, readings: LoadReadings, { isUsed, ended }: Demand) {
      set(limit, 'settings');
      endedSinceDoubling += ended;
      const thresholds = high();
      const names = Object.keys(readings) as LoadName[];
      for (const name of ['cpu', 'memory'] as const) {
        if (readings[name] !== undefined) floor[name] = Math.min(floor[name] ?? 1, readings[name]);
      }
      const over = names.find((name) => (readings[name] as number) > thresholds[name]);
      if (over !== undefined) {
        calmSinceMs = undefined;
        isStarting = false;
        if (now - overloadedMs < settleMs) return;
        if (steppedMs > overloadedMs && now - steppedMs < earlyMs) neededCalmMs = Math.min(maxCalmMs, neededCalmMs * 2);
        overloadedMs = now;
        overloadedLimit = limit;
        set(Math.floor(limit / 2), over);
        // At the minimum nothing is left to halve, and this is why it stays there.
        reason = over;
        return;
      }
      const isCalm = names.every((name) => (readings[name] as number) < thresholds[name] * calmShare[name]);
      if (!isCalm) {
        calmSinceMs = undefined;
        return;
      }
      calmSinceMs ??= now;
      if (reason in calmShare && now - calmSinceMs >= maxCalmMs) reason = 'calm';
      if (!isUsed) return;
      const most = affordable(readings);
      if (isStarting) double(now, most);
      else if (now - calmSinceMs >= neededCalmMs) rise(now, most);
    },
  };
}
