import path from 'node:path';
import { expect, it } from 'vitest';
import { openTestApp } from '../support/app.js';
import { temporaryFolder } from '../support/folder.js';
import { makeLyingIndexes } from '../trajectories/lying-indexes.js';
import { makeRow } from '../trajectories/stored-rows.js';
import { get, ndjson } from './filled-app.js';

const always = 'verification: {sample_rate: 1, max_waiting: 1000, max_time_ratio: 1, max_load_ratio: 1}\n';
const rows = Array.from({ length: 60 }, (_, i) => makeRow(i));

it('indexes that answer wrongly are found by pages, and from then on serve neither pages nor imports', async () => {
  const folder = await temporaryFolder();
  await makeLyingIndexes(path.join(folder, 'lancedb'), rows);
  const app = await openTestApp({ folder, flags: always });
  const state = async () => JSON.parse(await get(app, '/admin/flags')).flags.scalar_indexes;
  const asked = async (number: number) => {
    const url = `/api/trajectories?pageSize=60&agent_name=AgentB&reward_min=${number / 1e6}`;
    return JSON.parse(await get(app, url)).data.map((row: { trajectory_id: string }) => row.trajectory_id);
  };
  const right = rows
    .filter((row) => row.agent_name === 'AgentB' && row.reward >= 0.001)
    .map((row) => row.trajectory_id);
  const answers: string[][] = [];
  for (let number = 1; (await state()).effective && number < 1000; number++) answers.push((await asked(number)).sort());
  expect(answers[0], 'the fault shows').not.toEqual(right);
  const { flags } = JSON.parse(await get(app, '/admin/flags'));
  expect(flags.native_query.effective, 'what rests on the indexes is not to blame').toBe(true);
  expect((await state()).reason).toMatch(/^turned off by auto_rollback .* wrong answer/);
  for (let number = 1; number < 5; number++) expect((await asked(number)).sort()).toEqual(right);
  const payload = rows.map((row) => row.record_json).join('\n');
  const stored = await app.server.inject({ method: 'POST', url: '/api/import?wait=true', payload, headers: ndjson });
  expect(stored.json()).toMatchObject({ imported_count: 0, skipped_count: rows.length });
  const body = { is_bookmarked: true };
  const marked = await app.server.inject({ method: 'PUT', url: '/api/trajectories/t-00004/bookmark', payload: body });
  expect(marked.json()).toMatchObject({ trajectory_id: 't-00004', is_bookmarked: true });
});

it('indexes of the analysis that answer wrongly are found by pages, and not what looks up by them', async () => {
  const notes = rows.map(({ trajectory_id }, i) => ({
    trajectory_id,
    is_success: false,
    category: `category ${i}`,
    root_cause: '',
    suggestion: '',
  }));
  const folder = await temporaryFolder();
  await makeLyingIndexes(path.join(folder, 'lancedb'), rows, notes);
  // Pages are compared by what they show of the analysis alone.
  const app = await openTestApp({ folder, flags: `${always}native_query: {enabled: false}\n` });
  const flags = async () => JSON.parse(await get(app, '/admin/flags')).flags;
  const asked = async (number: number) => {
    const { data } = JSON.parse(await get(app, `/api/trajectories?pageSize=3&reward_min=${number / 1e6}`));
    return data.map((row: { category: string }) => row.category);
  };
  const right = await asked(0);
  expect(right).toEqual(expect.arrayContaining([expect.stringMatching(/^category \d+$/)]));
  for (let number = 1; (await flags()).scalar_indexes.effective && number < 1000; number++) await asked(number);
  const { scalar_indexes, analysis_by_ids } = await flags();
  expect(scalar_indexes.reason).toMatch(/^turned off by auto_rollback .* wrong answer/);
  expect(analysis_by_ids.effective).toBe(true);
});
