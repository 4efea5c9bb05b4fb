import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import {
  openTrajectories,
  recordRoutes,
  type TrajectoryEvent,
  trajectoryRoutes,
} from '../../../src/trajectories/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { hostileText } from '../../support/hostile-text.js';
import { fixedOptimization } from '../../support/optimization.js';
import { startTestServer } from '../../support/server.js';
import { makeRow, openTables, type RowMade } from '../stored-rows.js';

const rows = Array.from({ length: 10 }, (_, i) => makeRow(i));
const json = { 'content-type': 'application/json' };

async function open(given: RowMade[] = rows, on = true) {
  const folder = await temporaryFolder();
  const tables = await openTables(given, 2, folder);
  let clock = 1_800_000_000;
  const events: TrajectoryEvent[] = [];
  const trajectories = await openTrajectories({
    lanceUri: folder,
    nativeQuery: fixedOptimization(on, { row_id_cache_bytes: 1_000_000 }),
    analysisById: fixedOptimization(on, {}),
    queryCache: fixedOptimization(on, { ttl_seconds: 300, max_bytes: 1_000_000 }),
    scalarIndexes: fixedOptimization(on, {}),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
    now: () => (clock += 0.5),
  });
  onTestFinished(() => trajectories.close());
  await trajectories.maintain();
  const server = await startTestServer([recordRoutes(trajectories), trajectoryRoutes(trajectories)]);
  return { ...tables, trajectories, server, ask: asking(server), events };
}

/** `ask('PUT', id, body)`, with the rest of the address behind the id. */
const asking =
  (server: FastifyInstance) =>
  async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', id: string, payload?: unknown, rest = '') => {
    const url = `/api/trajectories${id === '' ? '' : `/${encodeURIComponent(id)}`}${rest}`;
    const body = payload === undefined ? {} : { payload: JSON.stringify(payload), headers: json };
    const answer = await server.inject({ method, url, ...body });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? undefined : answer.json() };
  };

const record = (trajectory_id: string, more: object = {}) => ({
  trajectory_id,
  data_id: 'd',
  task: { question: '问题', ground_truth: 'a' },
  reward: '0.75',
  ...more,
});
const list = async (server: FastifyInstance, query = '') => (await server.inject(`/api/trajectories?${query}`)).json();
const ids = (body: { data: { trajectory_id: string }[] }) => body.data.map((row) => row.trajectory_id);

