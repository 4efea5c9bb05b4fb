import type { CountedWork } from '../../optimization.js';
import { type FlagName, flagNames } from '../flag-settings.js';
import type { CompareOutcome } from './compare-pair.js';
import { type PairedFigures, Pairs } from './paired-figures.js';

/**
 * What one optimisation saves, and what became of its comparisons since the start.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export interface Saving extends PairedFigures {
  comparisons: Record<CompareOutcome['result'], number>;
}

/**
 * The savings of every flag; those that nothing was measured of have zero samples.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export type FlagSavings = Record<FlagName, Saving>;

/**
 * Keeps what is measured of each flag: bounded, in memory, since the start of the process.
 * @source product contract, Promises 7; story-17.4 AC6
 */
export class Savings {
  readonly #kept = new Map(
    flagNames.map((flag) => [
      flag,
      { pairs: new Pairs('ms'), comparisons: { equal: 0, mismatch: 0, skipped: 0, dropped: 0, failed: 0 } },
    ]),
  );

  compared(flag: FlagName, outcome: CompareOutcome): void {
    const kept = this.#kept.get(flag);
    if (!kept) return;
    kept.comparisons[outcome.result] += 1;
    // A wrong answer has no time worth comparing.
    if (outcome.result !== 'equal' || !outcome.times) return;
    const { optimisedSeconds, originalSeconds } = outcome.times;
    kept.pairs.add('ms', optimisedSeconds * 1000, originalSeconds * 1000);
  }

  counted(flag: FlagName, { unit, optimised, original }: CountedWork): void {
    this.#kept.get(flag)?.pairs.add(unit, optimised, original);
  }

  figures(): FlagSavings {
    return Object.fromEntries(
      [...this.#kept].map(([flag, { pairs, comparisons }]) => [
        flag,
        { ...pairs.figures(), comparisons: { ...comparisons } },
      ]),
    ) as FlagSavings;
  }
}
