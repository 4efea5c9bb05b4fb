import type { FastifyInstance } from 'fastify';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  exportRoutes,
  type Trajectories,
  type TrajectoryEvent,
  trajectoryRoutes,
} from '../../../src/trajectories/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { openTestImports, pieces, skip } from '../import/open.js';
import { type RawRecord, rawRecords } from '../import/records.js';
import { openStore } from '../open-store.js';
import { listed, makeRow, openTables, suiteFolder } from '../stored-rows.js';
import { csvRecords } from './csv-records.js';

const rows = Array.from({ length: 700 }, (_, i) =>
  makeRow(i, { notes: i % 5 === 0 ? `=HYPERLINK("x")\n${i}` : '', question: `第${i}题，"引号"` }),
);
const note = { category: '超时, "quoted"', rootCause: '@slow' };

let trajectories: Trajectories;
const events: TrajectoryEvent[] = [];
beforeAll(async () => {
  const folder = await suiteFolder();
  await openTables(rows, 3, folder);
  trajectories = await openStore(folder, events);
  const analysis = { category: note.category, root_cause: note.rootCause, suggestion: '' };
  await trajectories.setAnalysis('t-00003', { is_success: rows[3]!.is_success, ...analysis });
});
afterAll(() => trajectories.close());

const start = (from = trajectories): Promise<FastifyInstance> =>
  startTestServer([
    trajectoryRoutes(from),
    exportRoutes({ exports: from.exports, nowMs: () => Date.UTC(2026, 10, 21, 9, 5, 7) }),
  ]);

async function download(server: FastifyInstance, query: Record<string, string>) {
  const answer = await server.inject({ url: '/api/trajectories/export', query });
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  return answer;
}

