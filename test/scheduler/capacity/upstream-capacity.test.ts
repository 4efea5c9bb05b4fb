import { describe, expect, it } from 'vitest';
import { createUpstreamCapacity } from '../../../src/scheduler/capacity/upstream-capacity.js';

const max = 50;
const attempt = (
  outcome: 'ok' | 'busy' | 'timeout' | 'failed',
  othersRunning: number,
  durationSeconds = 1,
  retryAfterSeconds?: number,
) =>
  ({
    type: 'attempt',
    upstream: 'model',
    outcome,
    durationSeconds,
    retryAfterSeconds,
    othersRunning,
    isStream: false,
  }) as const;

/** A server that takes so many at once, asked by as many as the limit allows, each answer taking one second. */
function learn(takes: number, seconds: number) {
  const capacity = createUpstreamCapacity(10);
  let refused = 0;
  const limits: number[] = [];
  for (let second = 0; second < seconds; second++) {
    const asked = capacity.limit;
    const nowMs = second * 1000;
    for (let running = asked; running > takes; running--) {
      refused++;
      capacity.observe(attempt('busy', running - 1), nowMs, max);
    }
    for (let running = Math.min(asked, takes); running > 0; running--) {
      capacity.observe(attempt('ok', Math.min(asked, takes) - 1), nowMs + 900, max);
    }
    limits.push(Math.min(capacity.limit, takes));
  }
  return { capacity, refused, limits };
}

describe('what another server takes at once', () => {
  it.each([1, 3, 8, 10, 17, 40])('is learnt exactly when it is %i, at the price of few refusals', (takes) => {
    const { refused, limits } = learn(takes, 60);
    expect(limits.slice(5).every((limit) => limit === takes)).toBe(true);
    // The first guess, what doubling overshoots, and one now and then.
    expect(refused).toBeLessThanOrEqual(10 + takes + 5);
  });

  it('is what it took when the refused one was sent, though all of those were answered meanwhile', () => {
    const capacity = createUpstreamCapacity(30);
    capacity.observe({ ...attempt('busy', 1), othersAccepted: 20 }, 0, max);
    expect(capacity.limit).toBe(20);
  });

  it('is everything when it never refuses', () => {
    expect(learn(100, 10).capacity.limit).toBe(max);
  });

  it('is not raised while fewer are asked for', () => {
    const capacity = createUpstreamCapacity(10);
    for (let i = 0; i < 100; i++) capacity.observe(attempt('ok', 2), i * 1000, max);
    expect(capacity.limit).toBe(10);
  });

  it('is found again after the server grew', () => {
    const capacity = createUpstreamCapacity(10);
    capacity.observe(attempt('busy', 4), 0, max);
    expect(capacity.limit).toBe(4);
    for (let second = 0; second < 120; second++)
      capacity.observe(attempt('ok', capacity.limit - 1), second * 1000, max);
    expect(capacity.limit).toBeGreaterThan(20);
  });

  it('is at least one', () => {
    const capacity = createUpstreamCapacity(10);
    capacity.observe(attempt('busy', 0), 0, max);
    expect(capacity.limit).toBe(1);
  });

  it('is halved by a time-out, once for all that time out together', () => {
    const capacity = createUpstreamCapacity(10);
    for (let i = 0; i < 10; i++) capacity.observe(attempt('timeout', 9), 0, max);
    expect(capacity.limit).toBe(5);
    capacity.observe(attempt('timeout', 9), 10_000, max);
    expect(capacity.limit).toBe(3);
  });

  it('is not raised while answers become slower', () => {
    const capacity = createUpstreamCapacity(10);
    for (let i = 0; i < 5; i++) capacity.observe(attempt('ok', 0), 0, max);
    for (let i = 0; i < 10; i++) capacity.observe(attempt('ok', 9, 10), 0, max);
    expect(capacity.limit).toBeLessThanOrEqual(12);
  });

  it('is learnt from streams when they begin, not from how long they go on', () => {
    const capacity = createUpstreamCapacity(10);
    const begins = { type: 'answering', upstream: 'model', durationSeconds: 0.3, othersRunning: 9 } as const;
    capacity.observe({ ...attempt('ok', 9, 60), isStream: true }, 0, max);
    capacity.observe({ ...attempt('ok', 9, 60), isStream: true }, 0, max);
    expect(capacity.limit).toBe(10);
    capacity.observe(begins, 0, max);
    capacity.observe(begins, 0, max);
    expect(capacity.limit).toBe(11);
    capacity.observe({ ...attempt('timeout', 9, 120), isStream: true }, 0, max);
    expect(capacity.limit).toBe(6);
  });

  it('says why it changed', () => {
    const capacity = createUpstreamCapacity(10);
    expect(capacity.reason).toBeUndefined();
    for (let i = 0; i < 2; i++) capacity.observe(attempt('ok', 9), 0, max);
    expect([capacity.limit, capacity.reason]).toEqual([11, 'grown']);
    capacity.observe(attempt('busy', 6), 0, max);
    expect([capacity.limit, capacity.reason]).toEqual([6, 'busy']);
    capacity.observe(attempt('ok', 5), 5000, max);
    expect([capacity.limit, capacity.reason]).toEqual([7, 'probe']);
    capacity.observe(attempt('timeout', 6), 60_000, max);
    expect([capacity.limit, capacity.reason]).toEqual([4, 'timeout']);
    capacity.observe(attempt('failed', 3), 60_000, 2);
    expect([capacity.limit, capacity.reason]).toEqual([2, 'setting']);
  });

  it('does not change with failures that say nothing about it', () => {
    const capacity = createUpstreamCapacity(10);
    capacity.observe(attempt('failed', 3), 0, max);
    expect(capacity.limit).toBe(10);
    expect(capacity.pausedUntilMs).toBeLessThan(0);
  });
});
