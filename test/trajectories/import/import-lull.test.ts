import { describe, expect, it } from 'vitest';
import { createImportLull } from '../../../src/trajectories/import/import-lull.js';
import { ManualClock, settle } from '../../support/manual-clock.js';

function openLull() {
  const clock = new ManualClock();
  const lull = createImportLull((delayMs, work) => clock.after(delayMs, work));
  const upkeep: string[] = [];
  const begin = (name: string) => void lull.wait().then(() => upkeep.push(name));
  let end = () => {};
  const startImport = () => {
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    return { end, done: lull.during(() => ended) };
  };
  return { clock, lull, upkeep, begin, startImport };
}

describe('upkeep', () => {
  it('waits for nothing while no import runs', async () => {
    const { upkeep, begin, clock } = openLull();
    begin('one');
    await settle();
    expect(upkeep).toEqual(['one']);
    expect(clock.timers).toBe(0);
  });

  it('waits until the last of the imports that run has ended', async () => {
    const { upkeep, begin, startImport, clock } = openLull();
    const first = startImport();
    const second = startImport();
    begin('one');
    first.end();
    await first.done;
    await settle();
    expect(upkeep).toEqual([]);
    second.end();
    await second.done;
    await settle();
    expect(upkeep).toEqual(['one']);
    expect(clock.timers).toBe(0);
  });

  it('goes on beside an import that runs longer than five minutes, and waits for the next one again', async () => {
    const { upkeep, begin, startImport, clock } = openLull();
    const long = startImport();
    begin('one');
    await clock.advance(5 * 60_000 - 1);
    expect(upkeep).toEqual([]);
    await clock.advance(1);
    begin('two');
    await settle();
    expect(upkeep).toEqual(['one', 'two']);
    long.end();
    await long.done;
    startImport();
    begin('three');
    await settle();
    expect(upkeep).toEqual(['one', 'two']);
  });

  it('goes on after an import that failed, whose error is passed on', async () => {
    const { upkeep, begin, lull } = openLull();
    const failed = lull.during(() => Promise.reject(new Error('EIO')));
    begin('one');
    await expect(failed).rejects.toThrow('EIO');
    await settle();
    expect(upkeep).toEqual(['one']);
  });
});
