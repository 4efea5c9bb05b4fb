import { expect, test } from 'vitest';
import { createQueryCache } from '../../../../src/trajectories/query/cache/query-cache.js';
import type {
  ListQuery,
  TextPage,
  TrajectoryRepository,
} from '../../../../src/trajectories/query/trajectory-repository.js';
import { fixedOptimization } from '../../../support/optimization.js';

const query: ListQuery = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 20 };
const agent = (text: string): ListQuery => ({ ...query, filter: [{ test: 'matches', column: 'agent_name', text }] });

/** Lets what is under way come to where it waits for something from outside. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

/** A repository whose answers count up, the cache around it, and what a test turns by hand. */
function open(bytesOfAnswer = 10) {
  const state = { version: '1', now: 1, read: (): Promise<void> | void => {} };
  let answers = 0;
  const repository: TrajectoryRepository = {
    async list(): Promise<TextPage> {
      answers += 1;
      const total = answers;
      await state.read();
      return { rows: [Buffer.alloc(bytesOfAnswer)], total };
    },
    get: async () => Buffer.from('{}'),
    explain: async () => ({ variant: 'optimized', plan: [], indexes: [], row_ids: 'off', query_cache: 'off' }),
  };
  const flag = fixedOptimization(true, { ttl_seconds: 300, max_bytes: 10_000 });
  const found: string[] = [];
  const cached = createQueryCache({
    repository,
    dataVersion: async () => state.version,
    queryCache: flag,
    onFound: (what) => found.push(what),
    now: () => state.now,
  });
  const list = async (asked: ListQuery = query) => (await cached.list(asked)).total;
  return { state, flag, found, cached, list };
}

test('an answer is given again until its time is over', async () => {
  const { state, list, found } = open();
  expect([await list(), await list()]).toEqual([1, 1]);
  state.now = 300_000;
  expect(await list()).toBe(1);
  state.now = 300_002;
  expect(await list()).toBe(2);
  expect(found).toEqual(['miss', 'hit', 'hit', 'miss']);
});

test('each query has its own answer; equal ones share it', async () => {
  const { list } = open();
  const others: ListQuery[] = [
    agent('a'),
    agent('b'),
    { ...query, page: 2 },
    { ...query, pageSize: 21 },
    { ...query, order: 'asc' },
    { ...query, sortBy: 'reward' },
    { ...query, fields: ['reward'] },
    { ...query, walk: {} },
    { ...query, walk: { after: { value: 1, seq: 1 } } },
  ];
  for (const [i, other] of others.entries()) expect(await list(other)).toBe(i + 1);
  for (const [i, other] of others.entries()) expect(await list(structuredClone(other))).toBe(i + 1);
});

test('after a change of the data no old answer is given, and none is held', async () => {
  const { state, list, cached } = open();
  await list();
  await list(agent('a'));
  expect(cached.cache.statistics().entries).toBe(2);
  state.version = '2';
  expect(await list()).toBe(3);
  expect(cached.cache.statistics().entries).toBe(1);
});

test('an answer during whose making the data changed is not kept', async () => {
  const { state, list } = open();
  state.read = () => {
    state.version = '2';
  };
  expect(await list()).toBe(1);
  expect(await list()).toBe(2);
  expect(await list()).toBe(2);
});

test('equal queries at the same time are read once, and one that comes after a change is not answered with them', async () => {
  const { state, list } = open();
  let goOn = () => {};
  state.read = () =>
    new Promise((resolve) => {
      goOn = resolve;
    });
  const early = [list(), list(), list()];
  await settled();
  state.version = '2';
  const endEarly = goOn;
  const late = list();
  await settled();
  endEarly();
  goOn();
  expect(await Promise.all(early)).toEqual([1, 1, 1]);
  expect(await late).toBe(2);
});

test('a kept page brings its text along, and its rows are as before', async () => {
  const { cached } = open();
  const first = await cached.list(query);
  expect(String(first.text)).toBe(`{"data":[${'\0'.repeat(10)}],"total":1,"page":1,"pageSize":20}`);
  expect(first.rows).toEqual([Buffer.alloc(10)]);
  const walking = await cached.list({ ...query, walk: {} });
  expect(walking).not.toHaveProperty('text');
});

test('a failed reading is told to all who wait and not kept', async () => {
  const { state, list, flag } = open();
  state.read = () => Promise.reject(new Error('broken'));
  const both = await Promise.allSettled([list(), list()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  state.read = () => {};
  expect(await list()).toBe(2);
  expect(flag.failures).toEqual([]);
});

test('answers take no more memory than allowed; the least recently used go first', async () => {
  const { list, cached, flag } = open(3500);
  for (const name of ['a', 'b', 'a', 'c', 'd']) await list(agent(name));
  expect(cached.cache.statistics()).toMatchObject({ entries: 2, hits: 1, misses: 4, max_bytes: 10_000 });
  expect(cached.cache.statistics().bytes).toBeLessThanOrEqual(10_000);
  flag.settings = { ...flag.settings, max_bytes: 4000 };
  await list(agent('d'));
  expect(cached.cache.statistics().entries).toBe(0);
});

test('nothing is kept or counted while it is switched off, and what was kept is dropped', async () => {
  const { list, cached, flag, found } = open();
  await list();
  flag.enabled = false;
  expect([await list(), await list()]).toEqual([2, 3]);
  flag.enabled = true;
  expect(await list()).toBe(4);
  expect(found).toEqual(['miss', 'miss']);
  expect(cached.cache.statistics()).toMatchObject({ hits: 0, misses: 2 });
});

test('cleared by hand it reads again', async () => {
  const { list, cached } = open();
  await list();
  cached.cache.clear();
  expect(await list()).toBe(2);
});

test('when it cannot tell the version of the data, it reads, and says so', async () => {
  const { list, flag, state } = open();
  await list();
  Object.defineProperty(state, 'version', {
    get: () => {
      throw new Error('broken');
    },
  });
  expect([await list(), await list()]).toEqual([2, 3]);
  expect(flag.failures).toHaveLength(2);
});

test('tells whether an answer is kept, without counting', async () => {
  const { cached, list, found, flag } = open();
  const tells = async () => (await cached.explain(query)).query_cache;
  expect(await tells()).toBe('miss');
  await list();
  expect(await tells()).toBe('hit');
  flag.enabled = false;
  expect(await tells()).toBe('off');
  expect(found).toEqual(['miss']);
});
