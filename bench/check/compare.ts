import type { BenchResult } from '../report/results.js';
import type { Figure, Section } from '../report/section.js';
import { median } from '../support/statistics.js';

/**
 * How one ratio stands against the committed one. `loss` and `noise` are shares of the committed median: how much worse the
 * present one is (negative: better), and how much the rounds of both scatter towards each other.
 * - `lost`: worse by more than the noise, and by more than may be lost in any case
 * - `kept`: not that
 * - `missing`: committed, and not measured any more: as bad as lost
 * - `unknown`: it cannot be told, for the reason given
 * @source issue "Regression guard"
 */
export type Judgement = { section: string; measure: string } & (
  | { verdict: 'kept' | 'lost'; committed: number; now: number; loss: number; noise: number }
  | { verdict: 'missing' }
  | { verdict: 'unknown'; reason: string }
);

/** Scatter is not seen in fewer rounds than this. */
const fewestRounds = 3;
/** Rounds that agree to the last digit do not promise that the next run will. */
const leastNoise = 0.02;
/** Where scatter is not seen, half of a ratio may go. */
const unseenNoise = Math.LN2;
/** Other machines and other load move the ratios of a sample, but not as far as an optimisation that does nothing any more. */
const sampleLeastLoss = 2 / 3;

/**
 * Compares every ratio that its section holds with the committed one of the same name and unit, and names the committed
 * ones that are not there any more.
 * @param committed undefined when there is none
 * @param isSample only the sections that were measured count, and a third of a ratio is enough
 * @source issue "Regression guard"
 */
export function judge(committed: BenchResult | undefined, sections: readonly Section[], isSample = false): Judgement[] {
  const [before, now] = [heldIn(committed?.sections ?? []), heldIn(sections)];
  const titles = new Set(sections.map(({ title }) => title));
  const judged = now.map(({ section, figure }) => {
    const known = committed?.sections
      .find(({ title }) => title === section)
      ?.figures.find(({ measure, unit }) => measure === figure.measure && unit === figure.unit);
    return { section, measure: figure.measure, ...judgeFigure(known, figure, isSample ? sampleLeastLoss : 0) };
  });
  const missing = before
    .filter(({ section }) => !isSample || titles.has(section))
    .filter(({ section, figure: { measure, unit } }) => {
      const isSame = (one: Held) =>
        one.section === section && one.figure.measure === measure && one.figure.unit === unit;
      return !now.some(isSame);
    })
    .map(({ section, figure: { measure } }) => ({ section, measure, verdict: 'missing' as const }));
  return [...judged, ...missing];
}

interface Held {
  section: string;
  figure: Figure;
}

const heldIn = (sections: readonly Section[]): Held[] =>
  sections.flatMap(({ title, figures }) =>
    figures.filter(({ holds }) => holds !== undefined).map((figure) => ({ section: title, figure })),
  );

type Verdict = Judgement extends infer Each
  ? Each extends Judgement
    ? Omit<Each, 'section' | 'measure'>
    : never
  : never;

function judgeFigure(before: Figure | undefined, figure: Figure, leastLoss: number): Verdict {
  if (!before) return { verdict: 'unknown', reason: 'there is no committed number' };
  if (before.rounds.length === 0 || !before.rounds.every(isPositive)) {
    return { verdict: 'unknown', reason: 'a committed round gave no number' };
  }
  if (figure.rounds.length === 0) return { verdict: 'unknown', reason: 'it cannot be measured here' };
  const sign = figure.holds === 'low' ? -1 : 1;
  // What does nothing any more gives 0, less than 0, or a division by nothing.
  const none = figure.holds === 'low' ? Number.POSITIVE_INFINITY : 0;
  const rounds = {
    committed: before.rounds,
    now: figure.rounds.map((value) => bounded(isPositive(value) ? value : none)),
  };
  const [committed, now] = [median(rounds.committed), median(rounds.now)];
  // In logarithms a halving weighs as much as a doubling.
  const logarithms = (values: number[]) => values.map((value) => sign * Math.log(value));
  const below = sign * Math.log(committed) - Math.min(...logarithms(rounds.committed));
  const above = Math.max(...logarithms(rounds.now)) - sign * Math.log(now);
  const loss = sign * (Math.log(committed) - Math.log(now));
  const isSeen = Math.min(before.rounds.length, figure.rounds.length) >= fewestRounds;
  const noise = Math.max(isSeen ? leastNoise : unseenNoise, below + above);
  const isLost = loss > noise && loss > -Math.log(1 - leastLoss);
  const share = (logarithm: number) => 1 - Math.exp(-logarithm);
  const verdict = isLost ? 'lost' : 'kept';
  return { verdict, committed, now: median(figure.rounds), loss: share(loss), noise: share(noise) };
}

const isPositive = (value: number) => Number.isFinite(value) && value > 0;
/** A ratio that has a logarithm. */
const bounded = (value: number) => Math.min(1e12, Math.max(1e-12, value));
