import type { BenchContext } from '../bench.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { interleave } from '../support/interleave.js';
import { median } from '../support/statistics.js';
import { runScenario } from './run-scenario.js';
import { type Runner, type RunResult, type Scenario, scenarios } from './scenario.js';

/** Looked at once, for a short time; what lies around the best of them is measured. */
const sweep = [5, 10, 20, 35, 50];
const fineStep = 5;
const leastFixed = 5;
const mostFixed = 50;

type Round = Record<Runner, RunResult>;

const resultOf = (round: Round, runner: Runner) => round[runner] as RunResult;
const isFaultless = ({ died, failed }: RunResult) => !died && failed === 0;

/** The best of the fixed ones, of those that lost nothing where one of them did not. */
function bestOf(round: Round): Runner {
  const fixed = (Object.keys(round) as Runner[]).filter((runner) => runner.startsWith('p-queue'));
  const faultless = fixed.filter((runner) => isFaultless(resultOf(round, runner)));
  const from = faultless.length > 0 ? faultless : fixed;
  return from.reduce((a, b) => (resultOf(round, b).perSecond > resultOf(round, a).perSecond ? b : a));
}

const fixedAt = (concurrency: number): Runner => `p-queue ${concurrency}`;

/** Lets each take its turn, so often. */
function measure(scenario: Scenario, runners: readonly Runner[], seconds: number, rounds: number): Promise<Round[]> {
  const variants = Object.fromEntries(
    runners.map((runner) => [runner, () => runScenario(scenario, runner, seconds)]),
  ) as Record<Runner, () => Promise<RunResult>>;
  return interleave(rounds, variants);
}

/** The best of the sweep, and those beside it. */
function around(best: Runner): Runner[] {
  const concurrency = Number(best.slice('p-queue '.length));
  return [concurrency - fineStep, concurrency, concurrency + fineStep]
    .filter((each) => each >= leastFixed && each <= mostFixed)
    .map(fixedAt);
}

function figuresOf({ title }: Scenario, rounds: Round[], seconds: number): Figure[] {
  const perRound = `${seconds} s for each`;
  return [
    {
      measure: `${title}: tasks/s, scheduler / best fixed`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map((round) => round.scheduler.perSecond / resultOf(round, bestOf(round)).perSecond),
      perRound,
      asked: { relation: 'at least', value: 0.95 },
    },
    {
      measure: `${title}: failed tasks, scheduler`,
      unit: '',
      rounds: rounds.map(({ scheduler }) => (scheduler.died ? Number.POSITIVE_INFINITY : scheduler.failed)),
      perRound,
      asked: { relation: 'at most', value: 0 },
    },
  ];
}

function rowsOf({ name }: Scenario, rounds: Round[], runners: readonly Runner[], note = ''): string[][] {
  return runners.map((runner) => {
    const runs = rounds.map((round) => resultOf(round, runner));
    const who = `${name}: ${runner}${note}`;
    const deaths = runs.filter(({ died }) => died).length;
    const middle = (of: (run: RunResult) => number) => formatNumber(median(runs.filter(({ died }) => !died).map(of)));
    if (deaths === runs.length) return [who, 'died', '-', '-', '-', '-'];
    return [
      who,
      `${middle((run) => run.perSecond)}${deaths > 0 ? ` (died ${deaths} of ${runs.length})` : ''}`,
      middle((run) => run.p95Ms),
      middle((run) => run.peakMiB),
      middle((run) => run.failed),
      runner === 'scheduler' ? runs.map(({ decisions }) => decisions || 'none').join('; ') : '-',
    ];
  });
}

/**
 * The scheduler beside p-queue at the best fixed concurrency that a sweep finds, and crawlee's AutoscaledPool, where the
 * machine or the endpoint is the limit.
 * @source issue figures
 */
export async function benchScenarios({ quick, isCheck, note }: BenchContext): Promise<Section> {
  const [sweepSeconds, seconds, roundCount] = quick ? [0.5, 0.5, 1] : [4, 10, 3];
  const coarse = (quick ? [50] : sweep).map(fixedAt);
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const scenario of scenarios) {
    note(`scheduler: ${scenario.title}`);
    const swept = await measure(scenario, coarse, sweepSeconds, 1);
    const fine = around(bestOf(swept[0] as Round));
    const runners: Runner[] = ['scheduler', ...fine, ...(quick || isCheck ? [] : (['crawlee'] as const))];
    const rounds = await measure(scenario, runners, seconds, roundCount);
    figures.push(...figuresOf(scenario, rounds, seconds));
    rows.push(...rowsOf(scenario, rounds, runners));
    const others = coarse.filter((runner) => !runners.includes(runner));
    rows.push(...rowsOf(scenario, swept, others, `, ${sweepSeconds} s of the sweep`));
  }
  return {
    title: 'Scheduler: against fixed concurrency and crawlee',
    how: `Each run is a process of its own that always has 200 tasks to do (in bursts: 60 each second), with real pressure beside it: processes that keep every core busy, a heap that ends the process when it is full, an endpoint on a real socket that refuses what is too much (429) and is asked through the service's retry policy. The scheduler and crawlee's pool may use 10 to 50 at once and start afresh in each run; crawlee's pool looks each second whether to scale (its default, 10 s, is the length of a run). p-queue runs at one fixed concurrency: first a sweep over ${sweep.join(', ')} of ${sweepSeconds} s each, then the best of these and those ${fineStep} below and above it, in the same rounds as the others. "Best fixed" is the fastest of them that lost nothing. The last column has, for each run of the scheduler, its limits at the end and how often it changed them for which reason. No limits of control groups are set. Where tasks only wait while other programs keep every core busy, the rule asked for (above 80 % of the processor: half, down to the minimum) gives throughput away on purpose; that row shows how much.`,
    figures,
    tables: [{ heading: ['scenario: runner', 'tasks/s', 'p95 ms', 'peak MiB', 'failed', 'limits'], rows }],
  };
}
