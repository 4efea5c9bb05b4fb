import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { checkedOf, withoutRatios } from '../../../bench/check/check-bench.js';
import { judge } from '../../../bench/check/compare.js';
import { type BenchResult, readResults } from '../../../bench/report/results.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = path.join(root, 'docs/benchmarks');
const names = (await readdir(folder)).map((file) => path.basename(file, '.json'));
const committed = await readResults(folder, names);
const heldBy = ({ sections }: BenchResult) =>
  sections.flatMap(({ title, figures }) =>
    figures.filter(({ holds }) => holds !== undefined).map((figure) => ({ title, figure })),
  );

test('each committed bench holds a ratio, but those that a check leaves out', () => {
  expect(committed.filter((result) => heldBy(result).length === 0).map(({ name }) => name)).toEqual(
    names.filter((name) => withoutRatios.includes(name)),
  );
});

test.each(committed.flatMap((result) => heldBy(result).map((held) => ({ result, ...held }))))(
  '$result.name, $title, $figure.measure: is lost when nothing of it is left, and kept when nothing has changed',
  ({ result, title, figure }) => {
    const after = (change: (value: number) => number) => {
      const sections = result.sections.map((section) => ({
        ...section,
        figures: section.figures.map((each) => ({ ...each, rounds: each.rounds.map(change) })),
      }));
      return judge(result, sections).find((each) => each.section === title && each.measure === figure.measure)?.verdict;
    };
    expect(after(() => 0)).toBe('lost');
    expect(after((value) => value * (figure.holds === 'low' ? 100 : 0.01))).toBe('lost');
    expect(after((value) => value)).toBe('kept');
  },
);

test('a check leaves out the benches without ratios, and says so', () => {
  expect(checkedOf(['canvases', 'pages', 'memory', 'rollback'])).toEqual({
    checked: ['canvases', 'memory'],
    note: 'Not checked, for they have no ratios: pages, rollback.',
  });
  expect(checkedOf(['canvases'])).toEqual({ checked: ['canvases'], note: undefined });
});
