import { expect, test } from 'vitest';
import { type CareState, needsLayout, planCare, tidyIntervalMs } from '../../../src/trajectories/store/care-plan.js';

const condition = {
  rows: 100_000,
  missing: [],
  present: [],
  unindexedRatio: 0,
  scatteredRatio: 0,
  fragments: 1,
  bytes: 300 * 2 ** 20,
};
const pieces = (...sizes: number[]) => sizes.map((rows, i) => ({ fragment: 10 + i, rows }));
const state = (
  given: Partial<Omit<CareState, 'condition'>> & { condition?: Partial<typeof condition> },
): CareState => ({
  layout: [],
  versions: 2,
  sinceTidyMs: Number.POSITIVE_INFINITY,
  isQuiet: false,
  ...given,
  condition: { ...condition, ...given.condition },
});
const ones = (count: number) => Array.from({ length: count }, () => 1);

test('a table in order needs nothing, also in quiet times', () => {
  expect(planCare(state({}))).toEqual({ step: 'none' });
  expect(planCare(state({ isQuiet: true, versions: 3 }))).toEqual({ step: 'none' });
});

test('the larger the table, the longer between two times that may rewrite it', () => {
  expect(tidyIntervalMs(0)).toBe(2000);
  expect(tidyIntervalMs(300 * 2 ** 20)).toBe(61_440);
  const behind = { condition: { unindexedRatio: 0.2 } };
  expect(planCare(state({ ...behind, sinceTidyMs: 61_000 })).step).toBe('none');
  expect(planCare(state({ ...behind, sinceTidyMs: 62_000 })).step).toBe('compact');
});

test('a small piece is merged with newer ones until it is four times as large as they are', () => {
  const merge = (...sizes: number[]) =>
    planCare(state({ layout: pieces(90_000, ...sizes), condition: { fragments: sizes.length + 1 } }));
  expect(merge(...ones(31))).toEqual({ step: 'none' });
  expect(merge(...ones(32))).toEqual({ step: 'merge', firstFragment: 11 });
  expect(merge(128, ...ones(32))).toEqual({ step: 'merge', firstFragment: 11 });
  expect(merge(129, ...ones(32))).toEqual({ step: 'merge', firstFragment: 12 });
});

test('many versions, and what is left over in quiet times, are cleared away without the large piece', () => {
  const layout = pieces(90_000, 300, 20);
  const tidy = { step: 'tidy', firstFragment: 11 };
  expect(planCare(state({ layout, versions: 101, condition: { fragments: 3 } }))).toEqual(tidy);
  expect(planCare(state({ layout, versions: 4, isQuiet: true, condition: { fragments: 3 } }))).toEqual(tidy);
  expect(planCare(state({ layout, versions: 101, sinceTidyMs: 10, condition: { fragments: 3 } })).step).toBe('none');
  expect(planCare(state({ layout, versions: 2001, sinceTidyMs: 10, condition: { fragments: 3 } }))).toEqual(tidy);
});

test('where the rows lie is looked up only when that may matter', () => {
  expect(needsLayout(state({ condition: { fragments: 20 } }))).toBe(false);
  expect(needsLayout(state({ condition: { fragments: 32 } }))).toBe(true);
  expect(needsLayout(state({ condition: { fragments: 2 }, versions: 101 }))).toBe(true);
  expect(needsLayout(state({ condition: { fragments: 1 }, versions: 101 }))).toBe(false);
  expect(needsLayout(state({ condition: { fragments: 2 }, versions: 4, isQuiet: true }))).toBe(true);
});
