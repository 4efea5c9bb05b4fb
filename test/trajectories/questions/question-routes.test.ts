import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { questionRoutes, type Trajectories } from '../../../src/trajectories/index.js';
import { encodeCursor } from '../../../src/trajectories/query/list-cursor.js';
import { hostileText } from '../../support/hostile-text.js';
import { startTestServer } from '../../support/server.js';
import { openStore } from '../open-store.js';
import { listed, makeRow, openTables, suiteFolder } from '../stored-rows.js';

const hostileIds = fc.sample(hostileText, { numRuns: 40, seed: 17 }).map((text) => `x${text}`);
const plainIds = Array.from({ length: 30 }, (_, i) => `问题-${i}`);
const ids = [...new Set([...hostileIds, ...plainIds])];
const rows = Array.from({ length: 400 }, (_, i) =>
  makeRow(i, {
    data_id: ids[(i * i + (i % 13)) % ids.length]!,
    question: `Frage ${i % 5}${i % 2 === 0 ? ' VXLAN' : ''}`,
    is_success: i % 4 === 0,
    seq: 1000 - i,
  }),
);

interface Group {
  data_id: string;
  question: string;
  attempts: number;
  successes: number;
  pass_rate: number;
  avg_reward: number;
  avg_exec_time: number;
  firstSeq: number;
  questions: string[];
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function model(): Group[] {
  return [...new Set(rows.map((row) => row.data_id))].map((data_id) => {
    const own = rows.filter((row) => row.data_id === data_id).sort((a, b) => a.seq - b.seq);
    const successes = own.filter((row) => row.is_success).length;
    return {
      data_id,
      question: own[0]!.question,
      attempts: own.length,
      successes,
      pass_rate: successes / own.length,
      avg_reward: mean(own.map((row) => row.reward)),
      avg_exec_time: mean(own.map((row) => row.exec_time)),
      firstSeq: own[0]!.seq,
      questions: own.map((row) => row.question),
    };
  });
}

function shown({ firstSeq: _, questions: __, ...group }: Group) {
  return {
    ...group,
    avg_reward: expect.closeTo(group.avg_reward, 9),
    avg_exec_time: expect.closeTo(group.avg_exec_time, 9),
  };
}

let trajectories: Trajectories;
let tables: Awaited<ReturnType<typeof openTables>>;
beforeAll(async () => {
  const folder = await suiteFolder();
  tables = await openTables(rows, 3, folder);
  trajectories = await openStore(folder);
});
afterAll(() => trajectories.close());

const start = (): Promise<FastifyInstance> => startTestServer([questionRoutes(trajectories)]);

async function get(server: FastifyInstance, url: string, query: Record<string, string> = {}) {
  const answer = await server.inject({ url, query });
  return { status: answer.statusCode, body: answer.json() };
}

const at = (id: string, rest: string) => `/api/questions/${encodeURIComponent(id)}/${rest}`;

describe('GET /api/questions', () => {
  test('lists the most tried questions first', async () => {
    const { status, body } = await get(await start(), '/api/questions');
    const expected = model().sort((a, b) => b.attempts - a.attempts || b.firstSeq - a.firstSeq);
    expect([status, body]).toEqual([
      200,
      { data: expected.slice(0, 20).map(shown), total: expected.length, page: 1, pageSize: 20 },
    ]);
  });

  test.each(['attempts', 'successes', 'pass_rate', 'avg_reward', 'avg_exec_time', 'data_id'] as const)(
    'sorted by %s, pages join to all of them, up and down',
    async (sort_by) => {
      const server = await start();
      const expected = model().sort((a, b) =>
        sort_by === 'data_id'
          ? Buffer.compare(Buffer.from(a.data_id), Buffer.from(b.data_id))
          : a[sort_by] - b[sort_by] || a.firstSeq - b.firstSeq,
      );
      for (const sort_order of ['asc', 'desc']) {
        const pages: { data_id: string }[] = [];
        for (let page = 1; page <= Math.ceil(expected.length / 17) + 1; page++) {
          const { body } = await get(server, '/api/questions', {
            sortBy: sort_by,
            sortOrder: sort_order,
            page: `${page}`,
            pageSize: '17',
          });
          pages.push(...body.data);
        }
        const order = sort_order === 'asc' ? expected : expected.toReversed();
        expect(pages.map((question) => question.data_id)).toEqual(order.map((group) => group.data_id));
      }
    },
  );

  test('search finds what contains the text in the id or in any of its questions', async () => {
    const server = await start();
    for (const search of ['vxlan', '问题-1', "'", '%', '_', '\\', '*', 'FRAGE 3', 'nowhere', "' OR 1=1 --", '"']) {
      const pattern = new RegExp(search.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'iu');
      const expected = model().filter((group) =>
        [group.data_id, ...group.questions].some((text) => pattern.test(text)),
      );
      const { body } = await get(server, '/api/questions', {
        search,
        sort_by: 'data_id',
        sort_order: 'asc',
        pageSize: '1000',
      });
      expect([search, body.total, body.data.map((q: Group) => q.data_id)]).toEqual([
        search,
        expected.length,
        expected.map((group) => group.data_id).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      ]);
    }
  });

  test.each([
    'page=0',
    'page=x',
    'page=2000000000',
    'pageSize=1001',
    'pageSize=1e2',
    `search=${'x'.repeat(1025)}`,
    'sort_by=question',
    'sort_by=attempts&sortBy=attempts',
    'sort_order=up',
    'sort_order=asc&sortOrder=asc',
    'colour=red',
    'search=a&search=b',
  ])('refuses ?%.40s', async (query) => {
    const answer = await (await start()).inject(`/api/questions?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'INPUT_INVALID']);
  });

  test('shows texts of the rows as they are now, also after rows have moved', async () => {
    const server = await start();
    await get(server, '/api/questions');
    await tables.table.checkoutLatest();
    await tables.table.update({ where: 'epoch_id = 1', values: { notes: 'moved' } });
    await trajectories.refresh();
    const expected = model().sort((a, b) => b.attempts - a.attempts || b.firstSeq - a.firstSeq);
    expect((await get(server, '/api/questions')).body.data).toEqual(expected.slice(0, 20).map(shown));
  });
});

describe('one question', () => {
  test('has its statistics, by any id', async () => {
    const server = await start();
    for (const group of model()) {
      const { status, body } = await get(server, at(group.data_id, 'stats'));
      const { attempts, successes } = group;
      expect([status, body]).toEqual([
        200,
        { ...shown(group), failures: attempts - successes, pass_at_k: successes > 0 ? 1 : 0, k: null },
      ]);
    }
  });

  test('estimates pass@k where there are attempts enough', async () => {
    const server = await start();
    const [group] = model();
    const { attempts: n, successes: c } = group!;
    const one = await get(server, at(group!.data_id, 'stats?k=1'));
    expect(one.body).toMatchObject({ k: 1, pass_at_k: expect.closeTo(c / n, 9) });
    expect((await get(server, at(group!.data_id, `stats?k=${n + 1}`))).body.pass_at_k).toBeNull();
  });

  test('lists its attempts and no others, filtered and sorted as the list is', async () => {
    const server = await start();
    for (const id of ids.slice(0, 12)) {
      const own = rows.filter((row) => row.data_id === id).sort((a, b) => b.reward - a.reward || b.seq - a.seq);
      const query = { sort_by: 'reward', pageSize: '1000' };
      const { status, body } = await get(server, at(id, 'trajectories'), query);
      if (own.length === 0) expect([id, status, body.code]).toEqual([id, 404, 'QUESTION_NOT_FOUND']);
      else {
        expect([id, body.total, body.page, body.pageSize]).toEqual([id, own.length, 1, 1000]);
        expect(body.data.map((row: { trajectory_id: string }) => row.trajectory_id)).toEqual(
          own.map((row) => row.trajectory_id),
        );
      }
    }
    const { data_id } = rows[0]!;
    const successes = rows.filter((row) => row.data_id === data_id && row.is_success);
    const { body } = await get(server, at(data_id, 'trajectories'), { is_success: 'true', pageSize: '1' });
    expect(body.total).toBe(successes.length);
    if (body.data[0].notes === '') expect(successes.map((row) => listed(row))).toContainEqual(body.data[0]);
  });

  test('lets all its attempts be walked through, and explains itself', async () => {
    const server = await start();
    const { data_id } = rows[0]!;
    const own = rows.filter((row) => row.data_id === data_id && row.reward >= -1);
    const walked: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const asked: Record<string, string> = { cursor, pageSize: '2', reward_min: '-1' };
      const { status, body } = await get(server, at(data_id, 'trajectories'), asked);
      expect([status, body.total]).toEqual([200, own.length]);
      walked.push(...body.data.map((row: { trajectory_id: string }) => row.trajectory_id));
      cursor = body.next_cursor;
    }
    expect(own.length).toBeGreaterThan(4);
    expect(walked.sort()).toEqual(own.map((row) => row.trajectory_id).sort());
    expect((await get(server, at(data_id, 'trajectories'), { explain: 'true' })).body.explain).toBeDefined();
  });

  test("refuses the cursor of another question's walk, and of the walk over all", async () => {
    const server = await start();
    const [one, other] = [...new Set(rows.map((row) => row.data_id))].map((id) => at(id, 'trajectories'));
    const start1 = { cursor: '', pageSize: '1' };
    const { next_cursor: cursor } = (await get(server, one!, start1)).body;
    const [{ seq, data_id }] = [rows[0]!];
    const ofAll = encodeCursor({ filter: [], sortBy: 'data_id', order: 'asc', after: { seq, value: data_id } });
    expect((await get(server, one!, { cursor })).status).toBe(200);
    for (const [url, given] of [
      [other!, cursor],
      [one!, ofAll],
    ]) {
      const { status, body } = await get(server, url, { cursor: given });
      expect([url, status, body.code]).toEqual([url, 400, 'CURSOR_INVALID']);
    }
  });

  test('without any attempt that passes a filter is an empty page, unknown is 404', async () => {
    const server = await start();
    const empty = await get(server, at(rows[0]!.data_id, 'trajectories'), { reward_min: '99' });
    expect([empty.status, empty.body]).toEqual([200, { data: [], total: 0, page: 1, pageSize: 20 }]);
    for (const id of ['nobody', '*', "' OR 1=1 --", 'x'.repeat(3000)]) {
      for (const rest of ['trajectories', 'stats']) {
        const { status, body } = await get(server, at(id, rest));
        expect([status, body.code]).toEqual([404, 'QUESTION_NOT_FOUND']);
        expect(body.detail.length).toBeLessThan(300);
      }
    }
    expect((await get(server, at('x', 'stats?k=0'))).status).toBe(400);
    expect((await get(server, at('x', 'trajectories?page=0'))).status).toBe(400);
  });
});

test('the OpenAPI document describes the routes', async () => {
  const { paths } = (await (await start()).inject('/openapi.json')).json();
  expect(paths['/api/questions'].get.operationId).toBe('listQuestions');
  expect(paths['/api/questions/{question_id}/trajectories'].get.operationId).toBe('listQuestionTrajectories');
  expect(paths['/api/questions/{question_id}/stats'].get.operationId).toBe('getQuestionStatistics');
});
