import { expect, it } from 'vitest';
import { pauseSeconds, withMeasured } from '../../../src/optimizations/verification/pause.js';

const settings = { at_least_every_seconds: 5, max_time_ratio: 0.05 };

it.each([
  ['nothing was measured yet', [], 5],
  ['it costs next to nothing', [0.001], 5],
  ['it takes more than its share of five seconds, but little', [0.35], 5],
  ['it takes a second and a half', [1.5], 6],
  ['it takes as long as may be for ten seconds', [2], 8],
  ['it takes longer', [2.1], 42],
  ['it seemed to take long while the process was busy', [6, 0.3, 9], 5],
])('where %s', (_, measured, expected) => {
  expect(pauseSeconds(measured, false, settings)).toBeCloseTo(expected);
});

it('after one that came to nothing is as short as its share of the time allows, and never longer than usual', () => {
  expect(pauseSeconds([0.05], true, settings)).toBeCloseTo(1);
  expect(pauseSeconds([0.35], true, settings)).toBeCloseTo(5);
  expect(pauseSeconds([3], true, settings)).toBeCloseTo(60);
});

it('goes by the last three times', () => {
  const measured = [0.1, 1, 2, 3].reduce<readonly number[]>(withMeasured, []);
  expect(measured).toEqual([3, 2, 1]);
});