describe.each([
  ['optimised', true],
  ['baseline', false],
])('%s', (_, on) => {
  test('a created record is there at once, in its place, normalised, with its unknown fields', async () => {
    const { server, ask } = await open(rows, on);
    expect((await list(server)).total).toBe(10);
    const { status, headers, body } = await ask('POST', '', record('new/1', { created_at: 5e9, colour: 'red' }));
    expect([status, headers.location]).toEqual([201, '/api/trajectories/new%2F1']);
    expect(body).toMatchObject({
      trajectory_id: 'new/1',
      reward: 0.75,
      isSuccess: true,
      created_at: 5e9,
      colour: 'red',
      tags: [],
    });
    expect((await server.inject(headers.location as string)).json()).toEqual(body);
    const page = await list(server);
    expect([page.total, page.data[0]]).toEqual([11, body]);
  });

  test('a replaced record keeps its place and what people put on it, unless the new one names it', async () => {
    const { server, ask } = await open(rows, on);
    await ask('PUT', 't-00004', { tags: ['kept'] }, '/tags');
    const order = ids(await list(server));
    const { status, body } = await ask('PUT', 't-00004', {
      data_id: 'other',
      notes: 'new notes',
      reward: -1,
      created_at: 1,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ data_id: 'other', questionId: 'other', notes: 'new notes', tags: ['kept'] });
    expect(body).toMatchObject({ isSuccess: false, created_at: rows[4]!.created_at });
    expect(body.updated_at).toBeGreaterThan(1_800_000_000);
    expect(body).not.toHaveProperty('made_by');
    expect(ids(await list(server))).toEqual(order);
    expect((await list(server, 'data_id=other')).total).toBe(1);
  });

  test('a deleted record is gone at once, with its analysis', async () => {
    const { server, ask, analysis } = await open(rows, on);
    await ask('PUT', 't-00004', { is_success: true }, '/analysis');
    expect((await ask('DELETE', 't-00004')).status).toBe(204);
    expect((await ask('GET', 't-00004')).status).toBe(404);
    expect((await list(server)).total).toBe(9);
    expect((await ask('DELETE', 't-00004')).body.code).toBe('TRAJECTORY_NOT_FOUND');
    await analysis.checkoutLatest();
    expect(await analysis.countRows()).toBe(0);
    expect((await ask('POST', '', record('t-00004', { reward: -1 }))).body.isSuccess).toBe(false);
  });

  test('tags, notes and bookmark change at once in filters, counts and orders', async () => {
    const { server, ask } = await open(rows, on);
    const set = await ask('PUT', 't-00003', { tags: ['b', "it's", 'b', ' c '] }, '/tags');
    expect(set).toMatchObject({ status: 200, body: { trajectory_id: 't-00003', tags: ['b', "it's", 'c'], notes: '' } });
    expect(ids(await list(server, "tags=it's,c"))).toEqual(['t-00003']);
    expect((await ask('DELETE', 't-00003', undefined, "/tags/it's")).status).toBe(204);
    expect((await list(server, "tags=it's")).total).toBe(0);
    expect((await ask('PUT', 't-00003', { tags: [] }, '/tags')).body.tags).toEqual([]);
    expect((await list(server, 'tags=b')).total).toBe(0);

    const bookmarked = async () => ids(await list(server, 'is_bookmarked=true&sort_by=trajectory_id&sort_order=asc'));
    expect(await bookmarked()).toEqual(['t-00000', 't-00009']);
    expect((await ask('PUT', 't-00003', { is_bookmarked: true }, '/bookmark')).body.is_bookmarked).toBe(true);
    expect((await ask('PUT', 't-00003', { is_bookmarked: true }, '/bookmark')).body.is_bookmarked).toBe(true);
    expect(await bookmarked()).toEqual(['t-00000', 't-00003', 't-00009']);
    expect((await ask('PUT', 't-00003', undefined, '/bookmark')).body.is_bookmarked).toBe(false);
    expect((await ask('PUT', 't-00003', undefined, '/bookmark')).body.is_bookmarked).toBe(true);

    const { body } = await ask('PUT', 't-00003', { notes: "z'; DROP\n笔记" }, '/notes');
    expect(body.notes).toBe("z'; DROP\n笔记");
    expect(ids(await list(server, 'sort_by=notes'))[0]).toBe('t-00003');
    expect(ids(await list(server, 'sort_by=updated_at'))[0]).toBe('t-00003');
    expect((await ask('GET', 't-00003')).body).toMatchObject(body);
  });
});

test('of many who create the same id at once one succeeds', async () => {
  const { ask, table } = await open();
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('POST', '', record('same'))));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'TRAJECTORY_EXISTS' });
  await table.checkoutLatest();
  expect(await table.countRows("trajectory_id = 'same'")).toBe(1);
});

test('writes that arrive at once all hold, whatever they change', async () => {
  const { ask, trajectories } = await open();
  await Promise.all([
    ask('PUT', 't-00001', { notes: 'n' }, '/notes'),
    ask('PUT', 't-00001', { tags: ['x'] }, '/tags'),
    ask('PUT', 't-00001', { is_bookmarked: true }, '/bookmark'),
    ask('PUT', 't-00001', { is_success: true, category: 'c' }, '/analysis'),
    trajectories.maintain(),
  ]);
  const expected = { notes: 'n', tags: ['x'], is_bookmarked: true, isSuccess: true, category: 'c' };
  expect((await ask('GET', 't-00001')).body).toMatchObject(expected);
});

