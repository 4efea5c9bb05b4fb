import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/logger.js';
import {
  analysisRoutes,
  exportRoutes,
  type Imports,
  importRoutes,
  openTrajectorySearch,
  questionRoutes,
  recordRoutes,
  searchRoutes,
  type Trajectories,
  type TrajectorySearch,
} from '../../src/trajectories/index.js';
import { startTestServer } from '../support/server.js';
import { openTestImports } from './import/open.js';
import { openStore } from './open-store.js';
import { letterEmbedder } from './search/open.js';
import { makeRow, openTables, suiteFolder } from './stored-rows.js';

let trajectories: Trajectories;
let search: TrajectorySearch;
let imports: Imports;
beforeAll(async () => {
  const folder = await suiteFolder();
  await openTables(
    Array.from({ length: 30 }, (_, i) => makeRow(i)),
    1,
    folder,
  );
  trajectories = await openStore(folder);
  search = await openTrajectorySearch({
    lanceUri: folder,
    embedder: letterEmbedder(),
    logger: createLogger('silent'),
    onEvent() {},
  });
  await search.upkeep();
  ({ imports } = await openTestImports(folder));
});
afterAll(async () => {
  await imports.close();
  await search.close();
  await trajectories.close();
});

const values = [
  "'",
  "' OR 1=1 --",
  '"; DROP TABLE trajectories --',
  '/* */',
  'NaN',
  '1e309',
  '-1',
  '0',
  '0x10',
  '9'.repeat(400),
  '\0',
  '\u{1f600}',
  '{"$gt":1}',
  'a\\',
  '*'.repeat(40),
  '%_',
  '+-&|!(){}[]^"~*?:/',
  '"unclosed',
  'a OR (b AND',
  '__proto__',
  '../../etc/passwd',
  'x'.repeat(20_000),
];
/** As they stand on the wire: broken escapes, bytes that are no text, and what is given twice. */
const raw = ['%', '%zz', '%ff', '%ed%a0%80', '%00', 'a%00b'];
/** The others are those of the list. */
const filters = ['trajectory_id', 'question', 'tags', 'reward_min', 'fields'];

const queries: [string, string[]][] = [
  ['/api/trajectories/search/q', ['q', 'limit']],
  ['/api/trajectories/similar/a', ['limit', 'group']],
  ['/api/trajectories/export', ['format', 'question']],
  ['/api/analysis/stats', ['k']],
  ['/api/analysis/failures/distribution', ['limit', 'k']],
  ['/api/questions', ['page', 'pageSize', 'search', 'sort_by', 'sortBy', 'sort_order', 'sortOrder']],
  ['/api/questions/x/stats', ['k']],
  ['/api/import/history', ['limit', 'offset']],
  ['/api/questions/x/trajectories', [...filters, 'cursor']],
];
const paths: [string, (value: string) => string][] = [
  ['similar', (value) => `/api/trajectories/similar/${value}`],
  ['question', (value) => `/api/questions/${value}/trajectories`],
  ['statistics', (value) => `/api/questions/${value}/stats`],
  ['import', (value) => `/api/import/status/${value}`],
  ["import's log", (value) => `/api/import/logs/${value}`],
  ["import's errors", (value) => `/api/import/errors/${value}`],
  ["import's events", (value) => `/api/import/events/${value}`],
];

const start = () =>
  startTestServer([
    searchRoutes(search),
    exportRoutes(trajectories),
    analysisRoutes(trajectories),
    questionRoutes(trajectories),
    recordRoutes(trajectories),
    importRoutes(imports),
  ]);
type Answer = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['inject']>>;

/** An answer, or a problem that says what was expected and nothing of what is inside. */
function expectSound(of: string, { statusCode, headers, body }: Pick<Answer, 'statusCode' | 'headers' | 'body'>): void {
  expect([of.slice(0, 120), statusCode < 500]).toEqual([of.slice(0, 120), true]);
  if (statusCode < 400) return;
  expect([of.slice(0, 120), headers['content-type']]).toEqual([
    of.slice(0, 120),
    expect.stringMatching(/^application\/problem\+json/),
  ]);
  expect(body).not.toMatch(/lance|datafusion|arrow|tantivy|\/src\/|node_modules|clb-test/i);
}

test.each(queries)(
  'no value of any parameter of %s is a fault of the service',
  async (path, names) => {
    const server = await start();
    for (const name of names) {
      for (const value of [...values.map(encodeURIComponent), ...raw]) {
        const url = `${path}?${name}=${value}`;
        expectSound(url, await server.inject(url));
      }
      for (const url of [
        `${path}?${name}=1&${name}=2`,
        `${path}?${name}[]=1`,
        `${path}?${name}[a]=1`,
        `${path}?${name}`,
      ]) {
        expectSound(url, await server.inject(url));
      }
    }
    const unknown = await server.inject(`${path}?no_such=1`);
    expect([path, unknown.statusCode]).toEqual([path, 400]);
  },
  60_000,
);

test.each(paths)(
  'no text in the address of a(n) %s is a fault of the service',
  async (_name, address) => {
    const server = await start();
    for (const value of [...values.map(encodeURIComponent), ...raw, '%2e%2e', '..%2f..', '']) {
      const url = address(value);
      expectSound(url, await server.inject(url));
    }
  },
  60_000,
);

test('no id and no body of a write is a fault of the service, and nothing is stored by one that is refused', async () => {
  const server = await start();
  const list = { filter: [], sortBy: 'trajectory_id', order: 'asc', page: 1, pageSize: 100 } as const;
  const before = await trajectories.list(list);
  for (const value of values) {
    const id = encodeURIComponent(value);
    for (const [method, rest, payload] of [
      ['DELETE', '', undefined],
      ['PUT', '', JSON.stringify({ data_id: value, reward: value })],
      ['PUT', '/tags', JSON.stringify({ tags: value })],
      ['PUT', '/notes', JSON.stringify({ notes: [value] })],
      ['PUT', '/bookmark', JSON.stringify({ is_bookmarked: value })],
      ['PUT', '/bookmark', `{"is_bookmarked":${value}`],
      ['DELETE', `/tags/${id}`, undefined],
    ] as const) {
      const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
      const url = `/api/trajectories/${id}${rest}`;
      const answer = await server.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
      expectSound(`${method} ${url}`, answer);
      expect([method, url.slice(0, 80), answer.statusCode >= 400]).toEqual([method, url.slice(0, 80), true]);
    }
  }
  const after = await trajectories.list(list);
  expect(after.rows.map(String)).toEqual(before.rows.map(String));
}, 60_000);
