import { expect, it } from 'vitest';
import { sweepIntervalMs } from '../../../src/canvases/changes/sweep-interval.js';

it.each([
  { isWatched: true, busyMs: 0, wanted: 700 },
  { isWatched: true, busyMs: 14, wanted: 700 },
  { isWatched: true, busyMs: 50, wanted: 2500 },
  { isWatched: true, busyMs: 5000, wanted: 10_000 },
  { isWatched: false, busyMs: 50, wanted: 700 },
  { isWatched: false, busyMs: 140, wanted: 700 },
  { isWatched: false, busyMs: 400, wanted: 2000 },
  { isWatched: false, busyMs: 5000, wanted: 10_000 },
])('a sweep of $busyMs ms is followed by the next after $wanted ms, watched: $isWatched', ({ wanted, ...cost }) => {
  expect(Math.round(sweepIntervalMs({ intervalMs: 700, ...cost }))).toBe(wanted);
});