test('an analysis outlives the replacement of its record', async () => {
  const { ask } = await open();
  await ask('PUT', 't-00001', { is_success: true, category: 'c' }, '/analysis');
  const { body } = await ask('PUT', 't-00001', record('t-00001', { reward: -1 }));
  expect(body).toMatchObject({ isSuccess: true, category: 'c', reward: -1 });
});

test('a replaced record that was stored twice is one afterwards', async () => {
  const { ask, server } = await open([...rows, makeRow(3, { seq: 77 })]);
  expect((await list(server)).total).toBe(11);
  expect((await ask('PUT', 't-00003', record('t-00003'))).status).toBe(200);
  expect((await list(server)).total).toBe(10);
});

test('records created one after the other are listed newest first, above all imported ones', async () => {
  const ahead = makeRow(3, { trajectory_id: 'ahead', created_at: 9e9, seq: 1_900_000_000_000_000 });
  const { ask, server } = await open([ahead]);
  for (const id of ['a', 'b', 'c']) await ask('POST', '', record(id, { created_at: 9e9 }));
  expect(ids(await list(server))).toEqual(['c', 'b', 'a', 'ahead']);
});

test('a record as trainers dump it is taken; the address names it where it does not itself', async () => {
  const { ask } = await open();
  const trajectory = { ...record('nested'), task: { task: { problem: 'p', ground_truth: 'g' } }, tags: ['t'] };
  const dumped = { trajectory, trajectory_reward: '0.5', metrics: { total_time: '3' } };
  expect((await ask('POST', '', dumped)).body).toMatchObject({ trajectory_id: 'nested', reward: 0.5, exec_time: 3 });
  const { body } = await ask('PUT', 'nested', dumped);
  expect(body).toMatchObject({ trajectory_id: 'nested', tags: ['t'], task: { question: 'p' } });
  expect((await ask('PUT', 'nested', { data_id: 'd' })).body).toMatchObject({ trajectory_id: 'nested', tags: ['t'] });
});

test('any id and any text is stored as it is', async () => {
  const { ask } = await open([]);
  const texts = fc.sample(hostileText, { numRuns: 12, seed: 8 }).filter((text) => text.trim() !== '');
  for (const [i, text] of texts.entries()) {
    const created = await ask('POST', '', record(`${text}#${i}`, { notes: text, tags: [text], agent_name: text }));
    if (created.status === 400) continue;
    expect((await ask('PUT', `${text}#${i}`, { notes: `${text}!` }, '/notes')).body.notes).toBe(`${text}!`);
    expect((await ask('DELETE', `${text}#${i}`, undefined, `/tags/${encodeURIComponent(text)}`)).status).toBe(204);
    expect((await ask('GET', `${text}#${i}`)).body).toMatchObject({ notes: `${text}!`, tags: [], agent_name: text });
    expect((await ask('DELETE', `${text}#${i}`)).status).toBe(204);
  }
});

test('each durable write is told, and many of them bring upkeep', async () => {
  const { ask, events, trajectories } = await open();
  events.length = 0;
  await ask('POST', '', record('a'));
  await ask('PUT', 'a', record('a'));
  await ask('PUT', 'a', { tags: [] }, '/tags');
  await ask('PUT', 'a', undefined, '/bookmark');
  await ask('PUT', 'a', { notes: '' }, '/notes');
  await ask('DELETE', 'a');
  await ask('DELETE', 'a');
  const told = events.filter((event) => event.type === 'record_written').map(({ operation }) => operation);
  expect(told).toEqual(['create', 'replace', 'tags', 'bookmark', 'notes', 'delete']);
  for (let i = 0; i < 20; i++) await ask('PUT', `t-0000${i % 10}`, undefined, '/bookmark');
  await trajectories.maintain();
  // This one, and the one that the writes had brought.
  const looks = events.filter((event) => event.type === 'table_measured' && event.table === 'trajectories');
  expect(looks.length).toBeGreaterThanOrEqual(2);
});

