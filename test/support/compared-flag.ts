import type { AnswerPair, Optimization } from '../../src/optimization.js';
import { type ComparedPair, comparePair } from '../../src/optimizations/verification/compare-pair.js';

/**
 * A flag that is on and takes every pair: `outcomes` compares those it has taken; `checked` holds what parts have compared
 * themselves. With `isSampling` false it takes none.
 */
export function comparedFlag<Settings>(settings: Settings) {
  const pairs: AnswerPair<unknown>[] = [];
  const checked: (string | undefined)[] = [];
  const external: (boolean | undefined)[] = [];
  const trial = { compare: (pair: AnswerPair<never>) => void pairs.push(pair as AnswerPair<unknown>) };
  const state = { isSampling: true };
  const flag: Optimization<Settings> = {
    enabled: true,
    settings,
    failed() {},
    sample(isExternal) {
      external.push(isExternal);
      return state.isSampling ? (trial as never) : undefined;
    },
    checked: (difference) => void checked.push(difference),
  };
  return {
    flag,
    state,
    pairs,
    checked,
    external,
    outcomes: (): Promise<ComparedPair[]> => Promise.all(pairs.splice(0).map((pair) => comparePair(pair, () => 0))),
  };
}
