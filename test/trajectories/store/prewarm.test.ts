import { expect, test } from 'vitest';
import type { Table, TableDamage } from '../../../src/lance/index.js';
import { createLogger, type Logger } from '../../../src/logger.js';
import { trajectoryNotFound } from '../../../src/trajectories/errors.js';
import { createPrewarm, type PrewarmProgress, type PrewarmStep } from '../../../src/trajectories/store/prewarm.js';
import { type LoadedTables, prewarmSteps } from '../../../src/trajectories/store/prewarm-steps.js';
import { storeDetail } from '../../../src/trajectories/store/store-detail.js';
import { fixedOptimization } from '../../support/optimization.js';
import { openStore } from '../open-store.js';
import { makeRow, openTables } from '../stored-rows.js';

function prewarmOf(steps: PrewarmStep[] | Error, isOn = true) {
  const indexPrewarm = fixedOptimization(isOn, {});
  const told: PrewarmProgress[] = [];
  const prewarm = createPrewarm({
    indexPrewarm,
    steps: async () => {
      if (steps instanceof Error) throw steps;
      return steps;
    },
    logger: createLogger('silent'),
    onProgress: (progress) => told.push(progress),
  });
  return { prewarm, indexPrewarm, states: () => told.map(({ state, done, total }) => `${state} ${done}/${total}`) };
}

const steps = (log: string[], names: string[]) =>
  names.map((name) => ({
    name,
    run: async () => {
      log.push(name);
    },
  }));

/** Tells what is read instead of reading it. */
function recordedReads(trajectories: Table, analysis: Table): { loaded: LoadedTables; read: string[] } {
  const read: string[] = [];
  const loaded: LoadedTables = {
    trajectories,
    analysis,
    kept: {
      async fill() {
        read.push('small columns');
      },
    },
    pages: {
      async list({ sortBy }) {
        read.push(`page by ${sortBy}`);
        return { rows: [Buffer.from('{"trajectory_id":"t-00039","data_id":"q"}')], total: 40 };
      },
      async get(id) {
        read.push(`record ${id}`);
        return Buffer.from('{}');
      },
    },
    rehearsal: {
      after: Promise.resolve(),
      async ask(url) {
        read.push(`GET ${url.split('?')[0]}`);
      },
    },
  };
  return { loaded, read };
}

test('every step runs once, in order, and progress is told', async () => {
  const log: string[] = [];
  const { prewarm, states } = prewarmOf(steps(log, ['a', 'b']));
  expect(prewarm.progress().state).toBe('waiting');
  await Promise.all([prewarm.run(), prewarm.run()]);
  expect(log).toEqual(['a', 'b']);
  expect(states()).toEqual(['running 0/2', 'running 1/2', 'done 2/2']);
});

test('switched off it loads nothing', async () => {
  const log: string[] = [];
  const { prewarm, states } = prewarmOf(steps(log, ['a']), false);
  await prewarm.run();
  expect([log, states()]).toEqual([[], ['off 0/0']]);
});

test('a stop ends it after the step under way', async () => {
  const log: string[] = [];
  let stopped: Promise<void> | undefined;
  const { prewarm, states } = prewarmOf([
    {
      name: 'a',
      run: async () => {
        stopped = prewarm.stop();
      },
    },
    ...steps(log, ['b']),
  ]);
  await prewarm.run();
  await stopped;
  expect([log, states().at(-1)]).toEqual([[], 'stopped 1/2']);
});

test('a step that needs something else waits for it, and a stop ends the wait', async () => {
  const log: string[] = [];
  let allow = () => {};
  const allowed = new Promise<void>((resolve) => {
    allow = resolve;
  });
  const [a, b] = steps(log, ['a', 'b']) as [PrewarmStep, PrewarmStep];
  const waiting = prewarmOf([a, { ...b, after: allowed }]);
  const loaded = waiting.prewarm.run();
  expect(await Promise.race([loaded, new Promise((resolve) => setImmediate(resolve, 'waits'))])).toBe('waits');
  expect(log).toEqual(['a']);
  allow();
  await loaded;
  expect([log, waiting.states().at(-1)]).toEqual([['a', 'b'], 'done 2/2']);

  const never = prewarmOf([{ ...a, after: new Promise(() => {}) }]);
  const running = never.prewarm.run();
  await never.prewarm.stop();
  await running;
  expect([log, never.states().at(-1)]).toEqual([['a', 'b'], 'stopped 0/1']);
});

test('what fails because all is being closed is no failure', async () => {
  let stopping: Promise<void> | undefined;
  const { prewarm, indexPrewarm, states } = prewarmOf([
    {
      name: 'a',
      async run() {
        stopping = prewarm.stop();
        throw new Error('the table is closed');
      },
    },
  ]);
  await prewarm.run();
  await stopping;
  expect([states().at(-1), indexPrewarm.failures]).toEqual(['stopped 0/1', []]);
});

test('a failure is reported once, and the rest is left to the queries', async () => {
  const broken = { name: 'a', run: () => Promise.reject(new Error('index damaged')) };
  const { prewarm, indexPrewarm, states } = prewarmOf([broken, broken]);
  await prewarm.run();
  expect([states().at(-1), indexPrewarm.failures.length]).toEqual(['failed 0/2', 1]);
  const never = prewarmOf(new Error('table gone'));
  await never.prewarm.run();
  expect(never.states()).toEqual(['failed 0/0']);
});

