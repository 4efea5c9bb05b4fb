import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { openTrajectories, type Trajectories, trajectoryRoutes } from '../../src/trajectories/index.js';
import { sortableFields } from '../../src/trajectories/query/trajectory-columns.js';
import { hostileText } from '../support/hostile-text.js';
import { fixedOptimization } from '../support/optimization.js';
import { startTestServer } from '../support/server.js';
import { listed, makeRow, openTables, suiteFolder } from './stored-rows.js';

const odd = fc
  .sample(hostileText, { numRuns: 60, seed: 23 })
  .map((text, i) =>
    makeRow(i, { trajectory_id: `${text}#${i}`, data_id: text, agent_name: text, question: text, tags: [text] }),
  );
const plain = Array.from({ length: 60 }, (_, i) => makeRow(100 + i));
const rows = [...odd, ...plain];
const nativeQuery = fixedOptimization(true, { row_id_cache_bytes: 1_000_000 });

let trajectories: Trajectories;
beforeAll(async () => {
  const folder = await suiteFolder();
  await openTables(rows, 2, folder);
  trajectories = await openTrajectories({
    lanceUri: folder,
    nativeQuery,
    analysisById: fixedOptimization(true, {}),
    queryCache: fixedOptimization(false, { ttl_seconds: 300, max_bytes: 1_000_000 }),
    scalarIndexes: fixedOptimization(true, {}),
    logger: createLogger('silent'),
    onEvent: () => {},
  });
});
afterAll(() => trajectories.close());

const start = (): Promise<FastifyInstance> => startTestServer([trajectoryRoutes(trajectories)]);

async function list(server: FastifyInstance, query: Record<string, string | string[]>) {
  const answer = await server.inject({ url: '/api/trajectories', query });
  return { status: answer.statusCode, body: answer.json() };
}

const byId = { sort_by: 'trajectory_id', sort_order: 'asc' };
const numbers = (texts: { trajectory_id: string }[]) => texts.map((row) => row.trajectory_id).sort();

