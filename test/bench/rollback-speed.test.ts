import { expect, test } from 'vitest';
import { longestFigure } from '../../bench/monitoring/rollback-speed.js';
import { sectionMarkdown } from '../../bench/report/markdown.js';

test('a bound that holds for every fault is missed by one that took too long, whatever the median', () => {
  const tell = (seconds: number[][]) =>
    sectionMarkdown({ title: 'Rollback', how: 'so', figures: [longestFigure(seconds)], tables: [] });
  expect(tell([[1, 2, 12.6], [3]])).toMatch(/longest of all faults \| +<= 10 s \| +12\.6 s .* 4 faults \| +not met/);
  expect(tell([[1, 2, 10], [3]])).toMatch(/10 s .*\| +met \|/);
});
