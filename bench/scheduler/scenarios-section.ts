import type { BenchContext } from '../bench.js';
import { formatNumber } from '../report/numbers.js';
import type { Figure, Section } from '../report/section.js';
import { interleave } from '../support/interleave.js';
import { median } from '../support/statistics.js';
import { runScenario } from './run-scenario.js';
import { type Runner, type RunResult, type Scenario, scenarios } from './scenario.js';

const sweep = [5, 10, 20, 35, 50];

type Round = Record<Runner, RunResult>;

/** The best of the fixed ones, of those that lost nothing where one of them did not. */
function bestFixed(round: Round, runners: Runner[]): RunResult {
  const fixed = runners.filter((runner) => runner.startsWith('p-queue')).map((runner) => round[runner] as RunResult);
  const faultless = fixed.filter(({ died, failed }) => !died && failed === 0);
  return (faultless.length > 0 ? faultless : fixed).reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
}

function figuresOf({ title }: Scenario, rounds: Round[], runners: Runner[], seconds: number): Figure[] {
  const perRound = `${seconds} s for each`;
  return [
    {
      measure: `${title}: tasks/s, scheduler / best fixed`,
      unit: 'x',
      holds: 'high',
      rounds: rounds.map((round) => round.scheduler.perSecond / bestFixed(round, runners).perSecond),
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

function rowsOf({ name }: Scenario, rounds: Round[], runners: Runner[]): string[][] {
  return runners.map((runner) => {
    const runs = rounds.map((round) => round[runner] as RunResult);
    const deaths = runs.filter(({ died }) => died).length;
    const middle = (of: (run: RunResult) => number) => formatNumber(median(runs.filter(({ died }) => !died).map(of)));
    if (deaths === runs.length) return [`${name}: ${runner}`, 'died', '-', '-', '-'];
    return [
      `${name}: ${runner}`,
      `${middle((run) => run.perSecond)}${deaths > 0 ? ` (died ${deaths} of ${runs.length})` : ''}`,
      middle((run) => run.p95Ms),
      middle((run) => run.peakMiB),
      middle((run) => run.failed),
    ];
  });
}

/**
 * The scheduler beside p-queue at every fixed concurrency of the sweep, and crawlee's AutoscaledPool, where the machine
 * or the endpoint is the limit.
 * @source issue figures
 */
export async function benchScenarios({ quick, isCheck, note }: BenchContext): Promise<Section> {
  const seconds = quick ? 0.5 : 10;
  const fixed = quick ? [50] : sweep;
  const runners: Runner[] = [
    'scheduler',
    ...fixed.map((n) => `p-queue ${n}` as const),
    ...(quick || isCheck ? [] : (['crawlee'] as const)),
  ];
  const figures: Figure[] = [];
  const rows: string[][] = [];
  for (const scenario of scenarios) {
    note(`scheduler: ${scenario.title}`);
    const variants = Object.fromEntries(
      runners.map((runner) => [runner, () => runScenario(scenario, runner, seconds)]),
    ) as Record<Runner, () => Promise<RunResult>>;
    const rounds = await interleave(quick ? 1 : 2, variants);
    figures.push(...figuresOf(scenario, rounds, runners, seconds));
    rows.push(...rowsOf(scenario, rounds, runners));
  }
  return {
    title: 'Scheduler: against fixed concurrency and crawlee',
    how: `Each run is a process of its own that always has 200 tasks to do (in bursts: 60 each second), with real pressure beside it: processes that keep every core busy, a heap that ends the process when it is full, an endpoint on a real socket that refuses what is too much (429) and is asked through the service's retry policy. The scheduler and crawlee's pool may use 10 to 50 at once and start afresh in each run; p-queue runs at one fixed concurrency (${fixed.join(', ')}). "Best fixed" is the fastest of them that lost nothing. No limits of control groups are set. Where tasks only wait while other programs keep every core busy, the rule asked for (above 80 % of the processor: half, down to the minimum) gives throughput away on purpose; that row shows how much.`,
    figures,
    tables: [{ heading: ['scenario: runner', 'tasks/s', 'p95 ms', 'peak MiB', 'failed'], rows }],
  };
}