test('what cannot be taken is refused with its reason, and changes nothing', async () => {
  const { ask, table } = await open();
  const rows = async () => {
    await table.checkoutLatest();
    return String(await table.query().toArrow());
  };
  const before = await rows();
  for (const [method, id, rest, payload, status, code] of [
    ['POST', '', '', {}, 400, 'TRAJECTORY_INVALID'],
    ['POST', '', '', [], 400, 'INPUT_INVALID'],
    ['POST', '', '', 'x', 400, 'INPUT_INVALID'],
    ['POST', '', '', record('t-00001'), 409, 'TRAJECTORY_EXISTS'],
    ['POST', '', '', record('x', { reward: 'much' }), 400, 'TRAJECTORY_INVALID'],
    ['POST', '', '', record('x', { steps: {} }), 400, 'TRAJECTORY_INVALID'],
    ['POST', '', '?page=1', record('x'), 400, 'INPUT_INVALID'],
    ['PUT', 'none', '', { data_id: 'd' }, 404, 'TRAJECTORY_NOT_FOUND'],
    ['PUT', 't-00001', '', record('t-00002'), 400, 'TRAJECTORY_INVALID'],
    ['PUT', 't-00001', '', {}, 400, 'TRAJECTORY_INVALID'],
    ['PUT', 't-00001', '', undefined, 400, 'INPUT_INVALID'],
    ['DELETE', "x' OR 1=1 --", '', undefined, 404, 'TRAJECTORY_NOT_FOUND'],
    ['PUT', 'none', '/tags', { tags: [] }, 404, 'TRAJECTORY_NOT_FOUND'],
    ['PUT', 't-00001', '/tags', { tags: 'a' }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/tags', { tags: ['a,b'] }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/tags', { tags: [' '] }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/tags', { tags: ['\udc00'] }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/tags', { tags: Array.from({ length: 101 }, (_, i) => `${i}`) }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/tags', undefined, 400, 'INPUT_INVALID'],
    ['DELETE', 't-00001', '/tags/none', undefined, 404, 'TAG_NOT_FOUND'],
    ['DELETE', 'none', '/tags/easy', undefined, 404, 'TRAJECTORY_NOT_FOUND'],
    ['PUT', 'none', '/bookmark', undefined, 404, 'TRAJECTORY_NOT_FOUND'],
    ['PUT', 't-00001', '/bookmark', { is_bookmarked: 'yes' }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/bookmark', {}, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/notes', { notes: 5 }, 400, 'INPUT_INVALID'],
    ['PUT', 't-00001', '/notes', { notes: 'x'.repeat(100_001) }, 400, 'INPUT_INVALID'],
  ] as const) {
    const answer = await ask(method, id, payload, rest);
    expect([method, id, rest, payload, answer.status, answer.body.code]).toEqual([
      method,
      id,
      rest,
      payload,
      status,
      code,
    ]);
  }
  expect(await rows()).toBe(before);
});

test('a record may be nested as deep as in an import, and no deeper', async () => {
  const { ask } = await open();
  // The record itself is the first level.
  const nested = (levels: number) => ({
    trajectory_id: `d${levels}`,
    data_id: 'q',
    deep: JSON.parse('['.repeat(levels - 1) + ']'.repeat(levels - 1)),
  });
  expect(await ask('POST', '', nested(128))).toMatchObject({ status: 201 });
  for (const levels of [129, 130, 1000]) expect(await ask('POST', '', nested(levels))).toMatchObject({ status: 400 });
});

test('a record that is refused names each field', async () => {
  const { ask } = await open([]);
  const { body } = await ask('POST', '', record('x', { reward: 'much', epoch_id: 1.5, metrics: { steps: -1 } }));
  expect(body.errors.map((fault: { pointer: string }) => fault.pointer).sort()).toEqual([
    '/epoch_id',
    '/metrics/steps',
    '/reward',
  ]);
});