test('the steps load each index and the pages, and all of them can be run', async () => {
  const { folder } = await openTables(Array.from({ length: 40 }, (_, i) => makeRow(i)));
  const store = await openStore(folder);
  await store.setAnalysis('t-00001', { is_success: true, category: '', root_cause: '', suggestion: '' });
  await store.maintain();
  await store.close();
  const { table, analysis } = await openTables([], 1, folder);
  const { loaded, read } = recordedReads(table, analysis);
  const planned = await prewarmSteps(loaded);
  const names = planned.map(({ name }) => name);
  expect(names.filter((name) => name.includes(': index '))).toHaveLength(11);
  expect(names).toContain('trajectories: page by created_at');
  expect(names.at(-1)).toBe('trajectories: page over HTTP');
  for (const step of planned) await step.run();
  expect(read).toEqual([
    'small columns',
    ...['created_at', 'reward', 'step_count', 'exec_time', 'trajectory_id', 'data_id'].map((by) => `page by ${by}`),
    'page by created_at',
    'record t-00039',
    'GET /api/trajectories',
  ]);
});

test('a record that is deleted meanwhile is no failure of loading', async () => {
  const { table, analysis } = await openTables([makeRow(0)]);
  const { loaded } = recordedReads(table, analysis);
  const gone = { ...loaded.pages, get: () => Promise.reject(trajectoryNotFound('t-00039')) };
  for (const step of await prewarmSteps({ ...loaded, pages: gone })) await step.run();
  const broken = { ...loaded.pages, get: () => Promise.reject(new Error('index damaged')) };
  const byId = (await prewarmSteps({ ...loaded, pages: broken })).find(({ name }) => name.endsWith('record by id'));
  await expect(byId?.run()).rejects.toThrow('index damaged');
});

test('where nobody can be asked over HTTP, the rest is loaded all the same', async () => {
  const { table, analysis } = await openTables([makeRow(0)]);
  const { loaded } = recordedReads(table, analysis);
  const planned = await prewarmSteps({ ...loaded, rehearsal: undefined });
  expect(planned.at(-1)?.name).toBe('trajectories: record by id');
});

test('empty tables need no loading', async () => {
  const { table, analysis } = await openTables([]);
  expect(await prewarmSteps(recordedReads(table, analysis).loaded)).toEqual([]);
});

test('readiness tells what is being loaded and what is missing, without a path', () => {
  const progress = { done: 3, total: 9, durationSeconds: 1 };
  const damage: TableDamage = {
    table: 'analysis',
    version: 8,
    rows: 10,
    lostVersions: [9],
    lostRows: 2,
    lostSinceMs: 0,
    keptIn: '_damaged',
    cause: new Error('/data/secret'),
  };
  expect(storeDetail([], { ...progress, state: 'done' })).toEqual({});
  expect(storeDetail([], { ...progress, state: 'off' })).toEqual({});
  expect(storeDetail([], { ...progress, state: 'waiting' }).detail).toBe('loading indexes and columns: about to begin');
  expect(storeDetail([], { ...progress, state: 'running' }).detail).toBe('loading indexes and columns: 3 of 9');
  expect(storeDetail([], { ...progress, state: 'failed' }).detail).toContain('broke off at 3 of 9');
  expect(storeDetail([damage], { ...progress, state: 'done' }).detail).toBe(
    'table analysis: went back to version 8, without 1 newer version since 1970-01-01T00:00:00.000Z; 2 rows missing; ' +
      'what could not be read is kept in _damaged',
  );
  const empty = { ...damage, version: undefined, lostRows: undefined };
  expect(storeDetail([empty], { ...progress, state: 'done' }).detail).toContain(
    'no version could be read, it begins empty; an unknown number of rows missing',
  );
});

test('each step waits for its turn; when it gets none, loading stops and the flag stays on', async () => {
  const log: string[] = [];
  const told: PrewarmProgress[] = [];
  const indexPrewarm = fixedOptimization(true, {});
  let turns = 1;
  const prewarm = createPrewarm({
    indexPrewarm,
    steps: async () => steps(log, ['a', 'b']),
    inBackground: async (work) => {
      turns -= 1;
      if (turns < 0) throw new Error('the scheduler is closed');
      return work(new AbortController().signal);
    },
    logger: createLogger('silent'),
    onProgress: (progress) => told.push(progress),
  });
  await prewarm.run();
  expect([log, indexPrewarm.failures]).toEqual([['a'], []]);
  expect(told.at(-1)).toMatchObject({ state: 'stopped', done: 1, total: 2 });
});

test('the log says at the usual level how far loading is, a few times at most', async () => {
  const lines: [string, unknown][] = [];
  const write = (level: string) => (fields: { done?: number }) => lines.push([level, fields.done]);
  const logger = { ...createLogger('silent'), info: write('info'), debug: write('debug') } as unknown as Logger;
  const names = Array.from({ length: 10 }, (_, i) => `${i}`);
  const prewarm = createPrewarm({
    indexPrewarm: fixedOptimization(true, {}),
    steps: async () => steps([], names),
    logger,
    onProgress() {},
  });
  await prewarm.run();
  const told = lines.filter(([level]) => level === 'info').map(([, done]) => done);
  expect(told).toEqual([3, 5, 8, undefined]);
});