const full = (row: (typeof rows)[number]) => listed(row, row.trajectory_id === 't-00003' ? note : undefined);
const newestFirst = rows.toSorted((a, b) => b.created_at - a.created_at || b.seq - a.seq);
const linesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('GET /api/trajectories/export', () => {
  test('streams all rows, as the list has them, newest first', async () => {
    const answer = await download(await start(), {});
    expect(answer.headers['content-type']).toBe('application/x-ndjson');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="trajectories-20261121T090507Z.jsonl"');
    expect(answer.payload.endsWith('\n')).toBe(true);
    expect(linesOf(answer.payload)).toEqual(newestFirst.map(full));
    const exported = () => events.some((event) => event.type === 'exported');
    while (!exported()) await new Promise(setImmediate);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'exported',
        format: 'jsonl',
        result: 'completed',
        rows: 700,
        bytes: answer.rawPayload.length,
      }),
    );
  });

  test('filters, sorts and narrows as the list does', async () => {
    const server = await start();
    const query = {
      agent_name: 'Agent*',
      reward_min: '0.1',
      sort_by: 'reward',
      sort_order: 'asc',
      fields: 'trajectory_id,reward,category',
    };
    const wanted = rows.filter((row) => row.reward >= 0.1).sort((a, b) => a.reward - b.reward || a.seq - b.seq);
    const list = await server.inject({ url: '/api/trajectories', query: { ...query, pageSize: '1000' } });
    const { payload } = await download(server, { ...query, format: 'json' });
    expect(JSON.parse(payload)).toEqual(list.json().data);
    expect(JSON.parse(payload)).toEqual(
      wanted.map(({ trajectory_id, reward }) => ({
        trajectory_id,
        reward,
        category: trajectory_id === 't-00003' ? note.category : '',
      })),
    );
    expect(linesOf((await download(server, { ...query, format: 'jsonl' })).payload)).toEqual(JSON.parse(payload));
  });

  test('as JSON is one array of whole rows', async () => {
    const answer = await download(await start(), { format: 'json', sortBy: 'trajectory_id', sortOrder: 'asc' });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.json()).toEqual(rows.map(full));
  });

  test('as CSV has a header, typed cells and no formulas', async () => {
    const answer = await download(await start(), { format: 'csv', sort_by: 'trajectory_id', sort_order: 'asc' });
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    const [header = [], ...records] = csvRecords(answer.payload);
    expect(records).toHaveLength(700);
    for (const [i, cells] of records.entries()) {
      const row = rows[i]!;
      const cell = Object.fromEntries(header.map((name, at) => [name, cells[at]]));
      const isNoted = row.trajectory_id === 't-00003';
      expect(cell).toMatchObject({
        trajectory_id: row.trajectory_id,
        data_id: row.data_id,
        question: row.question,
        reward: String(row.reward),
        isSuccess: String(row.is_success),
        tags: JSON.stringify(row.tags),
        notes: row.notes === '' ? '' : `'${row.notes}`,
        category: isNoted ? note.category : '',
        rootCause: isNoted ? `'${note.rootCause}` : '',
        created_at: String(row.created_at),
      });
    }
  });

  test('as Parquet has typed columns, and the whole row as text', async () => {
    const answer = await download(await start(), { format: 'parquet', sort_by: 'trajectory_id', sort_order: 'asc' });
    expect(answer.headers['content-type']).toBe('application/vnd.apache.parquet');
    const bytes = answer.rawPayload;
    const objects = await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    });
    expect(objects).toHaveLength(700);
    for (const [i, { record_json, ...columns }] of objects.entries()) {
      const row = rows[i]!;
      expect(JSON.parse(record_json as string)).toEqual(full(row));
      expect(columns).toMatchObject({
        trajectory_id: row.trajectory_id,
        question: row.question,
        reward: row.reward,
        step_count: row.step_count,
        is_bookmarked: row.is_bookmarked,
        isSuccess: row.is_success,
        created_at: row.created_at,
        tags: JSON.stringify(row.tags),
        notes: row.notes,
        rootCause: i === 3 ? note.rootCause : '',
      });
    }
  });

  test('takes any field names, in any format', async () => {
    const server = await start();
    const query = { trajectory_id: 't-00001', fields: 'made_by,nothing,__proto__,steps,record_json,a.b,is_success' };
    const [header, cells] = csvRecords((await download(server, { ...query, format: 'csv' })).payload);
    expect(header).toEqual(query.fields.split(','));
    expect(cells).toEqual(['test', '', '', '[]', JSON.stringify(full(rows[1]!)), '', String(rows[1]!.is_success)]);
    const { rawPayload } = await download(server, { ...query, format: 'parquet' });
    const [object] = await parquetReadObjects({ file: Uint8Array.from(rawPayload).buffer });
    expect(object).toMatchObject({ made_by: 'test', steps: '[]', is_success: rows[1]!.is_success });
    expect(object?.nothing ?? null).toBeNull();
  });

  test.each([
    ['jsonl', ''],
    ['json', '[\n\n]\n'],
    ['csv', 'reward\r\n'],
  ])('without matches is an empty %s file', async (format, expected) => {
    expect((await download(await start(), { format, trajectory_id: 'nobody', fields: 'reward' })).payload).toBe(
      expected,
    );
  });

  test('without matches is an empty Parquet file', async () => {
    const { rawPayload } = await download(await start(), { format: 'parquet', trajectory_id: 'nobody' });
    expect(await parquetReadObjects({ file: Uint8Array.from(rawPayload).buffer })).toEqual([]);
  });

  test('asked for its headers only does no work', async () => {
    const before = events.length;
    const answer = await (await start()).inject({ method: 'HEAD', url: '/api/trajectories/export?format=csv' });
    expect([answer.statusCode, answer.headers['content-type'], answer.payload]).toEqual([
      200,
      'text/csv; charset=utf-8; header=present',
      '',
    ]);
    expect(events).toHaveLength(before);
  });

  test.each([
    'format=xlsx',
    'format=',
    'page=1',
    'pageSize=5',
    'sort_by=seq',
    'sort_by=reward&sortBy=reward',
    'reward_min=NaN',
    'colour=red',
  ])('refuses ?%s', async (query) => {
    const answer = await (await start()).inject(`/api/trajectories/export?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'INPUT_INVALID']);
    expect(answer.headers['content-disposition']).toBeUndefined();
  });

  test('is described in the OpenAPI document', async () => {
    const { paths } = (await (await start()).inject('/openapi.json')).json();
    expect(paths['/api/trajectories/export'].get.operationId).toBe('exportTrajectories');
  });
});

test('a JSONL export imports again without loss', async () => {
  const records: RawRecord[] = rawRecords(300).map((record, i) => ({
    ...record,
    tags: i % 3 === 0 ? ['a', '中文'] : [],
    notes: i % 4 === 0 ? 'note' : '',
    is_bookmarked: i % 5 === 0,
    created_at: 1_700_000_000.25 + i,
    steps: i % 7 === 0 ? [] : record.steps,
    metrics: { steps: '12' },
    tree_id: 'x',
    trajectory_reward: i % 2 === 0 ? '0.75' : '0',
  }));
  const copies: string[] = [];
  let text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  for (let round = 0; round < 2; round++) {
    const { imports, lanceUri } = await openTestImports(await temporaryFolder());
    const task = await imports.accept(await imports.receive(pieces(text), false), skip);
    expect(await imports.finished(task.task_id)).toMatchObject({ imported_count: 300, failed_count: 0 });
    await imports.close();
    const store = await openStore(lanceUri);
    text = (await download(await start(store), { sort_by: 'trajectory_id', sort_order: 'asc' })).payload;
    copies.push(text);
    await store.close();
  }
  expect(linesOf(copies[0]!)).toHaveLength(300);
  expect(linesOf(copies[1]!)).toEqual(linesOf(copies[0]!));
});
