import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import { openScanHere } from '../../../src/trajectories/export/export-thread.js';
import type { ImportCounts, RunReport } from '../../../src/trajectories/import/import-run.js';
import { startInWorker } from '../../../src/trajectories/import/import-runner.js';
import { openTrajectories } from '../../../src/trajectories/index.js';
import type { ListQuery } from '../../../src/trajectories/query/trajectory-repository.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';
import { newRun } from '../import/run.js';
import { makeLyingIndexes } from '../lying-indexes.js';
import { makeRow } from '../stored-rows.js';

const rows = Array.from({ length: 60 }, (_, i) => makeRow(i));
const notes = rows.map(({ trajectory_id, is_success }, i) => {
  return { trajectory_id, is_success, category: `类别-${i}`, root_cause: 'r', suggestion: '' };
});
const idsOf = (texts: readonly Buffer[]) =>
  texts.map((text) => (JSON.parse(text.toString()) as { trajectory_id: string }).trajectory_id);
const all: ListQuery = { filter: [], sortBy: 'created_at', order: 'asc', page: 1, pageSize: 60 };
const queries: Record<string, ListQuery> = {
  'a filter': { ...all, filter: [{ test: 'matches', column: 'agent_name', text: 'AgentB' }] },
  'two filters and a sort': {
    ...all,
    filter: [
      { test: 'between', column: 'reward', min: 0.1 },
      { test: 'is', column: 'is_success', value: true },
    ],
    sortBy: 'step_count',
  },
  'a walk': { ...all, filter: [{ test: 'one_of', column: 'data_id', texts: ['问题-3', '问题-4'] }], walk: {} },
};

/** A store over indexes that answer wrongly. Looking after it twice would mend them, so it is not asked to. */
async function openLying(damage: (folder: string) => Promise<void> = async () => {}) {
  const folder = await temporaryFolder();
  await makeLyingIndexes(folder, rows, notes);
  await damage(folder);
  const scalarIndexes = fixedOptimization(true, {});
  const nativeQuery = fixedOptimization(true, { row_id_cache_bytes: 1_000_000 });
  const store = await openTrajectories({
    lanceUri: folder,
    nativeQuery,
    analysisById: fixedOptimization(true, {}),
    queryCache: fixedOptimization(true, { ttl_seconds: 300, max_bytes: 1_000_000 }),
    scalarIndexes,
    openScan: openScanHere,
    logger: createLogger('silent'),
    onEvent() {},
  });
  onTestFinished(store.close);
  const answer = async (query: ListQuery) => {
    const { rows: found, total } = await store.list({ ...query });
    return { ids: idsOf(found), total };
  };
  async function right(query: ListQuery) {
    nativeQuery.enabled = false;
    const answered = await answer(query);
    nativeQuery.enabled = true;
    return answered;
  }
  return { store, scalarIndexes, nativeQuery, answer, right };
}

describe('indexes that answer wrongly', () => {
  it('serve nothing from the moment their flag is off, though they are still there', async () => {
    const { store, scalarIndexes, answer, right } = await openLying();
    for (const [name, query] of Object.entries(queries)) {
      expect(await answer(query), `${name}: the fault shows`).not.toEqual(await right(query));
    }
    const id = rows[7]!.trajectory_id;
    expect(idsOf([await store.get(id)]), 'the fault shows').not.toEqual([id]);
    scalarIndexes.enabled = false;
    for (const [name, query] of Object.entries(queries)) {
      expect(await answer(query), name).toEqual(await right(query));
      expect((await store.explain(query)).indexes, name).toEqual([]);
    }
    for (const row of rows) {
      const text = JSON.parse((await store.get(row.trajectory_id)).toString());
      const note = notes.find(({ trajectory_id }) => trajectory_id === row.trajectory_id);
      expect(text).toMatchObject({ trajectory_id: row.trajectory_id, category: note?.category });
    }
  });

  it('do not lead a write to another row once their flag is off', async () => {
    const { store, scalarIndexes } = await openLying();
    scalarIndexes.enabled = false;
    const [marked, judged, deleted] = [rows[3]!, rows[4]!, rows[5]!].map(({ trajectory_id }) => trajectory_id);
    await store.records.setTags(marked!, ['found']);
    await store.setAnalysis(judged!, { is_success: false, category: '新', root_cause: 'x', suggestion: '' });
    await store.records.remove(deleted!);
    const left = (await store.list(all)).rows.map((text) => JSON.parse(text.toString()));
    expect(left).toHaveLength(rows.length - 1);
    expect(left.filter(({ tags }) => tags[0] === 'found').map(({ trajectory_id }) => trajectory_id)).toEqual([marked]);
    expect(left.filter(({ category }) => category === '新').map(({ trajectory_id }) => trajectory_id)).toEqual([
      judged,
    ]);
    expect(left.some(({ trajectory_id }) => trajectory_id === deleted)).toBe(false);
  });

  it('do not choose the rows of an export that begins after', async () => {
    const { store, scalarIndexes } = await openLying();
    scalarIndexes.enabled = false;
    const filter = queries['a filter']!.filter;
    const file = await store.exports.open({ filter, sortBy: 'created_at', order: 'asc', format: 'jsonl' });
    const chunks: Uint8Array[] = await file.toArray();
    const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).agent_name)).toEqual(Array(20).fill('AgentB'));
  });
});

it('an import in its thread looks for ids as the flag says when it gets its turn', async () => {
  const content = rows.slice(10, 20).map((row) => row.record_json);
  const scalarIndexes = fixedOptimization(true, {});
  const run = { ...(await newRun(content.join('\n'))), lanceUri: await temporaryFolder() };
  await makeLyingIndexes(run.lanceUri, rows);
  Object.defineProperty(run, 'usesIndexes', { get: () => scalarIndexes.enabled, enumerable: true });
  const counts: ImportCounts[] = [];
  const take = (report: RunReport) => void (report.type === 'progress' && counts.push(report.counts));
  const { ended } = startInWorker(run, take, async (commit) => {
    scalarIndexes.enabled = false;
    return commit();
  });
  expect(await ended).toBe('done');
  expect(counts.at(-1)).toMatchObject({ imported: 0, skipped: 10 });
});

/** Cuts all files of a table's indexes off. */
async function cutOff(folder: string): Promise<void> {
  const indexes = path.join(folder, 'trajectories.lance/_indices');
  for (const file of await readdir(indexes, { recursive: true })) {
    if (file.endsWith('.lance')) await truncate(path.join(indexes, file), 10);
  }
}

it('indexes that cannot be read are blamed themselves, and every answer is right', async () => {
  const { store, scalarIndexes, nativeQuery, answer, right } = await openLying(cutOff);
  for (const [name, query] of Object.entries(queries)) expect(await answer(query), name).toEqual(await right(query));
  const id = rows[7]!.trajectory_id;
  expect(idsOf([await store.get(id)])).toEqual([id]);
  expect(scalarIndexes.failures).toHaveLength(4);
  expect(nativeQuery.failures).toEqual([]);
});

it('indexes that cannot be read are dropped once their flag is off, and built again when it is on', async () => {
  const { store, scalarIndexes, answer, right } = await openLying(cutOff);
  const query = queries['a filter']!;
  scalarIndexes.enabled = false;
  await store.maintain();
  scalarIndexes.enabled = true;
  expect((await store.explain(query)).indexes).toEqual([]);
  await store.maintain();
  expect((await store.explain(query)).indexes).toEqual([{ column: 'agent_name', kind: 'bitmap' }]);
  expect(await answer(query)).toEqual(await right(query));
});
