import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { type LoadName, openScheduler, type Scheduler } from '../../src/scheduler/index.js';
import { fixedOptimization } from '../support/optimization.js';
import { defaultSettings } from './open-test-scheduler.js';

/** A clock for many thousand timers: it goes from one to the next, and lets what follows happen in between. */
class FastClock {
  #now = 0;
  #timers: { dueMs: number; work: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { dueMs: this.#now + delayMs, work };
    const at = this.#timers.findLastIndex(({ dueMs }) => dueMs <= timer.dueMs);
    this.#timers.splice(at + 1, 0, timer);
    return () => {
      timer.work = () => {};
    };
  }

  every(intervalMs: number, work: () => void): () => void {
    let isStopped = false;
    const again = () => {
      if (isStopped) return;
      work();
      this.after(intervalMs, again);
    };
    this.after(intervalMs, again);
    return () => {
      isStopped = true;
    };
  }

  nextTurn(work: () => void): void {
    work();
  }

  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      for (let turn = 0; turn < 12; turn++) await undefined;
      const next = this.#timers[0];
      if (next === undefined || next.dueMs > end) break;
      this.#timers.shift();
      this.#now = next.dueMs;
      next.work();
    }
    this.#now = end;
  }
}

/** Whatever limits the tasks: how many run, and what each of them meets. */
interface World {
  load(running: number): Partial<Record<LoadName, number>>;
  task(tools: { clock: FastClock; scheduler: Scheduler; wait(ms: number): Promise<void> }): Promise<void>;
  upstream?: string;
}

const seconds = 30;

/** Tasks completed in half a minute, with 200 always there; 0 when the machine ran out of memory. */
async function simulate(makeWorld: () => World, concurrency: number | 'scheduler'): Promise<number> {
  const clock = new FastClock();
  const world = makeWorld();
  let running = 0;
  let completed = 0;
  let isDead = false;
  const names = ['cpu', 'memory', 'event_loop'] as const;
  const fixedAt = concurrency === 'scheduler' ? 1 : concurrency;
  const scheduler = openScheduler({
    flag: fixedOptimization(concurrency === 'scheduler', { ...defaultSettings, fixed_concurrency: fixedAt }),
    clock,
    logger: createLogger('silent'),
    onEvent: () => {},
    signals: names.map((name) => ({ name, read: () => world.load(running)[name], close() {} })),
  });
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const one = async (): Promise<void> => {
    while (clock.now() < seconds * 1000) {
      await scheduler.run(
        async () => {
          running++;
          if ((world.load(running).memory ?? 0) >= 1) isDead = true;
          await world.task({ clock, scheduler, wait });
          running--;
          completed++;
        },
        { name: 'x', kind: 'agent', ...(world.upstream === undefined ? {} : { upstream: world.upstream }) },
      );
    }
  };
  for (let i = 0; i < 200; i++) void one();
  await clock.run(seconds * 1000);
  return isDead ? 0 : completed;
}

const calm = { cpu: 0.1, memory: 0.1, event_loop: 0 };

const worlds: Record<string, () => World> = {
  'nothing is the limit': () => ({ load: () => calm, task: ({ wait }) => wait(500) }),
  'memory is the limit, and each task takes a while to fill its share': () => ({
    load: (running) => ({ ...calm, memory: 0.1 + 0.05 * running }),
    task: ({ wait }) => wait(400),
  }),
  'an endpoint takes 20 at once, and those that are refused come back later': () => {
    let asked = 0;
    const ask = async ({ clock, scheduler, wait }: Parameters<World['task']>[0]): Promise<void> => {
      const startedMs = clock.now();
      const tell = (outcome: 'ok' | 'busy') =>
        scheduler.observeUpstream({
          type: 'attempt',
          isStream: false,
          upstream: 'model',
          outcome,
          durationSeconds: (clock.now() - startedMs) / 1000,
          retryAfterSeconds: undefined,
          othersRunning: asked - 1,
        });
      asked++;
      if (asked > 20) {
        tell('busy');
        asked--;
        await wait(2000 + ((clock.now() * 7919) % 2000));
        return ask({ clock, scheduler, wait });
      }
      await wait(400);
      tell('ok');
      asked--;
    };
    return { load: () => calm, task: ask, upstream: 'model' };
  },
};

describe.each(Object.entries(worlds))('where %s', (_, makeWorld) => {
  it('the scheduler does at least 0.95 of what the best fixed number does', async () => {
    const fixed: number[] = [];
    for (const concurrency of [5, 10, 15, 20, 35, 50]) fixed.push(await simulate(makeWorld, concurrency));
    expect(await simulate(makeWorld, 'scheduler')).toBeGreaterThanOrEqual(0.95 * Math.max(...fixed));
  });
});
