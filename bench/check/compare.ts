import type { BenchResult } from '../report/results.js';
import type { Figure, Section } from '../report/section.js';
import { median } from '../support/statistics.js';

/**
 * How one ratio stands against the committed one. `loss` and `noise` are shares of the committed median: how much worse the
 * present one is (negative: better), and how much the rounds of both scatter towards each other.
 * - `lost`: worse by more than the noise, and by more than may be lost in any case
 * - `kept`: not that
 * - `unknown`: it cannot be told, for the reason given
 * @source issue "Regression guard"
 */
export type Judgement = { section: string; measure: string } & (
  | { verdict: 'kept' | 'lost'; committed: number; now: number; loss: number; noise: number }
  | { verdict: 'unknown'; reason: string }
);

/** Scatter is not seen in fewer rounds than this. */
const fewestRounds = 3;
/** Rounds that agree to the last digit do not promise that the next run will. */
const leastNoise = 0.02;

/**
 * Compares every ratio that its section holds with the committed one of the same name.
 * @param committed undefined when there is none
 * @param leastLoss share of the committed ratio that may be lost in any case, 0 to below 1
 * @source issue "Regression guard"
 */
export function judge(committed: BenchResult | undefined, sections: readonly Section[], leastLoss = 0): Judgement[] {
  return sections.flatMap((section) =>
    section.figures
      .filter(({ holds }) => holds !== undefined)
      .map((figure) => {
        const named = { section: section.title, measure: figure.measure };
        const before = committed?.sections
          .find(({ title }) => title === section.title)
          ?.figures.find(({ measure }) => measure === figure.measure);
        return { ...named, ...judgeFigure(before, figure, leastLoss) };
      }),
  );
}

type Verdict = Judgement extends infer Each
  ? Each extends Judgement
    ? Omit<Each, 'section' | 'measure'>
    : never
  : never;

function judgeFigure(before: Figure | undefined, figure: Figure, leastLoss: number): Verdict {
  if (!before) return { verdict: 'unknown', reason: 'there is no committed number' };
  if (before.unit !== figure.unit) return { verdict: 'unknown', reason: 'the committed number has another unit' };
  const rounds = { committed: before.rounds.filter(isPositive), now: figure.rounds.filter(isPositive) };
  if (rounds.committed.length < before.rounds.length || rounds.now.length < figure.rounds.length) {
    return { verdict: 'unknown', reason: 'a round gave no number' };
  }
  const fewest = Math.min(rounds.committed.length, rounds.now.length);
  if (fewest < fewestRounds) {
    return { verdict: 'unknown', reason: `noise is not seen in ${fewest} round${fewest === 1 ? '' : 's'}` };
  }
  const sign = figure.holds === 'low' ? -1 : 1;
  const [committed, now] = [median(rounds.committed), median(rounds.now)];
  // In logarithms a halving weighs as much as a doubling.
  const logarithms = (values: number[]) => values.map((value) => sign * Math.log(value));
  const below = sign * Math.log(committed) - Math.min(...logarithms(rounds.committed));
  const above = Math.max(...logarithms(rounds.now)) - sign * Math.log(now);
  const loss = sign * (Math.log(committed) - Math.log(now));
  const noise = Math.max(leastNoise, below + above);
  const isLost = loss > noise && loss > -Math.log(1 - leastLoss);
  const share = (logarithm: number) => 1 - Math.exp(-logarithm);
  return { verdict: isLost ? 'lost' : 'kept', committed, now, loss: share(loss), noise: share(noise) };
}

const isPositive = (value: number) => Number.isFinite(value) && value > 0;
