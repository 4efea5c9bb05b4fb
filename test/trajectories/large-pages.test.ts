import type { FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/logger.js';
import {
  openTrajectories,
  questionRoutes,
  recordRoutes,
  searchRoutes,
  trajectoryRoutes,
} from '../../src/trajectories/index.js';
import { openLargestRecord } from '../../src/trajectories/store/largest-record.js';
import { temporaryFolder } from '../support/folder.js';
import { fixedOptimization } from '../support/optimization.js';
import { startTestServer } from '../support/server.js';
import { newRun, outcomeOf } from './import/run.js';
import { openTestSearch } from './search/open.js';

const kib = 1024;
const maxPageBytes = 256 * kib;

/** Six records of about 100 KiB each, and four small ones, under a bound of 256 KiB. */
async function open(isOn: boolean) {
  const folder = await temporaryFolder();
  const trajectories = await openTrajectories({
    lanceUri: folder,
    nativeQuery: fixedOptimization(isOn, { row_id_cache_bytes: 1_000_000 }),
    analysisById: fixedOptimization(isOn, {}),
    queryCache: fixedOptimization(isOn, { ttl_seconds: 300, max_bytes: 10_000_000 }),
    scalarIndexes: fixedOptimization(isOn, {}),
    indexPrewarm: fixedOptimization(isOn, {}),
    maxPageBytes,
    logger: createLogger('silent'),
    onEvent() {},
  });
  onTestFinished(() => trajectories.close());
  await trajectories.maintain();
  for (let i = 0; i < 10; i++) {
    const blob = 'x'.repeat(i < 6 ? 100 * kib : 10);
    const task = { question: i < 6 ? 'abba large' : 'small one' };
    await trajectories.records.create({
      trajectory_id: `t${i}`,
      data_id: i < 6 ? 'large' : 'small',
      reward: i,
      task,
      blob,
    });
  }
  const { search } = await openTestSearch(folder, { maxPageBytes });
  await search.upkeep();
  const routes = [
    recordRoutes(trajectories),
    questionRoutes(trajectories),
    searchRoutes(search),
    trajectoryRoutes(trajectories),
  ];
  return { folder, trajectories, server: await startTestServer(routes) };
}

const ask = async (server: FastifyInstance, url: string) => {
  const answer = await server.inject(url);
  return { status: answer.statusCode, body: answer.json() };
};

describe.each([
  ['optimised', true],
  ['original', false],
])('a page of large records, %s', (_name, isOn) => {
  test('is refused where it is larger than a page may be, and answered where it fits in', async () => {
    const { server, folder, trajectories } = await open(isOn);
    expect(openLargestRecord(folder).bytes()).toBe(128 * kib);
    const list = '/api/trajectories?sort_by=reward&sort_order=asc';
    for (const url of [
      list,
      `${list}&pageSize=1000`,
      `${list}&cursor=`,
      `${list}&fields=trajectory_id,blob`,
      '/api/questions/large/trajectories',
      '/api/trajectories/search/q?q=large',
      '/api/trajectories/similar/abba%20large?group=false',
    ]) {
      const { status, body } = await ask(server, url);
      expect([url, status, body.code]).toEqual([url, 422, 'PAGE_TOO_LARGE']);
      expect(body).toMatchObject({
        max_bytes: maxPageBytes,
        errors: [{ parameter: /api.traj.*(search|similar)/.test(url) ? 'limit' : 'pageSize' }],
      });
      expect(body.detail).toMatch(/at most 262144 bytes together, got 30\d{4} in the first 3 of /);
    }
    // What is loaded at start is no failure then.
    const newest = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 20 } as const;
    expect((await trajectories.unasked.list(newest)).rows).toEqual([]);
    for (const [url, rows] of [
      [`${list}&pageSize=2`, 2],
      [`${list}&pageSize=2&page=3`, 2],
      [`${list}&pageSize=3&page=3`, 3],
      [`${list}&pageSize=1000&fields=trajectory_id,reward,tags`, 10],
      ['/api/questions/small/trajectories', 4],
      ['/api/trajectories/search/q?q=small', 4],
      ['/api/trajectories/search/q?q=large&limit=2', 2],
      ['/api/trajectories/similar/abba%20large?group=false&limit=2', 2],
    ] as const) {
      const { status, body } = await ask(server, url);
      expect([url, status, body.data.length]).toEqual([url, 200, rows]);
    }
    expect((await ask(server, '/api/trajectories/t3')).body.blob).toHaveLength(100 * kib);
    const walked: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const url: string = `${list}&pageSize=2&cursor=${cursor}`;
      const { body } = await ask(server, url);
      walked.push(...body.data.map((row: { trajectory_id: string }) => row.trajectory_id));
      cursor = body.next_cursor;
    }
    expect(walked).toEqual(Array.from({ length: 10 }, (_, i) => `t${i}`));
  });
});

test('a page of large questions is refused too, and answered where it fits in', async () => {
  const { server, trajectories } = await open(true);
  for (let i = 0; i < 4; i++) {
    const task = { question: `${i}${'q'.repeat(90 * kib)}` };
    await trajectories.records.create({ trajectory_id: `q${i}`, data_id: `q${i}`, reward: 1, task });
  }
  const questions = '/api/questions?sort_by=data_id&sort_order=desc';
  const { status, body } = await ask(server, questions);
  expect([status, body.code, body.errors[0].parameter]).toEqual([422, 'PAGE_TOO_LARGE', 'pageSize']);
  expect(body.detail).not.toMatch('fields=');
  const walked: string[] = [];
  for (const page of [1, 2, 3]) {
    const answer = await ask(server, `${questions}&pageSize=2&page=${page}`);
    walked.push(...answer.body.data.map((each: { data_id: string }) => each.data_id));
  }
  expect(walked).toEqual(['small', 'q3', 'q2', 'q1', 'q0', 'large']);
  expect((await ask(server, '/api/questions/q1/stats')).body.question).toHaveLength(90 * kib + 1);
});

test('an import says how large its records are before it stores them', async () => {
  const record = { trajectory_id: 'a', data_id: 'q', blob: 'x'.repeat(700 * kib) };
  const run = await newRun(`${JSON.stringify(record)}\n`);
  await outcomeOf(run);
  const largest = openLargestRecord(run.lanceUri);
  expect(largest.bytes()).toBeUndefined();
  await largest.complete(0);
  expect(largest.bytes()).toBe(1024 * kib);
});
