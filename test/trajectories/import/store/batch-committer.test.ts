import { makeArrowTable } from '@lancedb/lancedb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type Table } from '../../../../src/lance/index.js';
import {
  BatchCommitter,
  type BatchCommitterOptions,
} from '../../../../src/trajectories/import/store/batch-committer.js';
import { batchLimits, memoryInUse } from '../../../../src/trajectories/import/store/memory/memory-pressure.js';
import { rowBytes, type TrajectoryRow, toRow } from '../../../../src/trajectories/import/store/row.js';
import { buildTable } from '../../../../src/trajectories/import/store/row-builder.js';
import { normalizeTrajectory } from '../../../../src/trajectories/trajectory-normalizing.js';
import { analysisSchema, tableNames, trajectorySchema } from '../../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../../support/folder.js';
import { type RawRecord, rawRecord, storeAnalysis, storedRows } from '../records.js';

let nextSeq = 1;

function row(number: number, changes: RawRecord = {}, importId = 'import-1'): TrajectoryRow {
  const result = normalizeTrajectory(rawRecord(number, changes), 1000);
  if (!result.ok) throw new Error(result.reasons.join());
  return { ...toRow(result.trajectory, importId), seq: nextSeq++ };
}

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

async function openStore() {
  const lanceUri = await temporaryFolder();
  const database = await openDatabase(lanceUri);
  const trajectories = await database.openTable(tableNames.trajectories, trajectorySchema);
  const analysis = await database.openTable(tableNames.analysis, analysisSchema);
  onTestFinished(() => database.close());
  const commits: { rows: number; variant: string }[] = [];
  const fallbacks: string[] = [];
  const committer = (options: Partial<BatchCommitterOptions> = {}) =>
    new BatchCommitter({
      trajectories,
      analysis,
      importId: 'import-1',
      skipDuplicateCheck: false,
      onConflict: 'skip',
      batchImport: true,
      bulkDuplicateCheck: true,
      importedAt: 2000,
      onCommit: ({ rows: count, variant }) => commits.push({ rows: count, variant }),
      onFallback: (flag) => fallbacks.push(flag),
      ...options,
    });
  return { lanceUri, trajectories, committer, commits, fallbacks };
}

/** The table, of which some methods fail until they are mended. */
function broken(table: Table, methods: Partial<Record<keyof Table, unknown>>): Table {
  return new Proxy(table, {
    get(target, name) {
      const replaced = methods[name as keyof Table];
      const value = replaced ?? Reflect.get(target, name);
      return typeof value === 'function' && !replaced ? value.bind(target) : value;
    },
  });
}

describe('buildTable', () => {
  it('gives the same rows as the library makes of objects', async () => {
    const { lanceUri, trajectories } = await openStore();
    const hostile = ['', "it's", '"', '\\', '%_*', 'line\nbreak', '\u0000', '😀 中文 é', 'x'.repeat(10_000)];
    const made = hostile.map((text, i) => ({
      ...row(i, { notes: text, agent_name: text, task: { question: text }, tags: hostile.slice(0, i), extra: text }),
      seq: i,
      is_bookmarked: i % 2 === 0,
    }));
    await trajectories.add(buildTable(made));
    const endings = made.map(({ record_json, created_at, encoding: _encoding, ...columns }, i) => ({
      ...columns,
      created_at,
      seq: 100 + i,
      record_json: `${record_json.toString().slice(0, -1)},"created_at":${created_at}}`,
    }));
    await trajectories.add(makeArrowTable(endings, { schema: trajectorySchema }));
    const stored = await storedRows(lanceUri);
    expect(stored).toHaveLength(2 * hostile.length);
    for (const [i, text] of hostile.entries()) {
      expect({ ...stored[i], seq: 0 }).toEqual({ ...stored[hostile.length + i], seq: 0 });
      expect(stored[i]).toMatchObject({ notes: text, question: text, tags: hostile.slice(0, i), seq: i });
      expect(stored[i]!.record).toMatchObject({ extra: text, created_at: 1000, custom: { kept: i } });
      for (const name of ['tags', 'notes', 'is_bookmarked', 'updated_at', 'step_count']) {
        expect(stored[i]!.record).not.toHaveProperty(name);
      }
    }
  });

  it('makes a table of no rows', () => {
    expect(buildTable([]).numRows).toBe(0);
  });
});

