import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Problem } from '../../../src/errors.js';
import { createLogger } from '../../../src/logger.js';
import {
  type EngineEvent,
  type EngineOptions,
  type JobEvent,
  type JobTaskRequest,
  jobSchema,
  openExecutionEngine,
} from '../../../src/scheduler/index.js';
import { eventually } from '../../support/eventually.js';
import { temporaryFolder } from '../../support/folder.js';
import { settle } from '../../support/manual-clock.js';
import { openTestScheduler } from '../open-test-scheduler.js';

async function openTestEngine(options: Partial<EngineOptions> & { settings?: object } = {}) {
  const { settings, ...rest } = options;
  const { scheduler, clock } = openTestScheduler(settings);
  const folder = rest.folder ?? path.join(await temporaryFolder(), 'jobs');
  const events: EngineEvent[] = [];
  const engine = await openExecutionEngine({
    scheduler,
    folder,
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    clock,
    wall: () => clock.wall(),
    ...rest,
  });
  onTestFinished(async () => {
    const closed = engine.close();
    await clock.advance(5000);
    await closed;
  });
  const stored = async (id: string) =>
    jobSchema.parse(JSON.parse(await readFile(path.join(folder, `${id}.json`), 'utf8')));
  return { engine, clock, folder, events, stored, scheduler };
}

type Work = JobTaskRequest['run'];
const task = (
  id: string,
  run: Work = async () => id,
  dependsOn: string[] = [],
  more: Partial<JobTaskRequest> = {},
): JobTaskRequest => ({
  id,
  dependsOn,
  run,
  schedule: { name: id, kind: 'agent' },
  ...more,
});
const refuses: Work = async () => {
  throw new Problem({ code: 'AGENT_SAID_NO', kind: 'unprocessable', message: 'no' });
};
const breaks: Work = async () => {
  throw new Error('secret detail');
};
/** Runs until it is told to end. */
function held() {
  const signals: AbortSignal[] = [];
  let end: (value: unknown) => void = () => {};
  const run: Work = ({ signal }) =>
    new Promise((resolve) => {
      signals.push(signal);
      end = resolve;
    });
  return { run, signals, end: (value?: unknown) => end(value) };
}

const statuses = (job: { tasks: { id: string; status: string }[] }) =>
  Object.fromEntries(job.tasks.map(({ id, status }) => [id, status]));

