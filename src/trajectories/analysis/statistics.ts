import { z } from 'zod';
import type { QuestionFigures } from '../questions/question-figures.js';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/**
 * What all trajectories add up to; averages of nothing are 0.
 * @source product contract, Trajectories ("/api/analysis/stats") and Settled details (`pass_at_1`, `pass_at_k`)
 */
export const statisticsSchema = z
  .object({
    total_count: count,
    success_count: count,
    failure_count: count,
    question_count: count,
    pass_at_1: share.describe('mean over questions of successes / attempts'),
    pass_at_k: share
      .nullable()
      .describe(
        'share of questions with a success in all attempts; with k, the mean over questions with at least k attempts ' +
          'of 1 - C(n-c,k)/C(n,k), null when there is no such question',
      ),
    k: z.int().min(1).nullable(),
    avg_reward: z.number(),
    avg_exec_time: z.number().describe('seconds'),
  })
  .meta({ id: 'AnalysisStatistics' });

/** What all trajectories add up to. @source product contract, Trajectories ("/api/analysis/stats") */
export type Statistics = z.infer<typeof statisticsSchema>;

/** What the statistics are made from. @source product contract, Trajectories ("/api/analysis/stats") */
export type SummedQuestions = Pick<QuestionFigures, 'attempts' | 'successes' | 'rewards' | 'seconds' | 'total'>;

/**
 * Adds the questions up.
 * @param k number of attempts that `pass_at_k` is estimated for; all attempts of each question without it
 * @source product contract, Settled details (`pass_at_1`, `pass_at_k`)
 */
export function statisticsOf(figures: SummedQuestions, k: number | undefined): Statistics {
  const { attempts, successes, rewards, seconds, total } = figures;
  let [questions, successCount, rewardSum, secondsSum, rates, passes, counted] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < attempts.length; i++) {
    const n = attempts[i]!;
    const c = successes[i]!;
    if (n === 0) continue;
    questions += 1;
    successCount += c;
    rewardSum += rewards[i]!;
    secondsSum += seconds[i]!;
    rates += c / n;
    if (k === undefined) passes += c > 0 ? 1 : 0;
    else if (n >= k) {
      passes += passAtK(n, c, k);
      counted += 1;
    }
  }
  const passQuestions = k === undefined ? questions : counted;
  return {
    total_count: total,
    success_count: successCount,
    failure_count: total - successCount,
    question_count: questions,
    pass_at_1: questions === 0 ? 0 : rates / questions,
    pass_at_k: passQuestions > 0 ? passes / passQuestions : k === undefined ? 0 : null,
    k: k ?? null,
    avg_reward: total === 0 ? 0 : rewardSum / total,
    avg_exec_time: total === 0 ? 0 : secondsSum / total,
  };
}

/**
 * The chance that at least one of `k` attempts drawn from `n` is among the `c` successful ones: 1 - C(n-c,k)/C(n,k),
 * as a product, since the binomials themselves leave the range of a double.
 * @param k at most n
 * @source product contract, Settled details (`pass_at_k`, "the unbiased estimator")
 */
export function passAtK(n: number, c: number, k: number): number {
  if (n - c < k) return 1;
  let allFail = 1;
  const [factors, others] = c < k ? [c, k] : [k, c];
  for (let i = 0; i < factors; i++) allFail *= (n - others - i) / (n - i);
  return 1 - allFail;
}
