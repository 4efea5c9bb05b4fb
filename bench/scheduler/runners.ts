import { createLogger } from '../../src/logger.js';
import { openScheduler, type SchedulerEvent } from '../../src/scheduler/index.js';
import type { Permit, UpstreamEvent } from '../../src/upstream/index.js';
import type { Runner } from './scenario.js';

/**
 * Runs tasks, some at once. `add` resolves with the task's end and passes its failure on.
 * @source issue figures
 */
export interface TaskRunner {
  /** The permit is of the endpoint, for those who have such. */
  add(task: (permit?: Permit) => Promise<void>): Promise<void>;
  observeUpstream(event: UpstreamEvent): void;
  /** What it decided so far, in one line; empty for those that tell nothing. */
  decisions(): string;
  close(): Promise<void>;
}

const minConcurrency = 10;
const maxConcurrency = 50;

/** Each limit with its last value, and how often it was changed for which reason. */
function startDecisions() {
  const limits = new Map<string, { limit: number; reasons: Map<string, number> }>();
  return {
    observe(event: SchedulerEvent): void {
      if (event.type !== 'limit' && event.type !== 'upstream_limit') return;
      const name = event.type === 'limit' ? 'slots' : event.upstream;
      const found = limits.get(name) ?? { limit: 0, reasons: new Map<string, number>() };
      limits.set(name, found);
      found.limit = event.limit;
      found.reasons.set(event.reason, (found.reasons.get(event.reason) ?? 0) + 1);
    },
    text: () =>
      [...limits]
        .map(([name, { limit, reasons }]) => {
          const counts = [...reasons].map(([reason, count]) => `${reason} ${count}`);
          return `${name} ${limit} (${counts.join(', ')})`;
        })
        .join(', '),
  };
}

function ours(upstream: string | undefined): TaskRunner {
  const decisions = startDecisions();
  const scheduler = openScheduler({
    flag: {
      enabled: true,
      settings: {
        min_concurrency: minConcurrency,
        max_concurrency: maxConcurrency,
        fixed_concurrency: 12,
        cpu_high_ratio: 0.8,
        memory_high_ratio: 0.85,
        event_loop_high_ms: 50,
        max_waiting: 1000,
        ageing_seconds: 5,
      },
      failed(error) {
        throw error;
      },
    },
    logger: createLogger('silent'),
    onEvent: decisions.observe,
  });
  const options = { name: 'bench', kind: 'agent', ...(upstream === undefined ? {} : { upstream }) } as const;
  return {
    add: (task) => scheduler.run(({ permit }) => task(permit), options),
    observeUpstream: scheduler.observeUpstream,
    decisions: decisions.text,
    close: scheduler.close,
  };
}

async function fixed(concurrency: number): Promise<TaskRunner> {
  const { default: PQueue } = await import('p-queue');
  const queue = new PQueue({ concurrency });
  return { add: (task) => queue.add(() => task()), observeUpstream() {}, decisions: () => '', close: async () => {} };
}

async function crawlee(): Promise<TaskRunner> {
  const { AutoscaledPool } = await import('@crawlee/core');
  const waiting: (() => Promise<void>)[] = [];
  let isClosed = false;
  const pool = new AutoscaledPool({
    minConcurrency,
    maxConcurrency,
    // Its own 10 s would be the whole run.
    autoscaleIntervalSecs: 1,
    loggingIntervalSecs: null,
    isTaskReadyFunction: async () => waiting.length > 0,
    isFinishedFunction: async () => isClosed,
    runTaskFunction: async () => {
      await waiting.shift()?.();
    },
  });
  const done = pool.run();
  return {
    add: (task) =>
      new Promise((resolve, reject) => {
        waiting.push(() => task().then(resolve, reject));
        void pool.notify();
      }),
    observeUpstream() {},
    decisions: () => '',
    async close() {
      isClosed = true;
      await pool.notify();
      await Promise.race([done, pool.abort()]);
    },
  };
}

/**
 * Loads only what this runner needs, so that memory can be compared.
 * @param upstream the other server that the tasks ask
 * @source issue figures
 */
export async function createRunner(runner: Runner, upstream: string | undefined): Promise<TaskRunner> {
  if (runner === 'scheduler') return ours(upstream);
  return runner === 'crawlee' ? crawlee() : fixed(Number(runner.slice('p-queue '.length)));
}
