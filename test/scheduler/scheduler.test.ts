import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskContext, TaskKind } from '../../src/scheduler/index.js';
import { settle } from '../support/manual-clock.js';
import { openTasks, openTestScheduler } from './open-test-scheduler.js';

const small = { min_concurrency: 2, max_concurrency: 2, fixed_concurrency: 2 };

describe.each([
  ['following the load', true],
  ['with a fixed limit', false],
])('a scheduler %s', (_, enabled) => {
  it('runs no more at once than its limit, and answers each caller with its own result', async () => {
    const { scheduler } = openTestScheduler(small, enabled);
    const tasks = openTasks(scheduler);
    const answers = ['a', 'b', 'c'].map((name) => tasks.run({ name }));
    await settle();
    expect(tasks.started).toEqual(['a', 'b']);
    expect(scheduler.state()).toMatchObject({ limit: 2, running: 2, waiting: 1 });
    tasks.running[1]?.end();
    await settle();
    expect(tasks.started).toEqual(['a', 'b', 'c']);
    for (const task of [...tasks.running]) task.end();
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c']);
    expect(scheduler.state()).toMatchObject({ running: 0, waiting: 0 });
  });

  it('passes failures on to their own callers and goes on', async () => {
    const { scheduler, events } = openTestScheduler(small, enabled);
    const broken = scheduler.run(
      () => {
        throw new Error('broken');
      },
      { name: 'x', kind: 'agent' },
    );
    await expect(broken).rejects.toThrow('broken');
    expect(await scheduler.run(() => 7, { name: 'y', kind: 'agent' })).toBe(7);
    expect(events.filter(({ type }) => type === 'task_ended')).toMatchObject([
      { outcome: 'failed' },
      { outcome: 'completed' },
    ]);
  });

  it('starts higher priorities first, equal ones in their order', async () => {
    const { scheduler } = openTestScheduler(
      { ...small, min_concurrency: 1, max_concurrency: 1, fixed_concurrency: 1 },
      enabled,
    );
    const tasks = openTasks(scheduler);
    const all = [
      tasks.run({ name: 'first' }),
      tasks.run({ name: 'low', priority: 2 }),
      tasks.run({ name: 'b' }),
      tasks.run({ name: 'background', kind: 'prewarm' }),
      tasks.run({ name: 'c' }),
      tasks.run({ name: 'high', priority: 9 }),
    ];
    for (let i = 0; i < all.length; i++) {
      await settle();
      tasks.running[0]?.end();
    }
    await Promise.all(all);
    expect(tasks.started).toEqual(['first', 'high', 'b', 'c', 'low', 'background']);
  });

  it('lets nothing wait for ever: waiting raises the priority', async () => {
    const { scheduler, clock } = openTestScheduler(
      { min_concurrency: 1, max_concurrency: 1, fixed_concurrency: 1 },
      enabled,
    );
    const tasks = openTasks(scheduler);
    tasks.run({ name: 'first' });
    tasks.run({ name: 'background', kind: 'import' });
    for (let i = 0; i < 20 && !tasks.started.includes('background'); i++) {
      tasks.run({ name: `request ${i}` });
      await clock.advance(1500);
      tasks.running[0]?.end();
      await settle();
    }
    // Four steps of priority lie between them, five seconds each; 1.5 s pass between two requests.
    expect(tasks.started.indexOf('background')).toBeGreaterThan(8);
    expect(tasks.started.indexOf('background')).toBeLessThan(16);
  });

  it('leaves the last slots to requests, and gives background all the others', async () => {
    const { scheduler } = openTestScheduler(
      { min_concurrency: 10, max_concurrency: 10, fixed_concurrency: 10 },
      enabled,
    );
    const tasks = openTasks(scheduler);
    for (let i = 0; i < 20; i++) tasks.run({ name: 'batch', kind: 'embedding', priority: 9 });
    await settle();
    expect(tasks.started).toHaveLength(8);
    tasks.run({ name: 'request', priority: 0 });
    await settle();
    expect(tasks.started.at(-1)).toBe('request');
    expect(scheduler.state()).toMatchObject({ running: 9, waiting: 12 });
  });

  it('books the weight of a task, and lets no lighter one pass a heavy one whose turn it is', async () => {
    const { scheduler } = openTestScheduler({ min_concurrency: 4, max_concurrency: 4, fixed_concurrency: 4 }, enabled);
    const tasks = openTasks(scheduler);
    tasks.run({ name: 'light' });
    tasks.run({ name: 'light' });
    tasks.run({ name: 'heavy', weight: 3 });
    tasks.run({ name: 'late' });
    await settle();
    expect(tasks.started).toEqual(['light', 'light']);
    tasks.running[0]?.end();
    await settle();
    expect(tasks.started).toEqual(['light', 'light', 'heavy']);
    expect(scheduler.state().running).toBe(4);
    tasks.running[0]?.end();
    tasks.run({ name: 'heavier than everything', weight: 99 });
    await settle();
    expect(tasks.started.at(-1)).toBe('late');
    for (const task of [...tasks.running]) task.end();
    await settle();
    expect(tasks.running.map(({ name }) => name)).toEqual(['heavier than everything']);
    expect(scheduler.state().running).toBe(4);
  });

  it('gives up at the deadline: what waits at once, what runs when it ends', async () => {
    const { scheduler, clock, events } = openTestScheduler(small, enabled);
    const tasks = openTasks(scheduler);
    const outcomes = ['runs', 'runs', 'waits'].map((name) =>
      tasks.run({ name, deadlineMs: 1000 }).catch((error) => error),
    );
    await settle();
    const { signal } = (tasks.running[0] as (typeof tasks.running)[0]).context;
    await clock.advance(999);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: 'TASK_DEADLINE_PASSED' });
    expect((await outcomes[2])?.message).toContain('still waiting');
    expect(signal.aborted).toBe(true);
    expect(tasks.running[1]?.context.signal.aborted).toBe(true);
    // The work has not ended: its slots are still taken.
    expect(scheduler.state()).toMatchObject({ running: 2, waiting: 0 });
    for (const task of [...tasks.running]) task.end();
    await settle();
    expect(scheduler.state().running).toBe(0);
    const ends = events.flatMap((event) => (event.type === 'task_ended' ? [event] : []));
    expect(ends).toEqual([
      { type: 'task_ended', kind: 'agent', outcome: 'expired', durationSeconds: 0 },
      { type: 'task_ended', kind: 'agent', outcome: 'expired', durationSeconds: 1 },
      { type: 'task_ended', kind: 'agent', outcome: 'expired', durationSeconds: 1 },
    ]);
  });

  it('gives up what its caller gives up, before, while it waits and while it runs', async () => {
    const { scheduler, clock } = openTestScheduler(small, enabled);
    const tasks = openTasks(scheduler);
    const reason = new Error('left');
    await expect(tasks.run({ name: 'x', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const leaving = new AbortController();
    const all = ['a', 'b', 'c'].map((name) => tasks.run({ name, signal: leaving.signal, deadlineMs: 1000 }));
    await settle();
    leaving.abort(reason);
    for (const each of all) await expect(each).rejects.toBe(reason);
    expect(tasks.running.map(({ context }) => context.signal.reason)).toEqual([reason, reason]);
    expect(clock.timers).toBe(1);
    expect(scheduler.state()).toMatchObject({ running: 2, waiting: 0 });
  });

  it('refuses what does not fit into its queue, and says when to come back', async () => {
    const { scheduler } = openTestScheduler({ ...small, max_waiting: 3 }, enabled);
    const tasks = openTasks(scheduler);
    for (let i = 0; i < 5; i++) tasks.run({ name: 'request' });
    const refused = tasks.run({ name: 'one too many' });
    await expect(refused).rejects.toMatchObject({
      code: 'SCHEDULER_QUEUE_FULL',
      kind: 'too_many',
      headers: { 'retry-after': '3' },
    });
    const background = () => tasks.run({ name: 'background', kind: 'compression' });
    // Background has a bound of its own: neither shuts the other out.
    for (let i = 0; i < 3; i++) background();
    await expect(background()).rejects.toMatchObject({ code: 'SCHEDULER_QUEUE_FULL' });
    expect(scheduler.state().waiting).toBe(6);
  });

  it('ends: refuses what waits, tells what runs, and waits for it', async () => {
    const { scheduler, closedSignals } = openTestScheduler(small, enabled);
    const tasks = openTasks(scheduler);
    const all = ['a', 'b', 'c', 'd'].map((name) => tasks.run({ name }).catch((error) => error.code));
    await settle();
    const signals = tasks.running.map(({ context }) => context.signal);
    let isClosed = false;
    const closed = scheduler.close().then(() => {
      isClosed = true;
    });
    expect(await Promise.all(all)).toEqual(Array(4).fill('SCHEDULER_CLOSED'));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await settle();
    expect(isClosed).toBe(false);
    for (const task of [...tasks.running]) task.end();
    await closed;
    expect(closedSignals()).toBe(3);
    await expect(tasks.run({ name: 'late' })).rejects.toMatchObject({ code: 'SCHEDULER_CLOSED' });
  });

  it('keeps its promises whatever comes: never over the limit, everybody answered, slots given back', async () => {
    const task = fc.record({
      kind: fc.constantFrom<TaskKind>('agent', 'import', 'embedding', 'prewarm'),
      priority: fc.nat(9),
      weight: fc.integer({ min: 1, max: 6 }),
      upstream: fc.option(fc.constantFrom('model', 'graphiti'), { nil: undefined }),
      deadlineMs: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
      leavesAfter: fc.option(fc.nat(20), { nil: undefined }),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(task, { maxLength: 40 }),
        fc.array(fc.nat(700), { maxLength: 20 }),
        async (list, waits) => {
          const { scheduler, clock } = openTestScheduler(
            { min_concurrency: 3, max_concurrency: 5, fixed_concurrency: 4 },
            enabled,
          );
          const tasks = openTasks(scheduler);
          let settledCount = 0;
          const pausing: TaskContext[] = [];
          const leaving = list.map(() => new AbortController());
          for (const [i, { leavesAfter, upstream, deadlineMs, fails: _, ...options }] of list.entries()) {
            const given = {
              ...options,
              name: String(i),
              signal: leaving[i]?.signal,
              ...(upstream === undefined ? {} : { upstream }),
              ...(deadlineMs === undefined ? {} : { deadlineMs }),
            };
            const count = () => {
              settledCount++;
            };
            tasks.run(given).then(count, count);
          }
          for (let step = 0; settledCount < list.length || tasks.running.length > 0; step++) {
            await clock.advance(waits[step] ?? 250);
            const { limit, running, upstreams } = scheduler.state();
            expect(running).toBeLessThanOrEqual(limit);
            if (enabled) {
              for (const each of Object.values(upstreams)) expect(each.running).toBeLessThanOrEqual(each.limit);
            }
            // One of them begins to wait for its next try, and comes back a step later.
            for (const { permit, signal } of pausing.splice(0)) void permit?.acquire(signal).catch(() => {});
            const pauses = tasks.running[(step * 7) % Math.max(1, tasks.running.length)];
            pauses?.context.permit?.release();
            if (pauses) pausing.push(pauses.context);
            for (const [i, { leavesAfter }] of list.entries()) if (leavesAfter === step) leaving[i]?.abort();
            const next = tasks.running[step % Math.max(1, tasks.running.length)];
            if (next && list[Number(next.name)]?.fails) next.fail(new Error('x'));
            else next?.end();
            expect(step).toBeLessThan(500);
          }
          await settle();
          expect(scheduler.state()).toMatchObject({ running: 0, waiting: 0 });
          for (const { running } of Object.values(scheduler.state().upstreams)) expect(running).toBe(0);
          await scheduler.close();
        },
      ),
      { seed: 5, numRuns: 40 },
    );
  });
});

describe('a scheduler for another server', () => {
  const attempt = (outcome: 'ok' | 'busy', othersRunning: number, retryAfterSeconds?: number) =>
    ({
      type: 'attempt',
      upstream: 'model',
      outcome,
      durationSeconds: 1,
      retryAfterSeconds,
      othersRunning,
      isStream: false,
    }) as const;

  it('starts no more for it than it takes, while other tasks go on', async () => {
    const { scheduler, events, lines } = openTestScheduler({ min_concurrency: 10, max_concurrency: 10 });
    const tasks = openTasks(scheduler);
    for (let i = 0; i < 6; i++) tasks.run({ name: 'asks', upstream: 'model' });
    await settle();
    scheduler.observeUpstream(attempt('busy', 4));
    for (let i = 0; i < 4; i++) tasks.run({ name: 'asks later', upstream: 'model' });
    tasks.run({ name: 'other' });
    await settle();
    expect(tasks.started.filter((name) => name === 'asks later')).toEqual([]);
    expect(tasks.started).toContain('other');
    expect(scheduler.state().upstreams).toEqual({ model: { limit: 4, running: 6 } });
    const decision = { upstream: 'model', limit: 4, previous: 10, reason: 'busy', running: 6 };
    expect(events.at(-2)).toEqual({ type: 'upstream_limit', ...decision });
    expect(lines).toMatchObject([
      { ...decision, msg: 'the scheduler changed how much is sent to another server at once' },
    ]);
    for (const task of tasks.running.slice(0, 3)) task.end();
    await settle();
    expect(tasks.started.filter((name) => name === 'asks later')).toHaveLength(1);
  });

  it('leaves it alone for as long as it asks', async () => {
    const { scheduler, clock } = openTestScheduler();
    const tasks = openTasks(scheduler);
    scheduler.observeUpstream(attempt('busy', 5, 3));
    tasks.run({ name: 'asks', upstream: 'model' });
    await clock.advance(2999);
    expect(tasks.started).toEqual([]);
    await clock.advance(300);
    expect(tasks.started).toEqual(['asks']);
  });

  it('lets one try each minute, however long it asks, and all once that one was answered', async () => {
    const { scheduler, clock } = openTestScheduler();
    const tasks = openTasks(scheduler);
    scheduler.observeUpstream(attempt('busy', 5, Number.POSITIVE_INFINITY));
    for (const name of ['a', 'b', 'c']) tasks.run({ name, upstream: 'model' });
    await clock.advance(59_900);
    expect(tasks.started).toEqual([]);
    await clock.advance(300);
    expect(tasks.started).toEqual(['a']);
    scheduler.observeUpstream(attempt('busy', 0, 3600));
    tasks.running[0]?.end();
    await clock.advance(59_500);
    expect(tasks.started).toEqual(['a']);
    await clock.advance(1000);
    expect(tasks.started).toEqual(['a', 'b']);
    await clock.advance(1000);
    scheduler.observeUpstream(attempt('ok', 0));
    tasks.running[0]?.end();
    await settle();
    expect(tasks.started).toEqual(['a', 'b', 'c']);
  });

  it('refuses who would not wait so long, but for the one that tries', async () => {
    const { scheduler, clock, events, flag } = openTestScheduler();
    const tasks = openTasks(scheduler);
    scheduler.observeUpstream(attempt('busy', 5, 3600));
    const impatient = { name: 'asks', upstream: 'model', maxPauseMs: 60_000 };
    await expect(tasks.run(impatient)).rejects.toMatchObject({
      code: 'UPSTREAM_PAUSED',
      kind: 'unavailable',
      headers: { 'retry-after': '3600' },
    });
    expect(events.at(-1)).toMatchObject({ type: 'task_ended', outcome: 'refused' });
    await clock.advance(60_000);
    tasks.run(impatient);
    await settle();
    expect(tasks.started).toEqual(['asks']);
    await expect(tasks.run(impatient)).rejects.toMatchObject({ headers: { 'retry-after': '3540' } });
    flag.enabled = false;
    tasks.run({ ...impatient, name: 'asks without limits' });
    await settle();
    expect(tasks.started).toEqual(['asks', 'asks without limits']);
    flag.enabled = true;
    await clock.advance(3_540_000 - 60_000);
    tasks.run({ ...impatient, name: 'waits the last minute' });
    await clock.advance(61_000);
    expect(tasks.started).toContain('waits the last minute');
  });
});

describe('a decision about the limit', () => {
  it('is an event and one line of the log, with why and with the load', async () => {
    const { scheduler, clock, load, lines, events } = openTestScheduler();
    const tasks = openTasks(scheduler);
    for (let i = 0; i < 100; i++) tasks.run({ name: 'x' });
    await clock.advance(750);
    expect(events.filter(({ type }) => type === 'limit')).toEqual([
      {
        type: 'limit',
        limit: 20,
        previous: 10,
        reason: 'calm',
        load: { cpu: 0.1, memory: 0.1, event_loop: 0 },
        waiting: 90,
        running: 10,
      },
    ]);
    load.memory = 0.9;
    await clock.advance(250);
    expect(lines).toMatchObject([
      { limit: 20, previous: 10, reason: 'calm' },
      { level: 'info', limit: 10, previous: 20, reason: 'memory', load: { memory: 0.9 }, waiting: 80, running: 20 },
    ]);
    expect(scheduler.state()).toMatchObject({ limit: 10, reason: 'memory', running: 20 });
  });

  it('is told too where only its reason changes', async () => {
    const { clock, load, lines, events } = openTestScheduler();
    load.cpu = 1;
    await clock.advance(5000);
    const decision = { limit: 10, previous: 10, reason: 'cpu' };
    expect(events).toMatchObject([{ type: 'limit', ...decision }]);
    expect(lines).toMatchObject([decision]);
  });

  it('falls back to the fixed limit, and reports it, while the load cannot be read', async () => {
    const { scheduler, clock, load, flag } = openTestScheduler();
    load.cpu = () => {
      throw new Error('no such file');
    };
    await clock.advance(250);
    expect(scheduler.state()).toMatchObject({ limit: 12, reason: 'fixed' });
    expect(flag.failures).toHaveLength(1);
    load.cpu = 0.1;
    await clock.advance(250);
    expect(scheduler.state().limit).toBe(10);
  });

  it('follows the flag while it runs', async () => {
    const { scheduler, clock, flag } = openTestScheduler();
    flag.enabled = false;
    expect(scheduler.state()).toMatchObject({ limit: 12, reason: 'fixed' });
    flag.settings = { ...flag.settings, fixed_concurrency: 3 };
    expect(scheduler.state().limit).toBe(3);
    flag.enabled = true;
    await clock.advance(250);
    expect(scheduler.state()).toMatchObject({ limit: 10, reason: 'start' });
  });
});