describe.each([
  ['optimised', true],
  ['baseline', false],
])('committing, %s', (_name, optimised) => {
  const ways = { batchImport: optimised, bulkDuplicateCheck: optimised };

  it('adds rows with a rising seq, in as many commits as the way says', async () => {
    const { lanceUri, committer, commits } = await openStore();
    const first = committer(ways);
    expect(await first.commit(rows(0, 5))).toEqual({ imported: 5, skipped: 0 });
    await first.commit(rows(5, 8));
    await committer(ways).commit(rows(8, 10));
    const stored = await storedRows(lanceUri);
    expect(stored.map(({ data_id }) => data_id)).toEqual(rows(0, 10).map(({ data_id }) => data_id));
    expect(new Set(stored.map(({ seq }) => seq)).size).toBe(10);
    expect(commits.map((commit) => commit.rows)).toEqual(optimised ? [5, 3, 2] : Array(10).fill(1));
    expect(new Set(commits.map((commit) => commit.variant))).toEqual(new Set([optimised ? 'batch' : 'row']));
  });

  it('skips ids of the table and of the batch itself', async () => {
    const { lanceUri, committer } = await openStore();
    await committer(ways).commit([row(1), row(2, { trajectory_id: "it's" })]);
    const given = [row(2, { trajectory_id: "it's", notes: 'no' }), row(3), row(3, { notes: 'no' }), row(1)];
    expect(await committer({ ...ways, importId: 'import-2' }).commit(given)).toEqual({ imported: 1, skipped: 3 });
    const stored = await storedRows(lanceUri);
    expect(stored.map(({ trajectory_id }) => trajectory_id)).toEqual(['q1-run1-1-2-3-0', "it's", 'q3-run1-1-2-3-0']);
    expect(stored.every(({ notes }) => notes === '')).toBe(true);
  });

  it('replaces ids of the table, keeping what users changed, and takes the last of equal ids', async () => {
    const { lanceUri, committer } = await openStore();
    await committer(ways).commit([row(1, { tags: ['a'], notes: 'n', is_bookmarked: true, created_at: 5 }), row(2)]);
    const given = [row(1, { reward: 9 }), row(3, { notes: 'first', created_at: 7 }), row(3, { reward: 8, notes: 'x' })];
    const outcome = await committer({ ...ways, onConflict: 'replace' }).commit(given);
    expect(outcome).toEqual({ imported: 3, skipped: 0 });
    const stored = await storedRows(lanceUri);
    const byData = Object.fromEntries(stored.map((found) => [found.data_id, found]));
    expect(stored).toHaveLength(3);
    expect(byData.q1).toMatchObject({
      reward: 9,
      tags: ['a'],
      notes: 'n',
      is_bookmarked: true,
      created_at: 5,
      updated_at: 2000,
    });
    expect(byData.q1!.record).toMatchObject({ reward: 9, created_at: 5 });
    expect(byData.q3).toMatchObject({ reward: 8, notes: 'first', created_at: 7 });
    expect(byData.q2).toMatchObject({ updated_at: 1000 });
  });

  it('asks for no duplicates when told so', async () => {
    const { lanceUri, committer } = await openStore();
    const options = { ...ways, skipDuplicateCheck: true };
    expect(await committer(options).commit([row(1), row(1)])).toEqual({ imported: 2, skipped: 0 });
    expect(await storedRows(lanceUri)).toHaveLength(2);
  });

  it('replaces in the order of seq, so that the highest one stored tells how far it is', async () => {
    const { committer, trajectories, commits } = await openStore();
    const added: number[] = [];
    const watched = broken(trajectories, {
      mergeInsert: (on: string) => {
        const merge = trajectories.mergeInsert(on).whenMatchedUpdateAll().whenNotMatchedInsertAll();
        const execute = (data: { getChild(name: string): { toArray(): number[] } }) => {
          added.push(...data.getChild('seq').toArray());
          return merge.execute(data as never);
        };
        const itself = { whenMatchedUpdateAll: () => itself, whenNotMatchedInsertAll: () => itself, execute };
        return itself;
      },
    });
    const given = [row(1), row(2), row(1), row(3), row(2)];
    await committer({ ...ways, trajectories: watched, onConflict: 'replace' }).commit(given);
    expect(added).toEqual([given[2], given[3], given[4]].map((one) => one!.seq));
    expect(commits.map((commit) => commit.rows)).toEqual(optimised ? [3] : [1, 1, 1]);
  });

  it('takes is_success from the analysis row, else from the reward', async () => {
    const { lanceUri, committer } = await openStore();
    await storeAnalysis(lanceUri, { 'q1-run1-1-2-3-0': false, 'q3-run1-1-2-3-0': true });
    await committer(ways).commit([row(1), row(2), row(3, { reward: 0, res_reward: 0 }), row(9, { reward: -1 })]);
    expect((await storedRows(lanceUri)).map(({ is_success }) => is_success)).toEqual([false, true, true, false]);
  });
});

