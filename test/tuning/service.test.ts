import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { openTestApp } from '../support/app.js';

it('the service shows how its caches would be tuned, and follows the file', async () => {
  const { server, flagsFile, reload } = await openTestApp({ flags: 'canvas_cache:\n  max_files: 50\n' });
  const tuning = async () => (await server.inject('/admin/tuning')).json();
  const answer = await server.inject('/admin/tuning');
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  const shown = answer.json();
  expect(shown).toMatchObject({ enabled: false, changes: [], looked_at: null });
  expect(Object.keys(shown.caches)).toEqual([
    'canvas_files',
    'query',
    'row_ids',
    'embedding',
    'llm_responses',
    'memory_results',
  ]);
  expect(shown.caches.canvas_files).toMatchObject({
    in_use: true,
    measured: { asked: 0, hit_ratio: null },
    limits: { max_files: { unit: 'entries', configured: 50, current: 50, min: 13, max: 200 } },
    proposal: null,
  });
  expect(shown.caches.memory_results.limits.ttl_seconds).toMatchObject({ configured: 600, max: 2400 });
  await writeFile(flagsFile, 'auto_tune:\n  enabled: true\n  max_factor: 2\nquery_cache:\n  enabled: false\n');
  reload();
  const now = await tuning();
  expect(now).toMatchObject({ enabled: true, settings: { max_factor: 2 } });
  expect(now.caches.query.in_use).toBe(false);
  expect(now.caches.canvas_files.limits.max_files).toMatchObject({ configured: 200, max: 400 });
  await writeFile(flagsFile, 'enabled: false\nauto_tune:\n  enabled: true\n');
  reload();
  expect((await tuning()).enabled, 'with the master switch off').toBe(false);
  expect((await server.inject('/admin/tuning?x=1')).statusCode).toBe(400);
  expect(Object.keys((await server.inject('/admin/cache')).json().caches)).toContain('canvas_files');
});

it('without a Graphiti server only; its answers say themselves how long they are good', async () => {
  const { server } = await openTestApp({ environment: { GRAPHITI_URL: 'http://127.0.0.1:9' } });
  const { limits } = (await server.inject('/admin/tuning')).json().caches.memory_results;
  expect(Object.keys(limits)).toEqual(['max_bytes', 'max_entries']);
});

it('a slow query of the running service is noted, with its plan and without what was looked for', async () => {
  const { server, folder } = await openTestApp({ environment: { SLOW_QUERY_MS: '1' } });
  const record = { trajectory_id: 't-1', data_id: 'd-1', task: { question: 'VALUE' }, reward: 1, agent_name: 'VALUE' };
  const stored = await server.inject({ method: 'POST', url: '/api/trajectories', payload: record });
  expect(stored.statusCode).toBe(201);
  await server.inject('/api/trajectories?agent_name=VALUE&sort_by=reward&reward_min=0.2512345&pageSize=3');
  await server.inject('/api/trajectories/search/q?q=VALUE');
  const lines = async () =>
    (await readFile(path.join(folder, 'logs', 'slow-queries.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const operations = async () => (await lines()).map(({ operation }) => operation);
  await vi.waitFor(
    async () => expect(await operations()).toEqual(expect.arrayContaining(['list', 'text_search'])),
    5000,
  );
  const list = (await lines()).find(({ operation }) => operation === 'list');
  expect(list).toMatchObject({
    rows: 1,
    shape: { filters: ['agent_name matches', 'reward between'], sort: 'reward desc', page: 1, page_size: 3 },
    table_version: expect.any(Number),
  });
  expect(list.plan).toEqual(expect.arrayContaining(['SortExec', 'LanceRead', 'take the rows of the page by row id']));
  expect(JSON.stringify(await lines())).not.toMatch(/VALUE|0\.2512345/);
  expect((await server.inject('/metrics')).body).toMatch(/canvas_slow_queries_total\{operation="list"\} [1-9]/);
});
