import type { FlagName } from '../flag-settings.js';

/**
 * The optimisations that have no pairs, and why, in words for people: they give no answer of their own that could be asked
 * for the other way.
 * @source product contract, Promises 7 ("Every number ... was measured, against the baseline, in the same run")
 */
export const incomparable: Readonly<Partial<Record<FlagName, string>>> = {
  scheduler:
    'decides when a task runs and not what it answers; the same load cannot be had twice at once, so both ways are measured one after the other: npm run bench -- scheduler',
  index_prewarm:
    'works once, at the start, and gives no answers; a start is either with it or without, so both are measured one after the other: docs/benchmarks.md, first query after a start',
};
