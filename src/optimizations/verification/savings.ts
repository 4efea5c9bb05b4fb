import type { CountedWork } from '../../optimization.js';
import { type FlagName, flagNames } from '../flag-settings.js';
import type { CompareOutcome } from './compare-pair.js';
import { incomparable } from './incomparable.js';
import { type PairedFigures, Pairs } from './paired-figures.js';

/**
 * Work that was counted both ways since the start, in `unit`s (writes, commits, calls).
 * @source product contract, Promises 7; story-17.4 AC6
 */
export interface CountedTotals {
  unit: string;
  baseline: number;
  optimized: number;
  saved: number;
}

/**
 * What one optimisation saves, and what became of its comparisons since the start. The figures are of times where those
 * were taken, else of counted work; `counted` are the sums of the latter, null where nothing was counted.
 * `no_pairs` says why there never are any.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export interface Saving extends PairedFigures {
  comparisons: Record<CompareOutcome['result'], number>;
  counted: CountedTotals | null;
  no_pairs: string | null;
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
      {
        times: new Pairs('ms'),
        work: new Pairs(''),
        comparisons: { equal: 0, mismatch: 0, skipped: 0, dropped: 0, failed: 0 },
      },
    ]),
  );

  compared(flag: FlagName, outcome: CompareOutcome): void {
    const kept = this.#kept.get(flag);
    if (!kept) return;
    kept.comparisons[outcome.result] += 1;
    // A wrong answer has no time worth comparing.
    if (outcome.result !== 'equal' || !outcome.times) return;
    const { optimisedSeconds, originalSeconds } = outcome.times;
    kept.times.add('ms', optimisedSeconds * 1000, originalSeconds * 1000);
  }

  counted(flag: FlagName, { unit, optimised, original }: CountedWork): void {
    this.#kept.get(flag)?.work.add(unit, optimised, original);
  }

  figures(): FlagSavings {
    return Object.fromEntries(
      [...this.#kept].map(([flag, { times, work, comparisons }]) => [
        flag,
        {
          ...(times.isEmpty && !work.isEmpty ? work : times).figures(),
          comparisons: { ...comparisons },
          counted: work.isEmpty ? null : totalsOf(work),
          no_pairs: incomparable[flag] ?? null,
        },
      ]),
    ) as FlagSavings;
  }
}

function totalsOf(work: Pairs): CountedTotals {
  const { unit, optimised, original } = work.totals();
  return { unit, baseline: original, optimized: optimised, saved: original - optimised };
}