describe('falling back', () => {
  const fails = () => Promise.reject(new Error('out of order'));

  it('adds row by row when the batch cannot be added', async () => {
    const { lanceUri, trajectories, committer, commits, fallbacks } = await openStore();
    const add = (data: { numRows: number }) => (data.numRows > 1 ? fails() : trajectories.add(data as never));
    const outcome = await committer({ trajectories: broken(trajectories, { add }) }).commit(rows(0, 3));
    expect(outcome).toEqual({ imported: 3, skipped: 0 });
    expect(fallbacks).toEqual(['batch_import']);
    expect(commits.map(({ variant }) => variant)).toEqual(['row', 'row', 'row']);
    expect(await storedRows(lanceUri)).toHaveLength(3);
  });

  it('replaces row by row also where the files of the version that the batch began on are gone', async () => {
    const { lanceUri, trajectories, committer, fallbacks } = await openStore();
    await committer().commit(rows(0, 3));
    const other = await (await openDatabase(lanceUri)).openTable(tableNames.trajectories, trajectorySchema);
    onTestFinished(() => other.close());
    const mergeInsert = (on: string) => {
      const merge = trajectories.mergeInsert(on).whenMatchedUpdateAll().whenNotMatchedInsertAll();
      const execute = async (data: { numRows: number }) => {
        if (data.numRows === 1) return merge.execute(data as never);
        await other.update({ where: 'true', valuesSql: { notes: "'meanwhile'" } });
        await other.optimize({ cleanupOlderThan: new Date(), deleteUnverified: true });
        return fails();
      };
      return { whenMatchedUpdateAll: () => ({ whenNotMatchedInsertAll: () => ({ execute }) }) };
    };
    const replacing = { trajectories: broken(trajectories, { mergeInsert }), onConflict: 'replace' } as const;
    const changed = [0, 1, 2].map((number) => row(number, { reward: 9 }));
    expect(await committer(replacing).commit(changed)).toEqual({ imported: 3, skipped: 0 });
    expect(fallbacks).toEqual(['batch_import']);
    expect((await storedRows(lanceUri)).map(({ reward }) => reward)).toEqual([9, 9, 9]);
  });

  it('adds nothing twice when the commit was made and only its answer was lost', async () => {
    const { lanceUri, trajectories, committer } = await openStore();
    const add = async (data: never) => {
      await trajectories.add(data);
      return fails();
    };
    const lossy = committer({ trajectories: broken(trajectories, { add }), skipDuplicateCheck: true });
    expect(await lossy.commit(rows(0, 3))).toEqual({ imported: 3, skipped: 0 });
    expect(await lossy.commit(rows(3, 5))).toEqual({ imported: 2, skipped: 0 });
    expect(await storedRows(lanceUri)).toHaveLength(5);
  });

  it('looks ids up one by one when they cannot be looked up together', async () => {
    const { lanceUri, trajectories, committer, fallbacks } = await openStore();
    await committer().commit(rows(0, 2));
    let asked = 0;
    const query = () => {
      asked += 1;
      if (asked === 1) throw new Error('out of order');
      return trajectories.query();
    };
    const outcome = await committer({ trajectories: broken(trajectories, { query }), importId: 'import-2' }).commit(
      rows(0, 3),
    );
    expect(outcome).toEqual({ imported: 1, skipped: 2 });
    expect(fallbacks).toEqual(['bulk_duplicate_check']);
    expect(await storedRows(lanceUri)).toHaveLength(3);
  });

  it('passes on the error when the original way fails too', async () => {
    const { trajectories, committer } = await openStore();
    await expect(committer({ trajectories: broken(trajectories, { add: fails }) }).commit(rows(0, 2))).rejects.toThrow(
      'out of order',
    );
    const query = () => {
      throw new Error('no query');
    };
    const noQuery = { trajectories: broken(trajectories, { query }), bulkDuplicateCheck: false };
    await expect(committer(noQuery).commit(rows(0, 2))).rejects.toThrow('no query');
  });
});

describe('batch limits', () => {
  it('are a quarter when memory passes 80 %, but never under 500 rows', () => {
    const settings = { batch_rows: 4000, max_batch_bytes: 1000 };
    expect(batchLimits(settings, 0.8)).toEqual({ rows: 4000, bytes: 1000 });
    expect(batchLimits(settings, 0.81)).toEqual({ rows: 1000, bytes: 250 });
    expect(batchLimits({ ...settings, batch_rows: 600 }, 0.9).rows).toBe(500);
    expect(batchLimits({ ...settings, batch_rows: 100 }, 0.9).rows).toBe(100);
  });

  it('measure a share', () => {
    expect(memoryInUse()).toBeGreaterThan(0);
    expect(memoryInUse()).toBeLessThanOrEqual(1);
    expect(rowBytes(row(1, { blob: 'x'.repeat(1000) }))).toBeGreaterThan(rowBytes(row(1)) + 1000);
  });
});
