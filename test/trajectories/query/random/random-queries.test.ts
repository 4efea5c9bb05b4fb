import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import type { Trajectories } from '../../../../src/trajectories/index.js';
import { trajectoryRoutes } from '../../../../src/trajectories/index.js';
import { startTestServer } from '../../../support/server.js';
import { openStore } from '../../open-store.js';
import { openTables, type RowMade, suiteFolder } from '../../stored-rows.js';
import { modelOrder, modelPage, type Parameters } from './list-model.js';
import { makeRows, someQuery } from './query-maker.js';

// A few hundred queries as a rule; `npm run test:queries` asks ten thousand of a store large enough for every way of
// finding a page.
const queryCount = Number(process.env.QUERIES ?? 200);
const rowCount = Number(process.env.ROWS ?? 2500);
const queriesAtOnce = 6;
const groupsBetweenWrites = 8;

interface Answer {
  data: { trajectory_id: string }[];
  total: number;
  next_cursor?: string | null;
}

async function ask(server: FastifyInstance, query: Parameters): Promise<Answer> {
  const answer = await server.inject({ url: '/api/trajectories', query: { ...query, fields: 'trajectory_id' } });
  expect([query, answer.statusCode]).toEqual([query, 200]);
  return answer.json() as Answer;
}

const page = ({ data, total }: Answer) => ({ ids: data.map((row) => row.trajectory_id), total });

/** One write of each kind in turn, on the store and on the model. */
async function write(trajectories: Trajectories, rows: RowMade[], turn: number): Promise<RowMade[]> {
  const target = rows[(turn * 389) % rows.length]!;
  const { trajectory_id: id } = target;
  const changed = (given: Partial<RowMade>) => rows.map((row) => (row === target ? { ...row, ...given } : row));
  switch (turn % 5) {
    case 0: {
      const { is_bookmarked, updated_at } = await trajectories.records.setBookmark(id, !target.is_bookmarked);
      return changed({ is_bookmarked, updated_at });
    }
    case 1: {
      const { tags, updated_at } = await trajectories.records.setTags(id, ['easy', "it's"]);
      return changed({ tags, updated_at });
    }
    case 2:
      await trajectories.setAnalysis(id, {
        is_success: !target.is_success,
        category: 'c',
        root_cause: '',
        suggestion: '',
      });
      return changed({ is_success: !target.is_success });
    case 3:
      await trajectories.records.remove(id);
      return rows.filter((row) => row !== target);
    default: {
      const { notes, updated_at } = await trajectories.records.setNotes(id, `note ${turn}'`);
      return changed({ notes, updated_at });
    }
  }
}

/** Follows a walk for a few parts, from its beginning. */
async function walk(server: FastifyInstance, query: Parameters): Promise<string[]> {
  const { page: _, pageSize = '20', ...rest } = query;
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let part = 0; part < 3 && cursor !== null; part++) {
    const answer: Answer = await ask(server, { ...(cursor === '' ? rest : {}), pageSize, cursor });
    seen.push(...answer.data.map((row) => row.trajectory_id));
    cursor = answer.next_cursor ?? null;
  }
  return seen;
}

test('random queries equal a model, between writes and beside them', async () => {
  const folder = await suiteFolder();
  let rows = makeRows(rowCount);
  await openTables(rows, 4, folder);
  const trajectories = await openStore(folder);
  const server = await startTestServer([trajectoryRoutes(trajectories)]);
  const queries = fc.sample(someQuery, { numRuns: queryCount, seed: 4711 });
  let writes = 0;
  for (let from = 0; from < queries.length; from += queriesAtOnce) {
    const group = queries.slice(from, from + queriesAtOnce);
    const turn = from / queriesAtOnce;
    const before = rows;
    const writing = turn % groupsBetweenWrites === 5 ? write(trajectories, rows, writes++) : Promise.resolve(rows);
    const answers = group.map((query) => ask(server, query));
    rows = await writing;
    for (const [i, query] of group.entries()) {
      const got = page((await answers[i])!);
      // Beside a write, an answer is that of before or that of after it.
      const isAs = (state: RowMade[]) => JSON.stringify(modelPage(state, query)) === JSON.stringify(got);
      if (!isAs(rows) && !isAs(before)) expect([query, got]).toEqual([query, modelPage(rows, query)]);
    }
    if (turn % 100 === 99) process.stderr.write(`${from + queriesAtOnce} queries\n`);
    if (turn % 10 === 7) {
      const query = group[0]!;
      const seen = await walk(server, query);
      const expected = modelOrder(rows, query).slice(0, 3 * Number(query.pageSize));
      expect([query, seen]).toEqual([query, expected.map((row) => row.trajectory_id)]);
    }
  }
  await trajectories.close();
  expect(writes).toBeGreaterThan(queryCount / queriesAtOnce / groupsBetweenWrites / 2);
}, 3_600_000);