describe('a job', () => {
  it('runs its tasks after those they depend on, and hands them their results', async () => {
    const { engine, events, stored } = await openTestEngine();
    const order: string[] = [];
    const join: Work = async ({ results }) => {
      order.push('d');
      return [results.get('b'), results.get('c')];
    };
    const note =
      (id: string): Work =>
      async () => {
        order.push(id);
        return id.toUpperCase();
      };
    const { job, ended } = await engine.submit({
      name: 'batch',
      tasks: [
        task('d', join, ['b', 'c']),
        task('c', note('c'), ['a']),
        task('b', note('b'), ['a']),
        task('a', note('a')),
      ],
    });
    const done = await ended;
    expect(order).toEqual(['a', 'c', 'b', 'd']);
    expect(done.status).toBe('completed');
    expect(done.tasks.map(({ id, result }) => [id, result])).toEqual([
      ['d', ['B', 'C']],
      ['c', 'C'],
      ['b', 'B'],
      ['a', 'A'],
    ]);
    expect(await stored(job.id)).toEqual(done);
    expect(await engine.find(job.id)).toEqual(done);
    expect(events).toEqual([
      { type: 'job_accepted', tasks: 4 },
      { type: 'job_ended', status: 'completed', durationSeconds: 0 },
    ]);
  });

  it('tells each failure, skips what depends on it, and completes the rest', async () => {
    const { engine } = await openTestEngine();
    const { ended } = await engine.submit({
      name: 'batch',
      tasks: [
        task('fine'),
        task('refused', refuses),
        task('broken', breaks),
        task('after', undefined, ['refused']),
        task('long after', undefined, ['fine', 'after']),
        task('fine too', undefined, ['fine']),
      ],
    });
    const job = await ended;
    expect(job.status).toBe('completed');
    expect(job.tasks.map(({ id, status, error }) => [id, status, error?.code, error?.message])).toEqual([
      ['fine', 'completed', undefined, undefined],
      ['refused', 'failed', 'AGENT_SAID_NO', 'no'],
      ['broken', 'failed', 'INTERNAL', 'the service failed; its log has the cause'],
      ['after', 'skipped', 'JOB_TASK_SKIPPED', 'it depends on "refused", which was not completed'],
      ['long after', 'skipped', 'JOB_TASK_SKIPPED', 'it depends on "after", which was skipped'],
      ['fine too', 'completed', undefined, undefined],
    ]);
  });

  it('has failed when no task completed, and is complete without any task', async () => {
    const { engine } = await openTestEngine();
    expect((await (await engine.submit({ name: 'x', tasks: [task('a', breaks)] })).ended).status).toBe('failed');
    expect((await (await engine.submit({ name: 'x', tasks: [] })).ended).status).toBe('completed');
  });

  it('runs no more of its tasks at once than it may', async () => {
    const { engine, clock } = await openTestEngine();
    const works = Array.from({ length: 5 }, held);
    const { ended } = await engine.submit({
      name: 'x',
      parallel: 2,
      tasks: works.map(({ run }, i) => task(String(i), run)),
    });
    await settle();
    expect(works.map(({ signals }) => signals.length)).toEqual([1, 1, 0, 0, 0]);
    works[0]?.end();
    await settle();
    expect(works.map(({ signals }) => signals.length)).toEqual([1, 1, 1, 0, 0]);
    for (const work of works) {
      work.end();
      await settle();
    }
    expect((await ended).status).toBe('completed');
    expect(clock.timers).toBe(1);
  });

  it('gives a task up when its time is over, and goes on with the others', async () => {
    const { engine, clock } = await openTestEngine();
    const slow = held();
    const { ended } = await engine.submit({
      name: 'x',
      tasks: [
        task('slow', slow.run, [], { timeoutMs: 1000 }),
        task('after', undefined, ['slow']),
        task('quick', undefined, [], { timeoutMs: 1000 }),
      ],
    });
    await clock.advance(999);
    expect(slow.signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(slow.signals[0]?.aborted).toBe(true);
    await clock.advance(5000);
    const job = await ended;
    expect(statuses(job)).toEqual({ slow: 'failed', after: 'skipped', quick: 'completed' });
    expect(job.tasks[0]?.error?.code).toBe('JOB_TASK_TIMEOUT');
    slow.end('late');
    await settle();
    expect(job.tasks[0]).not.toHaveProperty('result');
  });

  it('counts what a task wrote, though its time was over meanwhile', async () => {
    const { engine, clock } = await openTestEngine();
    const writes = held();
    const obeys: Work = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const timeoutMs = 1000;
    const { ended } = await engine.submit({
      name: 'x',
      tasks: [
        task('writes', writes.run, [], { timeoutMs }),
        task('obeys', obeys, [], { timeoutMs }),
        task('after', undefined, ['writes']),
      ],
    });
    await clock.advance(timeoutMs);
    writes.end('written');
    const job = await ended;
    expect(statuses(job)).toEqual({ writes: 'completed', obeys: 'failed', after: 'completed' });
    expect(job.tasks[0]?.result).toBe('written');
    expect(job.tasks[1]?.error?.code).toBe('JOB_TASK_TIMEOUT');
  });

  it.each(['its own time is over', 'the service closes'])('waits for what is being written when %s', async (why) => {
    const { engine, clock, stored } = await openTestEngine();
    const writes = held();
    const hangs = held();
    const { job, ended } = await engine.submit({
      name: 'x',
      timeoutMs: 5000,
      tasks: [task('writes', writes.run), task('hangs', hangs.run), task('after', undefined, ['writes'])],
    });
    await settle();
    const isClosing = why === 'the service closes';
    if (isClosing) void engine.close();
    else await clock.advance(5000);
    expect(writes.signals[0]?.aborted).toBe(true);
    await clock.advance(4000);
    expect(statuses(job)).toMatchObject({ writes: 'running', hangs: 'running' });
    writes.end('written');
    await clock.advance(1000);
    const unfinished = isClosing ? 'interrupted' : 'cancelled';
    expect(await ended).toMatchObject({ status: isClosing ? 'interrupted' : 'failed' });
    expect(statuses(await stored(job.id))).toEqual({ writes: 'completed', hangs: unfinished, after: unfinished });
    expect(job.tasks[0]?.result).toBe('written');
    expect(job.tasks[2]?.error?.code).toBe(isClosing ? undefined : 'JOB_TIMEOUT');
  });

  it('has failed when its own time is over', async () => {
    const { engine, clock } = await openTestEngine();
    const slow = held();
    const { ended } = await engine.submit({
      name: 'x',
      timeoutMs: 5000,
      tasks: [task('slow', slow.run), task('quick')],
    });
    await clock.advance(10_000);
    const job = await ended;
    expect(job).toMatchObject({ status: 'failed' });
    expect(statuses(job)).toEqual({ slow: 'cancelled', quick: 'completed' });
    expect(job.tasks[0]?.error).toEqual({
      code: 'JOB_TIMEOUT',
      message: 'expected the job to end within 5 s of its start',
    });
    expect(slow.signals[0]?.aborted).toBe(true);
  });

  it('is cancelled: what waits ends, what runs is told and says itself how it ended', async () => {
    const { engine, stored } = await openTestEngine();
    const wrote = held();
    const obeys: Work = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { job, ended } = await engine.submit({
      name: 'x',
      parallel: 2,
      tasks: [task('writes', wrote.run), task('obeys', obeys), task('waits'), task('after', undefined, ['writes'])],
    });
    await settle();
    expect((await engine.cancel(job.id)).status).toBe('running');
    expect(wrote.signals[0]?.aborted).toBe(true);
    wrote.end('written');
    expect(statuses(await ended)).toEqual({
      writes: 'completed',
      obeys: 'cancelled',
      waits: 'cancelled',
      after: 'cancelled',
    });
    expect(await stored(job.id)).toMatchObject({ status: 'cancelled' });
    await expect(engine.cancel(job.id)).rejects.toMatchObject({ code: 'JOB_ALREADY_ENDED' });
  });

  it('waits when others fill the queue of the scheduler', async () => {
    const { engine, clock, scheduler } = await openTestEngine({
      settings: { min_concurrency: 1, max_concurrency: 1, max_waiting: 1 },
    });
    const busy = held();
    const other = scheduler.run(() => busy.run({ signal: AbortSignal.timeout(1e6), results: new Map() }), {
      name: 'x',
      kind: 'agent',
    });
    const { ended } = await engine.submit({ name: 'x', tasks: [task('a'), task('b'), task('c')] });
    await settle();
    busy.end();
    await other;
    await clock.advance(3000);
    expect(statuses(await ended)).toEqual({ a: 'completed', b: 'completed', c: 'completed' });
  });

  it('is refused whole when it is wrong or too much, and nothing of it runs', async () => {
    const { engine, folder } = await openTestEngine({ maxUnfinishedTasks: 3 });
    await expect(engine.submit({ name: 'x', tasks: [task('a', undefined, ['a'])] })).rejects.toMatchObject({
      code: 'JOB_DEPENDENCY_CYCLE',
    });
    const works = [held(), held()];
    const { ended } = await engine.submit({ name: 'x', tasks: works.map(({ run }, i) => task(String(i), run)) });
    const tooMuch = engine.submit({ name: 'x', tasks: [task('a'), task('b')] });
    await expect(tooMuch).rejects.toMatchObject({
      code: 'JOBS_QUEUE_FULL',
      kind: 'too_many',
      headers: { 'retry-after': '5' },
    });
    await settle();
    for (const work of works) work.end();
    await ended;
    expect((await (await engine.submit({ name: 'x', tasks: [task('a'), task('b')] })).ended).status).toBe('completed');
    expect(await readdir(folder)).toHaveLength(2);
  });

  it('makes room with each task that ends, but not for ever more jobs that never end', async () => {
    const { engine } = await openTestEngine({ maxUnfinishedTasks: 2 });
    const slow: ReturnType<typeof held>[] = [];
    const submit = () => {
      slow.push(held());
      return engine.submit({ name: 'x', tasks: [task('slow', slow.at(-1)?.run), task('quick')] });
    };
    const first = await submit();
    await settle();
    expect(statuses(first.job)).toMatchObject({ slow: 'running', quick: 'completed' });
    const one = () => engine.submit({ name: 'x', tasks: [task('a')] });
    const { ended } = await one();
    await expect(submit()).rejects.toMatchObject({ code: 'JOBS_QUEUE_FULL' });
    await ended;
    slow[0]?.end();
    await first.ended;

    const { engine: other } = await openTestEngine({ maxUnfinishedTasks: 12 });
    const fill = (tasks: number) => {
      const quick = Array.from({ length: tasks - 1 }, (_, i) => task(String(i)));
      return other.submit({ name: 'x', tasks: [task('slow', held().run), ...quick] });
    };
    for (const tasks of [12, 11, 10, 9, 8, 7]) {
      await fill(tasks);
      await settle();
    }
    await expect(fill(6)).rejects.toMatchObject({
      code: 'JOBS_QUEUE_FULL',
      message: expect.stringContaining('60 tasks in unfinished jobs'),
    });
    await fill(3);
  });

  it('is not accepted when it cannot be stored', async () => {
    const { engine, folder } = await openTestEngine();
    await rm(folder, { recursive: true });
    let ran = false;
    const work: Work = async () => {
      ran = true;
    };
    const submitted = engine.submit({ name: 'x', tasks: [task('a', work)] });
    await expect(submitted).rejects.toMatchObject({ code: 'JOBS_NOT_WRITABLE', kind: 'unavailable' });
    expect(ran).toBe(false);
  });
});

describe('watching a job', () => {
  it('tells what happened since, then what happens, until its end', async () => {
    const { engine } = await openTestEngine();
    const work = held();
    const { job, ended } = await engine.submit({ name: 'x', tasks: [task('a', work.run)] });
    await settle();
    const all: JobEvent[] = [];
    const late: JobEvent[] = [];
    const watching = await engine.watch(job.id, 0, (event) => all.push(event));
    await engine.watch(job.id, 2, (event) => late.push(event));
    const left: JobEvent[] = [];
    (await engine.watch(job.id, 0, (event) => left.push(event))).stop();
    work.end('done');
    await ended;
    await watching.ended;
    expect(
      all.map((event) => [event.seq, event.type, event.type === 'task' ? event.task.status : event.status]),
    ).toEqual([
      [1, 'job', 'running'],
      [2, 'task', 'running'],
      [3, 'task', 'completed'],
      [4, 'job', 'completed'],
    ]);
    expect(late).toEqual(all.slice(2));
    expect(left).toEqual(all.slice(0, 2));
    const after: JobEvent[] = [];
    await (await engine.watch(job.id, 4, (event) => after.push(event))).ended;
    expect(after).toMatchObject([{ type: 'job', status: 'completed', ended: 1, total: 1 }]);
  });

  it('waits for a slow listener before it tells the next event, and ends when the last was told', async () => {
    const { engine } = await openTestEngine();
    const work = held();
    const { job, ended } = await engine.submit({ name: 'x', tasks: [task('a', work.run)] });
    await settle();
    const told: number[] = [];
    let isReady = () => {};
    const slow = ({ seq }: JobEvent) => {
      told.push(seq);
      return new Promise<void>((resolve) => {
        isReady = resolve;
      });
    };
    const watching = await engine.watch(job.id, 0, slow);
    let hasEnded = false;
    void watching.ended.then(() => {
      hasEnded = true;
    });
    work.end('done');
    await ended;
    expect(told).toEqual([1]);
    for (const expected of [
      [1, 2],
      [1, 2, 3],
      [1, 2, 3, 4],
    ]) {
      isReady();
      await settle();
      expect(told).toEqual(expected);
    }
    expect(hasEnded).toBe(false);
    isReady();
    await watching.ended;
  });

  it('tells no more to a listener that fails, and to one that is ahead what comes', async () => {
    const { engine } = await openTestEngine();
    const work = held();
    const { job, ended } = await engine.submit({ name: 'x', tasks: [task('a', work.run)] });
    await settle();
    let calls = 0;
    const broken = await engine.watch(job.id, 0, () => {
      calls++;
      throw new Error('gone');
    });
    await broken.ended;
    const ahead: number[] = [];
    await engine.watch(job.id, 999, ({ seq }) => ahead.push(seq));
    work.end();
    await ended;
    await settle();
    expect(calls).toBe(1);
    expect(ahead).toEqual([3, 4]);
  });

  it('knows no other jobs, whatever they are called', async () => {
    const { engine, folder } = await openTestEngine();
    await writeFile(path.join(folder, 'secret.json'), '{}');
    for (const id of ['secret', '../x', '', '00000000-0000-4000-8000-000000000000']) {
      await expect(engine.find(id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND', kind: 'missing' });
      await expect(engine.cancel(id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      await expect(engine.watch(id, 0, () => {})).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
  });
});

describe('a restart', () => {
  it('finds what had not ended as interrupted, after an orderly end too', async () => {
    const first = await openTestEngine();
    const { job } = await first.engine.submit({
      name: 'x',
      tasks: [task('quick'), task('slow', held().run), task('after', undefined, ['slow'])],
    });
    await settle();
    const atCrash = path.join(first.folder, '..', 'crashed');
    await mkdir(atCrash);
    // What is on disk while it runs is what a crash leaves.
    await writeFile(path.join(atCrash, `${job.id}.json`), await readFile(path.join(first.folder, `${job.id}.json`)));
    await writeFile(path.join(atCrash, 'half.tmp'), '{');
    await writeFile(path.join(atCrash, '00000000-0000-4000-8000-000000000000.json'), '{');
    const closed = first.engine.close();
    await first.clock.advance(5000);
    await closed;
    expect(statuses(await first.stored(job.id))).toEqual({
      quick: 'completed',
      slow: 'interrupted',
      after: 'interrupted',
    });
    await expect(first.engine.submit({ name: 'x', tasks: [] })).rejects.toMatchObject({ code: 'SCHEDULER_CLOSED' });

    const second = await openTestEngine({ folder: atCrash });
    const found = await second.engine.find(job.id);
    expect(found.status).toBe('interrupted');
    expect(new Set(Object.values(statuses(found)))).toEqual(new Set(['interrupted']));
    expect(await second.stored(job.id)).toEqual(found);
    expect(await readdir(atCrash)).not.toContain('half.tmp');
  });

  it('finds the results of the tasks that had ended a second before a crash, and writes no more often', async () => {
    const first = await openTestEngine();
    const slow = held();
    const steps = [held(), held(), held()];
    const { job, ended } = await first.engine.submit({
      name: 'x',
      tasks: [task('slow', slow.run), ...steps.map(({ run }, i) => task(String(i), run))],
    });
    const file = path.join(first.folder, `${job.id}.json`);
    const before = (await stat(file)).ino;
    await settle();
    steps[0]?.end({ drawn: true });
    await first.clock.advance(500);
    steps[1]?.end({ drawn: true });
    await first.clock.advance(499);
    expect((await stat(file)).ino).toBe(before);
    await first.clock.advance(1);
    await eventually(async () => expect(statuses(await first.stored(job.id))).toMatchObject({ 0: 'completed' }));
    const crashed = path.join(first.folder, '..', 'crashed');
    await cp(first.folder, crashed, { recursive: true });
    const second = await openTestEngine({ folder: crashed });
    const found = await second.engine.find(job.id);
    expect(found.status).toBe('interrupted');
    expect(statuses(found)).toEqual({ slow: 'interrupted', 0: 'completed', 1: 'completed', 2: 'interrupted' });
    expect(found.tasks[1]?.result).toEqual({ drawn: true });

    steps[2]?.end();
    slow.end();
    await ended;
    expect(statuses(await first.stored(job.id))).toMatchObject({ slow: 'completed', 2: 'completed' });
    expect(first.clock.timers).toBe(1);
  });

  it('keeps only so many jobs, and only so long', async () => {
    let now = Date.UTC(2026, 0, 1);
    const wall = () => now;
    const { engine, folder } = await openTestEngine({ maxKept: 3, wall });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { job, ended } = await engine.submit({ name: 'x', tasks: [task('a')] });
      await ended;
      ids.push(job.id);
    }
    expect((await readdir(folder)).sort()).toEqual(
      ids
        .slice(2)
        .map((id) => `${id}.json`)
        .sort(),
    );
    now += 8 * 86_400_000;
    await openTestEngine({ folder, wall });
    expect(await readdir(folder)).toEqual([]);
  });
});
