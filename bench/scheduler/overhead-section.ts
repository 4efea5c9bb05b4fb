import { createLogger } from '../../src/logger.js';
import { createMetrics } from '../../src/metrics/index.js';
import { openScheduler, type TaskOptions } from '../../src/scheduler/index.js';
import { openLoadSignals, sampleEveryMs } from '../../src/scheduler/load/open-load-signals.js';
import type { BenchContext } from '../bench.js';
import type { Section } from '../report/section.js';

const settings = {
  min_concurrency: 10,
  max_concurrency: 50,
  fixed_concurrency: 12,
  cpu_high_ratio: 1,
  memory_high_ratio: 1,
  event_loop_high_ms: 10_000,
  max_waiting: 100_000,
  ageing_seconds: 5,
};

function cpuMicroseconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

/** Microseconds of processor time for one task that does nothing, of so many that wait in batches of 200. */
async function perTask(count: number, optionsOf: (signal: AbortSignal) => Partial<TaskOptions>): Promise<number> {
  const metrics = createMetrics('bench');
  const scheduler = openScheduler({
    flag: { enabled: true, settings, failed() {} },
    logger: createLogger('silent'),
    onEvent: metrics.observeScheduler,
  });
  const before = process.cpuUsage();
  for (let done = 0; done < count; done += 200) {
    const { signal } = new AbortController();
    const options = { name: 'bench', kind: 'agent', ...optionsOf(signal) } as const;
    await Promise.all(Array.from({ length: 200 }, () => scheduler.run(() => Promise.resolve(), options)));
  }
  const spent = cpuMicroseconds(before);
  await scheduler.close();
  await metrics.close();
  return spent / count;
}

/** Share of a core that looking at the load takes. */
function samplingShare(looks: number): number {
  const signals = openLoadSignals();
  const before = process.cpuUsage();
  for (let look = 0; look < looks; look++) for (const signal of signals) signal.read(look * sampleEveryMs);
  const spent = cpuMicroseconds(before);
  for (const signal of signals) signal.close();
  return spent / (looks * sampleEveryMs * 1000);
}

/**
 * What the scheduler itself costs.
 * @source issue figures ("Overhead of the scheduler per task <= 20 microseconds CPU", "Sampling costs <= 0.1 % of a core")
 */
export async function benchOverhead({ quick }: BenchContext): Promise<Section> {
  const [rounds, tasks, looks] = quick ? [2, 2000, 500] : [7, 20_000, 4000];
  await perTask(tasks, () => ({}));
  const plain: number[] = [];
  const watched: number[] = [];
  const sampling: number[] = [];
  for (let round = 0; round < rounds; round++) {
    plain.push(await perTask(tasks, () => ({})));
    watched.push(await perTask(tasks, (signal) => ({ signal, deadlineMs: 60_000, upstream: 'model' })));
    sampling.push(samplingShare(looks) * 100);
  }
  const perRound = `${tasks} tasks`;
  return {
    title: 'Scheduler: what it costs',
    how: 'Processor time of the whole process, divided by the number of tasks that do nothing, 200 of them waiting at a time, each counted and timed for `/metrics` as in the service. The second kind carries a deadline, an endpoint and a signal that 200 tasks share. Sampling is the cost of one look at processor, memory and event loop, four times a second.',
    figures: [
      {
        measure: 'CPU per task',
        unit: 'us',
        rounds: plain,
        perRound,
        asked: { relation: 'at most', value: 20 },
      },
      {
        measure: 'CPU per task with deadline, endpoint and signal',
        unit: 'us',
        rounds: watched,
        perRound,
        asked: { relation: 'at most', value: 20 },
      },
      {
        measure: 'sampling, share of a core',
        unit: '%',
        rounds: sampling,
        perRound: `${looks} looks`,
        asked: { relation: 'at most', value: 0.1 },
      },
    ],
    tables: [],
  };
}
