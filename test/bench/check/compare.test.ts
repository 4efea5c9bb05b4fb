import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkBench, committedRows } from '../../../bench/check/check-bench.js';
import { judge } from '../../../bench/check/compare.js';
import { type BenchResult, saveResult } from '../../../bench/report/results.js';
import type { Figure } from '../../../bench/report/section.js';
import { temporaryFolder } from '../../support/folder.js';

const figure = (rounds: number[], more: Partial<Figure> = {}): Figure => ({
  measure: 'baseline / optimized',
  unit: 'x',
  rounds,
  perRound: '500 requests',
  holds: 'high',
  ...more,
});
const resultOf = (figures: Figure[], machine = '2 cores (A), 4 GiB memory, 2026-11-21'): BenchResult => ({
  name: 'canvases',
  command: 'npm run bench -- canvases',
  machine,
  sections: [{ title: 'Reads', how: '', figures, tables: [] }],
});
const judged = (committed: number[], now: number[], more: Partial<Figure> = {}) =>
  judge(resultOf([figure(committed, more)]), resultOf([figure(now, more)]).sections)[0];

describe('a ratio', () => {
  it('is lost when it is worse by more than the rounds scatter', () => {
    expect(judged([10, 10.5, 11], [8, 8.2, 8.4])).toMatchObject({ verdict: 'lost', committed: 10.5, now: 8.2 });
  });

  it('is kept when a round now is as good as a committed one', () => {
    expect(judged([10, 10.5, 11], [8, 9, 10.1])).toMatchObject({ verdict: 'kept' });
    expect(judged([8, 10.5, 11], [8, 8.2, 8.4])).toMatchObject({ verdict: 'kept' });
  });

  it('is kept when it is better, however far', () => {
    const kept = judged([10, 10.5, 11], [30, 31, 32]);
    expect(kept).toMatchObject({ verdict: 'kept' });
    expect(kept?.verdict === 'kept' && kept.loss).toBeLessThan(0);
  });

  it('that is to be low is lost upwards', () => {
    expect(judged([1, 1.1, 1.2], [1.5, 1.6, 1.7], { holds: 'low' })).toMatchObject({ verdict: 'lost' });
    expect(judged([1.5, 1.6, 1.7], [1, 1.1, 1.2], { holds: 'low' })).toMatchObject({ verdict: 'kept' });
  });

  it('that never scattered is not lost by a hundredth', () => {
    expect(judged([100, 100, 100], [99, 99, 99])).toMatchObject({ verdict: 'kept' });
    expect(judged([100, 100, 100], [97, 97, 97])).toMatchObject({ verdict: 'lost' });
  });

  it('is lost in a sample only by more than other machines and other load may take', () => {
    const judgedAtLeast = (now: number[]) =>
      judge(resultOf([figure([90, 100, 110])]), resultOf([figure(now)]).sections, true)[0];
    expect(judgedAtLeast([34, 36, 40])).toMatchObject({ verdict: 'kept' });
    expect(judgedAtLeast([30, 32, 33])).toMatchObject({ verdict: 'lost' });
    expect(judgedAtLeast([20, 32, 95])).toMatchObject({ verdict: 'kept' });
  });

  it('tells loss and noise as shares of the committed one', () => {
    const lost = judged([10, 10, 10], [5, 5, 5]);
    expect(lost?.verdict === 'lost' && lost.loss).toBeCloseTo(0.5, 10);
    expect(lost?.verdict === 'lost' && lost.noise).toBeCloseTo(0.0198, 4);
  });

  it('is lost where nothing of it is left, whatever the number of rounds', () => {
    for (const nothing of [0, -20, Number.NaN, Number.POSITIVE_INFINITY]) {
      const now = [nothing, nothing, nothing];
      expect(judged([10, 10, 10], now)).toMatchObject({ verdict: 'lost' });
      expect(judged([10, 10, 10], now, { holds: 'low' })).toMatchObject({ verdict: 'lost' });
      expect(judged([10, 30], now.slice(1))).toMatchObject({ verdict: 'lost' });
      expect(judge(resultOf([figure([10, 10, 10])]), resultOf([figure(now)]).sections, true)).toMatchObject([
        { verdict: 'lost' },
      ]);
    }
    expect(judged([10, 10, 10], [0, 0, 0])).toMatchObject({ committed: 10, now: 0, loss: expect.closeTo(1, 10) });
    expect(judged([10, 10, 10, 10], [10, 10, Number.NaN, 10])).toMatchObject({ verdict: 'kept' });
  });

  it('of rounds in which noise is not seen is lost when less than half of it is left', () => {
    expect(judged([10, 10], [5.1, 5.1, 5.1])).toMatchObject({ verdict: 'kept', noise: expect.closeTo(0.5, 10) });
    expect(judged([10, 10], [4.9, 4.9, 4.9])).toMatchObject({ verdict: 'lost' });
    expect(judged([10, 10, 10], [4.9])).toMatchObject({ verdict: 'lost' });
    expect(judged([10], [5.1])).toMatchObject({ verdict: 'kept' });
    expect(judged([2, 18], [2, 3])).toMatchObject({ verdict: 'kept' });
  });

  it('is not judged where a committed round gave no number, or where it cannot be measured', () => {
    for (const nothing of [0, -1, Number.NaN]) {
      expect(judged([10, nothing, 10], [1, 1, 1])).toMatchObject({ reason: 'a committed round gave no number' });
    }
    expect(judged([], [1, 1, 1])).toMatchObject({ reason: 'a committed round gave no number' });
    expect(judged([10, 10, 10], [])).toMatchObject({ reason: 'it cannot be measured here' });
  });

  it('is not judged against another section, another measure or another unit, and the committed one is missing', () => {
    const now = resultOf([figure([1, 1, 1])]).sections;
    const renamed = [{ title: 'Writes', how: '', figures: [figure([1, 1, 1])], tables: [] }];
    for (const judgements of [
      judge(resultOf([figure([9, 9, 9], { measure: 'other' })]), now),
      judge(resultOf([figure([9, 9, 9], { unit: '%' })]), now),
      judge(resultOf([figure([9, 9, 9])]), renamed),
    ]) {
      expect(judgements).toMatchObject([
        { verdict: 'unknown', reason: 'there is no committed number' },
        { verdict: 'missing' },
      ]);
    }
  });

  it('that is committed is missing where its section does not hold it any more', () => {
    const { holds: _, ...told } = figure([10, 10, 10]);
    expect(judge(resultOf([figure([10, 10, 10])]), resultOf([told]).sections)).toEqual([
      { section: 'Reads', measure: 'baseline / optimized', verdict: 'missing' },
    ]);
    expect(judge(resultOf([told]), resultOf([]).sections)).toEqual([]);
  });

  it('of a section that a sample leaves out is not missing, one of a section that it measures is', () => {
    const committed = resultOf([figure([10, 10, 10])]);
    expect(judge(committed, [], true)).toEqual([]);
    expect(judge(committed, resultOf([]).sections, true)).toMatchObject([{ verdict: 'missing' }]);
    expect(judge(committed, [])).toMatchObject([{ verdict: 'missing' }]);
  });
});

