import { describe, expect, it } from 'vitest';
import { createAdaptiveCapacity } from '../../../src/scheduler/capacity/adaptive-capacity.js';
import type { LoadReadings } from '../../../src/scheduler/capacity/capacity.js';
import { defaultSettings } from '../open-test-scheduler.js';

const tickMs = 250;
const calm: LoadReadings = { cpu: 0.2, memory: 0.3, event_loop: 1 };

/** A capacity and what became of its limit, look by look. */
function startCapacity(settings = defaultSettings) {
  let now = 0;
  const capacity = createAdaptiveCapacity(() => settings, 0);
  return {
    capacity,
    /** Looks for so many seconds at what `load` says. Returns the limit at each look. */
    look(
      seconds: number,
      load: LoadReadings | ((nowMs: number, limit: number) => LoadReadings),
      isUsed = true,
      ended = 50,
    ): number[] {
      return Array.from({ length: (seconds * 1000) / tickMs }, () => {
        now += tickMs;
        capacity.sample(now, typeof load === 'function' ? load(now, capacity.limit) : load, { isUsed, ended });
        return capacity.limit;
      });
    },
  };
}

describe('the adaptive limit', () => {
  it('begins at the minimum and doubles to the maximum while the machine is calm', () => {
    const { capacity, look } = startCapacity();
    expect(capacity.limit).toBe(10);
    expect(look(1, calm)).toEqual([20, 40, 50, 50]);
  });

  it('lets what it let in show its load before it doubles again', () => {
    const { look } = startCapacity();
    expect(look(1.75, calm, true, 0)).toEqual([10, 10, 20, 20, 40, 40, 50]);
    const { look: lookAgain } = startCapacity();
    expect(lookAgain(1.25, calm, true, 7)).toEqual([10, 20, 20, 40, 40]);
  });

  it('does not rise while nobody needs it', () => {
    const { look } = startCapacity();
    expect(new Set(look(30, calm, false))).toEqual(new Set([10]));
  });

  it.each([
    ['cpu', { cpu: 0.81 }],
    ['memory', { memory: 0.86 }],
    ['event_loop', { event_loop: 51 }],
  ] as const)('is halved at once by %s, and never below the minimum', (name, over) => {
    const { capacity, look } = startCapacity();
    look(1, calm);
    expect(look(0.25, { ...calm, ...over })).toEqual([25]);
    expect(capacity.reason).toBe(name);
    // What runs has to end before the load can show whether that was enough.
    expect(new Set(look(1.75, { ...calm, ...over }))).toEqual(new Set([25]));
    expect(look(0.25, { ...calm, ...over })).toEqual([12]);
    expect(look(60, { ...calm, ...over }).at(-1)).toBe(10);
    expect(Math.min(...look(60, { ...calm, ...over }))).toBe(10);
  });

  it('says why it stays at the minimum, and that it is calm again after a while', () => {
    const { capacity, look } = startCapacity();
    expect(capacity.reason).toBe('start');
    look(1, { ...calm, cpu: 1 });
    expect([capacity.limit, capacity.reason]).toEqual([10, 'cpu']);
    look(3, { ...calm, memory: 0.9 });
    expect([capacity.limit, capacity.reason]).toEqual([10, 'memory']);
    look(31, calm, false);
    expect(capacity.reason).toBe('memory');
    look(2, calm, false);
    expect([capacity.limit, capacity.reason]).toEqual([10, 'calm']);
  });

  it('stays where it is at exactly the thresholds, and in the gap below them', () => {
    const { look } = startCapacity();
    look(1, calm);
    look(0.25, { cpu: 0.9 });
    expect(new Set(look(60, { cpu: 0.8, memory: 0.85, event_loop: 50 }))).toEqual(new Set([25]));
    expect(new Set(look(60, { cpu: 0.7, memory: 0.3 }))).toEqual(new Set([25]));
  });

  it('rises step by step after a while of calm, carefully where it was too much before', () => {
    const { look } = startCapacity();
    // Two thirds of the processor at the maximum: there is little to spare.
    const follows = (_: number, limit: number) => ({ ...calm, cpu: limit * 0.0135 });
    look(1, follows);
    look(0.25, { cpu: 0.9 });
    expect(new Set(look(1.75, follows))).toEqual(new Set([25]));
    const limits = look(60, follows);
    const steps = limits.filter((limit, i) => limit !== limits[i - 1]);
    expect(steps).toEqual([25, 30, 35, 40, 41, 42, 43, 44, 45].slice(limits[0] === 25 ? 0 : 1));
    // Long after the overload nothing is left of it.
    look(70, follows);
    expect(look(5, follows).at(-1)).toBe(50);
  });

  it('rises in full steps where the load shows that it was too much for a moment only', () => {
    const { look } = startCapacity();
    look(1, calm);
    look(0.25, { cpu: 0.9 });
    const limits = look(10, calm);
    const steps = limits.filter((limit, i) => limit !== limits[i - 1]);
    expect(steps).toEqual([25, 30, 35, 40, 45, 50]);
  });

  it('needs every signal to be calm, but not signals that are unknown', () => {
    const { look } = startCapacity();
    look(1, calm);
    look(0.25, { cpu: 0.9 });
    expect(new Set(look(20, { ...calm, memory: 0.84 }))).toEqual(new Set([25]));
    expect(look(20, { cpu: 0.1 }).at(-1)).toBeGreaterThanOrEqual(40);
  });

  it('does not flap under a load that follows the limit', () => {
    const { look } = startCapacity();
    // Each task takes 1/30 of the processor: 24 are too many, 20 leave the calm.
    const limits = look(600, (_, limit) => ({ ...calm, cpu: Math.min(1, limit / 30) }));
    const halvings = limits.filter((limit, i) => limit < (limits[i - 1] ?? 0)).length;
    expect(halvings).toBeLessThanOrEqual(2);
    expect(limits.at(-1)).toBeGreaterThanOrEqual(19);
    expect(limits.at(-1)).toBeLessThanOrEqual(24);
  });

  it('does not flap under a load that swings around a threshold', () => {
    const { look } = startCapacity();
    const limits = look(600, (nowMs) => ({ ...calm, cpu: 0.76 + 0.1 * Math.sin(nowMs / 3000) }));
    const changes = limits.filter((limit, i) => i > 0 && limit !== limits[i - 1]).length;
    expect(changes).toBeLessThanOrEqual(6);
    expect(limits.at(-1)).toBe(10);
  });

  it('rises no further than memory would bear if each slot takes as much as the present ones', () => {
    const { look } = startCapacity();
    look(1, { ...calm, memory: 0.1 }, false);
    // 10 slots take 0.4 of what there is: 18 would reach the 0.85 that is too much.
    const limits = look(20, (_, limit) => ({ ...calm, memory: 0.1 + 0.04 * limit }));
    expect(limits.at(-1)).toBe(18);
    expect(Math.max(...limits)).toBe(18);
  });

  it('keeps to bounds that are changed while it runs, and to a maximum below the minimum', () => {
    const settings = { ...defaultSettings };
    const { look } = startCapacity(settings);
    look(1, calm);
    settings.max_concurrency = 30;
    expect(look(0.25, calm)).toEqual([30]);
    settings.min_concurrency = 40;
    expect(look(0.25, calm)).toEqual([40]);
    expect(look(10, calm).at(-1)).toBe(40);
  });
});
