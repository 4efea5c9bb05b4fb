import { expect, it } from 'vitest';
import { createLogger } from '../../../../src/logger.js';
import { ShownRows } from '../../../../src/trajectories/import/following/shown-rows.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

function openShown(show?: () => Promise<void>) {
  const clock = new ManualClock();
  const shownAt: number[] = [];
  const shown = new ShownRows({
    async show() {
      shownAt.push(clock.now());
      await show?.();
    },
    logger: createLogger('silent'),
    now: () => clock.now(),
  });
  return { clock, shown, shownAt };
}

it('the first rows are shown at once, those after them twice a second, the last ones at the end', async () => {
  const { clock, shown, shownAt } = openShown();
  for (let commit = 0; commit < 12; commit++) {
    shown.committed();
    await clock.advance(100);
  }
  expect(shownAt).toEqual([0, 500, 1000]);
  await shown.finish();
  expect(shownAt).toEqual([0, 500, 1000, 1200]);
  await shown.finish();
  expect(shownAt).toHaveLength(4);
});

it('rows that no commit follows are shown when it is asked whether they are due', async () => {
  const { clock, shown, shownAt } = openShown();
  shown.committed();
  await clock.advance(100);
  shown.committed();
  shown.showWhenDue();
  expect(shownAt).toEqual([0]);
  await clock.advance(400);
  shown.showWhenDue();
  shown.showWhenDue();
  expect(shownAt).toEqual([0, 500]);
});

it('the end waits for a look that is under way, and looks again where rows came meanwhile', async () => {
  const ends: (() => void)[] = [];
  const { shown, shownAt } = openShown(() => new Promise((resolve) => ends.push(resolve)));
  shown.committed();
  shown.committed();
  let isFinished = false;
  const finished = shown.finish().then(() => {
    isFinished = true;
  });
  await settle();
  expect(shownAt).toHaveLength(1);
  ends.shift()!();
  await settle();
  expect([shownAt.length, isFinished]).toEqual([2, false]);
  ends.shift()!();
  await finished;
});

it('a look that fails ends nothing', async () => {
  const { shown, shownAt } = openShown(() => Promise.reject(new Error('EIO')));
  shown.committed();
  await shown.finish();
  shown.committed();
  await shown.finish();
  expect(shownAt).toHaveLength(2);
});