it('times are never judged', () => {
  const { holds: _, ...time } = figure([1, 1, 1], { unit: 'ms' });
  const slower = { ...time, rounds: [100, 100, 100] };
  expect(judge(resultOf([time]), resultOf([slower]).sections)).toEqual([]);
});

describe('a check', () => {
  const good = resultOf([figure([10, 10.5, 11])]);
  const worse = resultOf([figure([8, 8.2, 8.4])]);

  it('fails on a loss, and says which', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, good);
    const { text, isLost } = await checkBench(folder, worse);
    expect(isLost).toBe(true);
    expect(text).toMatch(/Reads: baseline \/ optimized \| +10\.5 \| +8\.2 \| +21\.9% \| +7% \| +lost/);
    expect(text).toContain('1 of 1 ratios lost more than the noise of their rounds.');
  });

  it('passes within the noise', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, good);
    const { text, isLost } = await checkBench(folder, resultOf([figure([9.9, 10, 10.2])]));
    expect(isLost).toBe(false);
    expect(text).toContain('1 ratios judged, none lost; 0 not judged.');
  });

  it('fails where a committed ratio is not measured any more, and says which', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, resultOf([figure([10, 10.5, 11]), figure([3, 3, 3], { measure: 'writes saved' })]));
    const { text, isLost } = await checkBench(folder, good);
    expect(isLost).toBe(true);
    expect(text).toMatch(/Reads: writes saved .* lost: not measured any more/);
    expect(text).toContain('1 committed ratios are not measured any more.');
    expect(text).not.toContain('lost more than');
  });

  it('fails where it judges nothing of what is committed', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, good);
    const renamed = { ...good, sections: good.sections.map((section) => ({ ...section, title: 'Other' })) };
    for (const sampled of [renamed, { ...good, sections: [] }]) {
      const { text, isLost } = await checkBench(folder, sampled, true);
      expect(isLost).toBe(true);
      expect(text).toContain('A check that judges nothing fails.');
    }
  });

  it('measures as many records as are committed', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, { ...good, command: 'npm run bench -- canvases --rows 10000,200000' });
    expect(await committedRows(folder, 'canvases')).toEqual([10_000, 200_000]);
    await saveResult(folder, good);
    expect(await committedRows(folder, 'canvases')).toEqual([]);
    expect(await committedRows(path.join(folder, 'missing'), 'canvases')).toEqual([]);
  });

  it('passes without committed numbers, and says so', async () => {
    const folder = await temporaryFolder();
    for (const where of [folder, path.join(folder, 'missing')]) {
      const { text, isLost } = await checkBench(where, worse);
      expect(isLost).toBe(false);
      expect(text).toContain('There are no committed numbers of canvases');
      expect(text).toContain('not judged: there is no committed number');
    }
  });

  it('says when the committed numbers come from another machine', async () => {
    const folder = await temporaryFolder();
    await saveResult(folder, { ...good, machine: '64 cores (B), 4 GiB memory, 2026-11-21' });
    expect((await checkBench(folder, good)).text).toContain('another machine (64 cores');
    await saveResult(folder, { ...good, machine: good.machine.replace('21', '22') });
    expect((await checkBench(folder, good)).text).not.toContain('another machine');
  });

  it('breaks on committed numbers that cannot be read', async () => {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'canvases.json'), '{');
    await expect(checkBench(folder, good)).rejects.toThrow();
  });
});
