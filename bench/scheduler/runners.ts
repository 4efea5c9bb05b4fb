import { createLogger } from '../../src/logger.js';
import { openScheduler } from '../../src/scheduler/index.js';
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
  close(): Promise<void>;
}

const minConcurrency = 10;
const maxConcurrency = 50;

function ours(upstream: string | undefined): TaskRunner {
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
    onEvent: () => {},
  });
  const options = { name: 'bench', kind: 'agent', ...(upstream === undefined ? {} : { upstream }) } as const;
  return {
    add: (task) => scheduler.run(({ permit }) => task(permit), options),
    observeUpstream: scheduler.observeUpstream,
    close: scheduler.close,
  };
}

async function fixed(concurrency: number): Promise<TaskRunner> {
  const { default: PQueue } = await import('p-queue');
  const queue = new PQueue({ concurrency });
  return { add: (task) => queue.add(() => task()), observeUpstream() {}, close: async () => {} };
}

async function crawlee(): Promise<TaskRunner> {
  const { AutoscaledPool } = await import('@crawlee/core');
  const waiting: (() => Promise<void>)[] = [];
  let isClosed = false;
  const pool = new AutoscaledPool({
    minConcurrency,
    maxConcurrency,
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
