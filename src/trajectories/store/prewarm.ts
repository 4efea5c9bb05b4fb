import type { Table } from '../../lance/index.js';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import { atOnce, type InBackground } from '../../scheduler/index.js';

/** One thing to load. @source product contract, Optimisations (`index_prewarm`) */
export interface PrewarmStep {
  name: string;
  /** It asks for its turn only then. Never fails. */
  after?: Promise<unknown>;
  run(): Promise<unknown>;
}

/**
 * How far loading is. `off` and `failed`: the rest is loaded by the first queries that need it.
 * @source product contract, Optimisations (`index_prewarm`: "with progress")
 */
export interface PrewarmProgress {
  state: 'waiting' | 'running' | 'done' | 'off' | 'failed' | 'stopped';
  done: number;
  total: number;
  durationSeconds: number;
}

/** What to load and whom to tell. @source product contract, Optimisations (`index_prewarm`) */
export interface PrewarmOptions {
  indexPrewarm: Optimization<unknown>;
  /** Says what there is to load, once it begins. */
  steps(): Promise<PrewarmStep[]>;
  /** Each step waits for its turn; at once when left out. */
  inBackground?: InBackground;
  logger: Logger;
  /** Told when it begins, after each step, and when it ends. */
  onProgress(progress: PrewarmProgress): void;
}

/**
 * Loads at start what the first queries would otherwise wait for, a step after the other, beside requests that come
 * meanwhile. Never throws: what could not be loaded is loaded by the first query that needs it.
 * @source product contract, Optimisations (`index_prewarm`)
 */
export interface Prewarm {
  run(): Promise<void>;
  progress(): PrewarmProgress;
  /** Ends it after the step under way. */
  stop(): Promise<void>;
}

/** Starts nothing by itself: call `run()`. @source product contract, Optimisations (`index_prewarm`) */
export function createPrewarm(options: PrewarmOptions): Prewarm {
  const { indexPrewarm, steps, inBackground = atOnce, logger, onProgress } = options;
  let progress: PrewarmProgress = { state: 'waiting', done: 0, total: 0, durationSeconds: 0 };
  let running: Promise<void> | undefined;
  let isStopped = false;
  let onStop = () => {};
  const stopped = new Promise<void>((resolve) => {
    onStop = resolve;
  });

  async function load(): Promise<void> {
    const startedAt = performance.now();
    const report = (state: PrewarmProgress['state'], done: number, total: number) => {
      progress = { state, done, total, durationSeconds: (performance.now() - startedAt) / 1000 };
      onProgress(progress);
    };
    if (!indexPrewarm.enabled) {
      report('off', 0, 0);
      return;
    }
    let [done, total] = [0, 0];
    let hasBegun = true;
    try {
      const planned = await steps();
      total = planned.length;
      report('running', done, total);
      for (const step of planned) {
        if (step.after) await Promise.race([step.after, stopped]);
        if (isStopped) {
          report('stopped', done, total);
          return;
        }
        hasBegun = false;
        await inBackground(() => {
          hasBegun = true;
          return step.run();
        });
        done += 1;
        const isQuarter = Math.floor((4 * done) / total) > Math.floor((4 * (done - 1)) / total);
        logger[isQuarter && done < total ? 'info' : 'debug'](
          { step: step.name, done, total },
          'loaded for the first queries',
        );
        report(done < total ? 'running' : 'done', done, total);
      }
      if (total === 0) report('done', 0, 0);
      logger.info({ steps: total, seconds: progress.durationSeconds }, 'indexes and columns are loaded');
    } catch (error) {
      // What a step reads may be closed under it.
      if (!hasBegun || isStopped) {
        logger.info({ err: error, done, total }, 'loading ends here: the first queries load the rest');
        report('stopped', done, total);
        return;
      }
      indexPrewarm.failed(error);
      report('failed', done, total);
    }
  }

  return {
    run() {
      running ??= load();
      return running;
    },
    progress: () => progress,
    async stop() {
      isStopped = true;
      onStop();
      await running;
    },
  };
}

/**
 * A step for each index of the table.
 * @source LanceDB documentation, "prewarmIndex"
 */
export async function indexSteps(name: string, table: Table): Promise<PrewarmStep[]> {
  if ((await table.countRows()) === 0) return [];
  const indexes = await table.listIndices();
  return indexes.map((index) => ({ name: `${name}: index ${index.name}`, run: () => table.prewarmIndex(index.name) }));
}
