import { describe, expect, it } from 'vitest';
import { createSettledPasses } from '../../src/scheduler/index.js';
import { ManualClock, settle } from '../support/manual-clock.js';

function openPasses() {
  const clock = new ManualClock();
  const closing = new AbortController();
  const begunAt: number[] = [];
  const ends: (() => void)[] = [];
  const passes = createSettledPasses({
    pass: () => {
      begunAt.push(clock.now());
      return new Promise((resolve) => ends.push(resolve));
    },
    quietMs: 100,
    maxDelayMs: 1000,
    after: (delayMs, work) => clock.after(delayMs, work),
    now: () => clock.now(),
    signal: closing.signal,
  });
  const endPass = async () => {
    ends.shift()?.();
    await settle();
  };
  return { clock, closing, passes, begunAt, endPass };
}

describe('passes that follow changes', () => {
  it('begins once for changes that come together, when they have been quiet', async () => {
    const { clock, passes, begunAt } = openPasses();
    for (let change = 0; change < 5; change++) {
      passes.changed();
      await clock.advance(50);
    }
    expect(begunAt).toEqual([]);
    await clock.advance(50);
    expect(begunAt).toEqual([300]);
  });

  it('begins at the latest so long after the first of changes that never rest', async () => {
    const { clock, passes, begunAt } = openPasses();
    for (let change = 0; change < 21; change++) {
      passes.changed();
      await clock.advance(50);
    }
    expect(begunAt).toEqual([1000]);
  });

  it('never runs two at once: whoever asks meanwhile gets one more after it, and all the same one', async () => {
    const { passes, begunAt, endPass } = openPasses();
    const first = passes.run();
    const second = passes.run();
    expect(passes.run()).toBe(second);
    expect(begunAt).toHaveLength(1);
    await endPass();
    await first;
    expect(begunAt).toHaveLength(2);
    expect(passes.isRunning()).toBe(true);
    await endPass();
    await second;
    expect(passes.isRunning()).toBe(false);
  });

  it('a change is not made to wait for a pass that is due later', async () => {
    const { clock, passes, begunAt } = openPasses();
    passes.runLater(60_000);
    passes.changed();
    passes.runLater(60_000);
    await clock.advance(100);
    expect(begunAt).toEqual([100]);
    expect(clock.timers).toBe(0);
  });

  it('a pass that is due later comes without a change', async () => {
    const { clock, passes, begunAt } = openPasses();
    passes.runLater(60_000);
    await clock.advance(60_000);
    expect(begunAt).toEqual([60_000]);
  });

  it('closing outlasts what runs, and nothing begins after it', async () => {
    const { clock, closing, passes, begunAt, endPass } = openPasses();
    void passes.run();
    const asked = passes.run();
    passes.changed();
    closing.abort();
    const closed = passes.close();
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    await settle();
    expect(isClosed).toBe(false);
    await endPass();
    await Promise.all([closed, asked]);
    passes.changed();
    passes.runLater(10);
    await passes.run();
    await clock.advance(5000);
    expect(begunAt).toHaveLength(1);
  });
});