describe('GET /api/trajectories', () => {
  test('answers the newest twenty whole records by default', async () => {
    const server = await start();
    const answer = await server.inject('/api/trajectories');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const newest = rows.toSorted((a, b) => b.created_at - a.created_at || b.seq - a.seq).slice(0, 20);
    expect(answer.json()).toEqual({ data: newest.map((row) => listed(row)), total: 120, page: 1, pageSize: 20 });
  });

  test('pages, sorts and narrows as asked, in either spelling', async () => {
    const server = await start();
    const one = await list(server, { ...byId, page: '3', pageSize: '7', fields: 'trajectory_id, isSuccess,category' });
    const two = await list(server, {
      sortBy: 'trajectory_id',
      sortOrder: 'asc',
      page: '3',
      pageSize: '7',
      fields: 'trajectory_id,isSuccess,category',
    });
    expect(one).toEqual(two);
    const ids = rows.map((row) => row.trajectory_id).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const expected = ids.slice(14, 21).map((trajectory_id) => {
      const row = rows.find((candidate) => candidate.trajectory_id === trajectory_id)!;
      return { trajectory_id, isSuccess: row.is_success, category: '' };
    });
    expect(one.body).toEqual({ data: expected, total: 120, page: 3, pageSize: 7 });
  });

  test('every sortable field sorts', async () => {
    const server = await start();
    for (const field of sortableFields) {
      const { status, body } = await list(server, { sort_by: field, pageSize: '1000', fields: 'trajectory_id' });
      expect([field, status, new Set(numbers(body.data)).size]).toEqual([field, 200, 120]);
    }
  });

  test.each([
    ['trajectory_id', (text: string, id: string) => id === text],
    ['data_id', (text: string, _: string, data: string) => data === text],
    ['agent_name', (text: string, _: string, data: string) => data === text],
    ['tags', (text: string, _: string, data: string) => data === text],
  ])('hostile text in %s finds what holds it and nothing else', async (name, finds) => {
    const server = await start();
    for (const [i, row] of odd.entries()) {
      const text = name === 'trajectory_id' ? row.trajectory_id : row.data_id;
      if (text.includes('*') || (name === 'tags' && (text !== text.trim() || text === '' || text.includes(','))))
        continue;
      const { status, body } = await list(server, { [name]: text, pageSize: '1000', fields: 'trajectory_id' });
      const expected = odd.filter((other) => finds(text, other.trajectory_id, other.data_id));
      expect([i, text, status, numbers(body.data), body.total]).toEqual([
        i,
        text,
        200,
        numbers(expected),
        expected.length,
      ]);
    }
  });

  test('hostile text in question and search finds what contains it, letter case aside', async () => {
    const server = await start();
    for (const text of ["'", '%', '_', '\\', '"', '--', "' OR 1=1 --", '中文', '😀', '[a]', '\n', 'k', 'K']) {
      const pattern = new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'iu');
      const search = rows.filter((row) => pattern.test(row.trajectory_id) || pattern.test(row.data_id));
      const question = rows.filter((row) => pattern.test(row.question));
      for (const [name, expected] of [
        ['search', search],
        ['question', question],
      ] as const) {
        const { body } = await list(server, { [name]: text, pageSize: '1000', fields: 'trajectory_id' });
        expect([name, text, numbers(body.data)]).toEqual([name, text, numbers(expected)]);
      }
    }
  });

  test.each<[Record<string, string | string[]>, (row: (typeof rows)[number]) => boolean]>([
    [{ agent_name: 'Agent*' }, (row) => row.agent_name.startsWith('Agent')],
    [{ agent_name: 'agentA' }, () => false],
    [{ training_id: '*_2' }, (row) => row.training_id === 'run_2'],
    [{ training_id: 'run%' }, () => false],
    [{ termination_reason: 'failed, finished' }, (row) => row.termination_reason !== 'max_steps'],
    [{ reward_min: '0', reward_max: '.5' }, (row) => row.reward >= 0 && row.reward <= 0.5],
    [{ reward_exact: '0.25', reward_min: '0.5' }, (row) => row.reward === 0.25],
    [{ reward_exact: '-0' }, (row) => row.reward === 0],
    [{ toolcall_reward_max: '2.5e-1' }, (row) => row.toolcall_reward <= 0.25],
    [{ res_reward_exact: '0.5' }, (row) => row.res_reward === 0.5],
    [{ step_count_min: '1.5', step_count_max: '1e300' }, (row) => row.step_count >= 1.5],
    [{ step_count_min: '99999999999' }, () => false],
    [{ exec_time_min: '3', exec_time_max: '4.5' }, (row) => row.exec_time >= 3 && row.exec_time <= 4.5],
    [{ epoch_id: '1', iteration_id: '4' }, (row) => row.epoch_id === 1 && row.iteration_id === 4],
    [{ sample_id: '999999999999' }, () => false],
    [{ is_bookmarked: 'true' }, (row) => row.is_bookmarked],
    [{ is_success: '0' }, (row) => !row.is_success],
    [{ tags: 'easy,hard' }, (row) => row.tags.includes('easy') && row.tags.includes('hard')],
    [{ tags: ['easy', 'net work'] }, (row) => row.tags.includes('easy') && row.tags.includes('net work')],
    [{ reward_min: '2', reward_max: '1' }, () => false],
    [{ search: '', question: '', tags: '' }, () => true],
  ])('filters %j', async (query, passes) => {
    const server = await start();
    const { status, body } = await list(server, { ...query, pageSize: '1000', fields: 'trajectory_id' });
    expect(status).toBe(200);
    expect(numbers(body.data)).toEqual(numbers(rows.filter(passes)));
    expect(body.total).toBe(body.data.length);
  });

  describe('a walk', () => {
    async function walk(server: FastifyInstance, query: Record<string, string>, again = {}) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { status, body } = await list(server, { ...(cursor === '' ? query : again), pageSize: '25', cursor });
        expect(status).toBe(200);
        expect(Object.keys(body)).toEqual(['data', 'total', 'pageSize', 'next_cursor']);
        seen.push(...body.data.map((row: { trajectory_id: string }) => row.trajectory_id));
        cursor = body.next_cursor;
      }
      return seen;
    }

    test('meets every row of the filter once, in order, whether its parameters are repeated or not', async () => {
      const server = await start();
      for (const query of [
        {},
        { sort_by: 'question', sort_order: 'asc' },
        { agent_name: 'Agent*', sortBy: 'isSuccess' },
      ]) {
        const { body } = await list(server, { ...query, pageSize: '1000', fields: 'trajectory_id' });
        const expected = body.data.map((row: { trajectory_id: string }) => row.trajectory_id);
        expect(await walk(server, query)).toEqual(expected);
        expect(await walk(server, query, query)).toEqual(expected);
      }
    });

    test('is refused when other rows or another order are asked for on the way', async () => {
      const server = await start();
      const { body } = await list(server, { agent_name: 'Agent*', cursor: '' });
      for (const other of [
        { agent_name: 'AgentA' },
        { is_success: 'true' },
        { sort_order: 'asc', agent_name: 'Agent*' },
      ]) {
        const answer = await list(server, { ...other, cursor: body.next_cursor });
        expect([answer.status, answer.body.code]).toEqual([400, 'CURSOR_INVALID']);
      }
      const { status, body: narrow } = await list(server, {
        cursor: body.next_cursor,
        fields: 'reward',
        pageSize: '1',
      });
      expect([status, Object.keys(narrow.data[0])]).toEqual([200, ['reward']]);
    });
  });

  test('explains how it read: steps, indexes, caches; never where files are', async () => {
    const server = await start();
    await trajectories.maintain();
    const query = { agent_name: 'AgentA', reward_min: '0.123', explain: 'true', fields: 'reward' };
    const first = (await list(server, query)).body;
    expect(first.explain).toMatchObject({ variant: 'optimized', row_ids: 'miss', query_cache: 'off' });
    expect(first.explain.indexes).toEqual(
      expect.arrayContaining([
        { column: 'agent_name', kind: 'bitmap' },
        { column: 'reward', kind: 'btree' },
      ]),
    );
    expect(first.explain.plan.length).toBeGreaterThan(1);
    expect(JSON.stringify(first)).not.toMatch(/uri=|\.lance|clb-test/);
    const second = (await list(server, query)).body;
    expect(second.explain).toMatchObject({ row_ids: 'hit', indexes: [] });
    nativeQuery.enabled = false;
    const baseline = (await list(server, query)).body;
    nativeQuery.enabled = true;
    expect(baseline.explain).toMatchObject({ variant: 'baseline', row_ids: 'off', indexes: [] });
    expect(baseline.data).toEqual(first.data);
    expect((await list(server, { ...query, cursor: '' })).body.explain).toMatchObject({ row_ids: 'off' });
    expect((await list(server, { ...query, explain: 'false' })).body).not.toHaveProperty('explain');
  });

  test('an address that is asked for again means the same, shows what has changed since, and is refused again', async () => {
    const server = await start();
    const address = '/api/trajectories?trajectory_id=t-00117&fields=trajectory_id,notes';
    const asked = async (url: string, method: 'GET' | 'HEAD' = 'GET') => {
      const { statusCode, headers, body } = await server.inject({ method, url });
      return { statusCode, type: headers['content-type'], length: headers['content-length'], body };
    };
    const first = await asked(address);
    expect(await asked(address)).toEqual(first);
    expect(await asked(address, 'HEAD')).toEqual({ ...first, body: '' });
    expect(JSON.parse((await asked(`${address}&explain=true`)).body)).toHaveProperty('explain');
    await trajectories.records.setNotes('t-00117', '新');
    expect(JSON.parse((await asked(address)).body).data).toEqual([{ trajectory_id: 't-00117', notes: '新' }]);
    await trajectories.records.setNotes('t-00117', '');
    for (let i = 0; i < 2; i++) expect((await asked('/api/trajectories?page=0')).statusCode).toBe(400);
    const walk = JSON.parse((await asked('/api/trajectories?cursor=&pageSize=50')).body) as { next_cursor: string };
    for (let i = 0; i < 2; i++) {
      const { body } = await asked(`/api/trajectories?cursor=${walk.next_cursor}&pageSize=100`);
      expect(JSON.parse(body)).toMatchObject({ total: 120, next_cursor: null });
    }
  });

  test('a page past the end is empty', async () => {
    const server = await start();
    const { status, body } = await list(server, { page: '1000000000', pageSize: '1000' });
    expect([status, body]).toEqual([200, { data: [], total: 120, page: 1e9, pageSize: 1000 }]);
  });

  test.each<[string, string]>([
    ['page=0', 'page'],
    ['page=-1', 'page'],
    ['page=1.5', 'page'],
    ['page=10000000000', 'page'],
    ['page=', 'page'],
    ['page=1&page=2', 'page'],
    ['pageSize=0', 'pageSize'],
    ['pageSize=1001', 'pageSize'],
    ['pageSize=x', 'pageSize'],
    ['pageSize=1e2', 'pageSize'],
    ['pageSize=NaN', 'pageSize'],
    ['reward_min=NaN', 'reward_min'],
    ['reward_max=1e309', 'reward_max'],
    ['reward_exact=-1e309', 'reward_exact'],
    ['reward_exact=Infinity', 'reward_exact'],
    ['reward_min=0x10', 'reward_min'],
    ['reward_min=', 'reward_min'],
    ['reward_min=1&reward_min=2', 'reward_min'],
    ["exec_time_min=1'", 'exec_time_min'],
    ['epoch_id=1.5', 'epoch_id'],
    ['epoch_id=1;DROP', 'epoch_id'],
    ['is_success=yes', 'is_success'],
    ['is_bookmarked=', 'is_bookmarked'],
    ['data_id=a&data_id=b', 'data_id'],
    [`agent_name=${'*'.repeat(17)}`, 'agent_name'],

    ['sort_by=steps', 'sort_by'],
    ['sort_by=reward;--', 'sort_by'],
    ['sort_by=seq', 'sort_by'],
    ['sort_by=_rowid', 'sort_by'],
    ['sort_order=up', 'sort_order'],
    ['sort_by=reward&sortBy=reward', 'sortBy'],
    ['sort_order=asc&sortOrder=asc', 'sortOrder'],
    ['unknown=1', 'unknown'],
    ['explain=yes', 'explain'],
    ['cursor=&page=1', 'page'],
    ['cursor=x', 'cursor'],
    ['cursor=a&cursor=b', 'cursor'],
    [`cursor=${'x'.repeat(5000)}`, 'cursor'],
    ['__proto__=1', '__proto__'],
    ['page[]=1', 'page[]'],
  ])('refuses ?%s and names the parameter', async (query, parameter) => {
    const server = await start();
    const answer = await server.inject(`/api/trajectories?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json().errors.map((fault: { parameter: string }) => fault.parameter)).toContain(parameter);
  });

  test('refuses a text that is too long', async () => {
    const server = await start();
    const { status, body } = await list(server, { question: 'x'.repeat(1025), search: 'x'.repeat(1024) });
    expect([status, body.errors]).toEqual([
      400,
      [{ parameter: 'question', message: expect.stringContaining('at most 1024') }],
    ]);
  });

  test('names what can be sorted by', async () => {
    const server = await start();
    const answer = await server.inject('/api/trajectories?sort_by=colour');
    for (const field of ['trajectory_id', 'reward', 'isSuccess', 'questionId', 'created_at']) {
      expect(answer.json().detail).toContain(field);
    }
  });

  test('no text whatever in a filter is a fault of the service, or makes it leave the fast way', async () => {
    const server = await start();
    const names = [
      'trajectory_id',
      'data_id',
      'agent_name',
      'training_id',
      'question',
      'search',
      'termination_reason',
      'tags',
      'fields',
    ];
    const wild = fc.oneof(
      hostileText,
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ minLength: 900, maxLength: 1024, unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), wild, async (name, text) => {
        const answer = await server.inject({ url: '/api/trajectories', query: { [name]: text } });
        expect([200, 400]).toContain(answer.statusCode);
      }),
      { seed: 31, numRuns: 60 },
    );
    expect(nativeQuery.failures).toEqual([]);
  });
});

describe('one trajectory', () => {
  test('is found by any id, percent-encoded', async () => {
    const server = await start();
    for (const row of odd) {
      const answer = await server.inject(`/api/trajectories/${encodeURIComponent(row.trajectory_id)}`);
      expect([row.trajectory_id, answer.statusCode]).toEqual([row.trajectory_id, 200]);
      expect(answer.json()).toEqual(listed(row));
    }
  });

  test('that does not exist is 404 with its id', async () => {
    const server = await start();
    const answer = await server.inject("/api/trajectories/' OR 1=1 --");
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({
      code: 'TRAJECTORY_NOT_FOUND',
      detail: expect.stringContaining("' OR 1=1 --"),
    });
    expect((await server.inject('/api/trajectories/x?page=1')).statusCode).toBe(400);
  });

  test('takes an analysis, which shows in the list and its total at once', async () => {
    const server = await start();
    const { trajectory_id } = odd[7]!;
    const successes = async () => (await list(server, { is_success: 'true' })).body.total as number;
    for (const is_success of [true, false, true]) {
      const before = await successes();
      const was = JSON.parse(String(await trajectories.get(trajectory_id))).isSuccess as boolean;
      const answer = await server.inject({
        method: 'PUT',
        url: `/api/trajectories/${encodeURIComponent(trajectory_id)}/analysis`,
        payload: { is_success, category: '超时', root_cause: "it's slow" },
      });
      expect(answer.statusCode).toBe(200);
      expect(answer.json()).toMatchObject({ trajectory_id, is_success, category: '超时', suggestion: '' });
      expect(await successes()).toBe(before + Number(is_success) - Number(was));
      const { body } = await list(server, { trajectory_id });
      expect(body.data[0]).toMatchObject({ isSuccess: is_success, category: '超时', rootCause: "it's slow" });
    }
  });

  test.each<[string, string]>([
    ['{}', '/is_success'],
    ['{"is_success":"true"}', '/is_success'],
    ['{"is_success":true,"category":5}', '/category'],
    ['{"is_success":true,"colour":"red"}', '/colour'],
    ['{"is_success":true,"category":"\\ud800"}', '/category'],
    [`{"is_success":true,"root_cause":"${'x'.repeat(100_001)}"}`, '/root_cause'],
  ])('refuses the analysis %.40s', async (payload, pointer) => {
    const server = await start();
    const headers = { 'content-type': 'application/json' };
    const answer = await server.inject({ method: 'PUT', url: '/api/trajectories/t-00101/analysis', payload, headers });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors[0].pointer).toBe(pointer);
  });

  test('that does not exist takes no analysis', async () => {
    const server = await start();
    const answer = await server.inject({
      method: 'PUT',
      url: '/api/trajectories/none/analysis',
      payload: { is_success: true },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'TRAJECTORY_NOT_FOUND']);
  });
});

test('the OpenAPI document describes the three routes', async () => {
  const server = await start();
  const { paths } = (await server.inject('/openapi.json')).json();
  expect(paths['/api/trajectories'].get.operationId).toBe('listTrajectories');
  expect(paths['/api/trajectories/{trajectory_id}'].get.operationId).toBe('getTrajectory');
  expect(paths['/api/trajectories/{trajectory_id}/analysis'].put.operationId).toBe('setTrajectoryAnalysis');
  const parameters = paths['/api/trajectories'].get.parameters.map((parameter: { name: string }) => parameter.name);
  expect(parameters).toEqual(expect.arrayContaining(['page', 'pageSize', 'sort_by', 'reward_min', 'tags']));
});
