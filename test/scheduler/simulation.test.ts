import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { type LoadName, openScheduler, type Scheduler, type TaskContext } from '../../src/scheduler/index.js';
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

interface Tools {
  clock: FastClock;
  scheduler: Scheduler;
  context: TaskContext;
  wait(ms: number): Promise<void>;
}

/** Whatever limits the tasks: how many run, and what each of them meets. */
interface World {
  load(running: number): Partial<Record<LoadName, number>>;
  task(tools: Tools): Promise<void>;
  upstream?: string;
  /** Half a minute when left out. */
  seconds?: number;
}

/** Tasks completed in that time, with 200 always there; 0 when the machine ran out of memory. */
async function simulate(makeWorld: () => World, concurrency: number | 'scheduler'): Promise<number> {
  const clock = new FastClock();
  const world = makeWorld();
  const { seconds = 30 } = world;
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
        async (context) => {
          running++;
          if ((world.load(running).memory ?? 0) >= 1) isDead = true;
          await world.task({ clock, scheduler, context, wait });
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

/** Takes so many at once, each for its time, and refuses others; who is refused comes back after two to four seconds. */
function endpoint(takes: number, timeMs: () => number): World {
  const underWay = new Set<{ others: number }>();
  const ask = async ({ clock, scheduler, context, wait }: Tools): Promise<void> => {
    const startedMs = clock.now();
    const own = { others: underWay.size };
    const tell = (outcome: 'ok' | 'busy') => {
      if (outcome === 'busy') for (const each of underWay) if (each.others > own.others) each.others--;
      underWay.delete(own);
      scheduler.observeUpstream({
        type: 'attempt',
        isStream: false,
        upstream: 'model',
        outcome,
        durationSeconds: (clock.now() - startedMs) / 1000,
        retryAfterSeconds: undefined,
        othersRunning: underWay.size,
        othersAccepted: own.others,
      });
    };
    underWay.add(own);
    if (underWay.size > takes) {
      await undefined;
      tell('busy');
      context.permit?.release();
      await wait(2000 + ((clock.now() * 7919) % 2000));
      await context.permit?.acquire(context.signal);
      return ask({ clock, scheduler, context, wait });
    }
    await wait(timeMs());
    tell('ok');
  };
  return { load: () => calm, task: ask, upstream: 'model', seconds: 10 };
}

const worlds: Record<string, () => World> = {
  'nothing is the limit': () => ({ load: () => calm, task: ({ wait }) => wait(500) }),
  'memory is the limit, and each task takes a while to fill its share': () => ({
    load: (running) => ({ ...calm, memory: 0.1 + 0.05 * running }),
    task: ({ wait }) => wait(400),
  }),
  'an endpoint takes 20 at once, and those that are refused come back later': () => endpoint(20, () => 400),
  'an endpoint takes 20 at once, all for the same time, so that they end together': () => endpoint(20, () => 250),
  'an endpoint takes 12 at once, each for another time': () => {
    let asked = 0;
    return endpoint(12, () => 300 + ((asked++ * 7919) % 600));
  },
};

describe.each(Object.entries(worlds))('where %s', (_, makeWorld) => {
  it('the scheduler does at least 0.95 of what the best fixed number does', async () => {
    const fixed: number[] = [];
    for (const concurrency of [5, 10, 15, 20, 35, 50]) fixed.push(await simulate(makeWorld, concurrency));
    expect(await simulate(makeWorld, 'scheduler')).toBeGreaterThanOrEqual(0.95 * Math.max(...fixed));
  });
});
