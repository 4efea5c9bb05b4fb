import { expect, onTestFinished, test } from 'vitest';
import { buildApp } from '../../../src/app.js';
import { createLogger } from '../../../src/logger.js';
import { readSettings } from '../../../src/settings.js';
import { openTrajectories, type TrajectoryEvent } from '../../../src/trajectories/index.js';
import type { ListQuery } from '../../../src/trajectories/query/trajectory-repository.js';
import { eventually } from '../../support/eventually.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';
import { makeRow, openTables } from '../stored-rows.js';

const rows = Array.from({ length: 40 }, (_, i) => makeRow(i));
const apiToken = 'a-token-of-the-test';
const headers = { authorization: `Bearer ${apiToken}` };
const firstByReward: ListQuery = { filter: [], sortBy: 'reward', order: 'desc', page: 1, pageSize: 20 };

/** Without indexes to be built no upkeep is due, and the table stays at its version. */
async function openLoaded(isPrewarmed: boolean) {
  const { folder } = await openTables(rows);
  const events: TrajectoryEvent[] = [];
  const trajectories = await openTrajectories({
    lanceUri: folder,
    nativeQuery: fixedOptimization(true, { row_id_cache_bytes: 1_000_000 }),
    analysisById: fixedOptimization(true, {}),
    queryCache: fixedOptimization(true, { ttl_seconds: 300, max_bytes: 1_000_000 }),
    scalarIndexes: fixedOptimization(false, {}),
    indexPrewarm: fixedOptimization(isPrewarmed, {}),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => trajectories.close());
  // Upkeep comes after loading.
  await eventually(() => expect(events.map(({ type }) => type)).toContain('table_measured'));
  return { trajectories, events };
}

const heard = (events: readonly TrajectoryEvent[]) =>
  events.flatMap((event) => (event.type === 'row_ids' || event.type === 'query_cache' ? [event.found] : []));

test('once loaded, a first page finds its order in the cache, though nobody was told of asking', async () => {
  const { trajectories, events } = await openLoaded(true);
  expect(events.filter(({ type }) => ['query', 'row_ids', 'query_cache', 'analysis_lookup'].includes(type))).toEqual(
    [],
  );
  expect(trajectories.caches.map(({ statistics }) => statistics())).toMatchObject([
    { hits: 0, misses: 0, entries: 0 },
    { hits: 0, misses: 0, entries: 6 },
  ]);
  expect(await trajectories.explain(firstByReward)).toMatchObject({ row_ids: 'hit', query_cache: 'miss' });
  await trajectories.list(firstByReward);
  expect(heard(events)).toEqual(['miss', 'hit']);
});

test('switched off, nothing is read before somebody asks', async () => {
  const { trajectories, events } = await openLoaded(false);
  expect(trajectories.caches.map(({ statistics }) => statistics().entries)).toEqual([0, 0]);
  await trajectories.list(firstByReward);
  expect(heard(events)).toEqual(['miss', 'miss']);
});

test('unasked pages are those that clients get, whatever native_query says', async () => {
  const { trajectories } = await openLoaded(true);
  const [unasked, asked] = await Promise.all([
    trajectories.unasked.list(firstByReward),
    trajectories.list(firstByReward),
  ]);
  expect(unasked.rows.map(String)).toEqual(asked.rows.map(String));
  expect(unasked.total).toBe(40);
});

test('the service asks itself for a page at start, with its token, and counts no request', async () => {
  const { folder } = await openTables(rows);
  const dataDir = await temporaryFolder();
  const settings = readSettings({ DATA_DIR: dataDir, LANCEDB_URI: folder, API_TOKEN: apiToken });
  const warnings: string[] = [];
  const logger = createLogger('warn', { write: (line: string) => warnings.push(line) });
  const { server, close } = await buildApp(settings, logger, '0.0.0-test');
  onTestFinished(close);
  const metrics = async () => (await server.inject({ url: '/metrics', headers })).body;
  await eventually(async () => expect(await metrics()).toMatch(/^canvas_prewarm_progress_ratio 1$/m));
  const figures = await metrics();
  expect(figures).toMatch(/endpoint="\/metrics"/);
  expect(figures).not.toMatch(/endpoint="\/api\/trajectories"/);
  expect(figures).not.toMatch(/^canvas_query_seconds_count.* [1-9]/m);
  expect(figures).not.toMatch(/^canvas_cache_requests_total\{cache="(row_ids|query)".* [1-9]/m);
  expect(warnings).toEqual([]);
});
