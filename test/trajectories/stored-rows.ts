import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { type Database, openDatabase, type Table } from '../../src/lance/index.js';
import type { TrajectoryRow } from '../../src/trajectories/query/trajectory-columns.js';
import { analysisSchema, tableNames, trajectorySchema } from '../../src/trajectories/trajectory-schema.js';

/** A row of the trajectories table, all columns. */
export type RowMade = Required<Omit<TrajectoryRow, 'record_json'>> & {
  record_json: string;
  seq: number;
  import_id: string;
};

/** A row whose record text agrees with its columns. Row `i` differs from its neighbours in most fields. */
export function makeRow(i: number, given: Partial<RowMade> = {}): RowMade {
  const columns = {
    trajectory_id: `t-${String(i).padStart(5, '0')}`,
    data_id: `问题-${i % 50}`,
    agent_name: `Agent${'ABC'[i % 3]}`,
    training_id: `run_${i % 4}`,
    question: `第${i}题：VXLAN 与 BFD 能否同时启用？`,
    ground_truth: `answer ${i}`,
    termination_reason: ['finished', 'failed', 'max_steps'][i % 3]!,
    source: 'test',
    notes: '',
    import_id: 'import-1',
    reward: (i % 7) / 4 - 0.5,
    toolcall_reward: (i % 5) / 4,
    res_reward: (i % 2) / 2,
    exec_time: (i % 11) * 1.5,
    created_at: 1_760_000_000 + Math.floor(i / 20),
    updated_at: 1_760_000_000 + Math.floor(i / 20),
    epoch_id: i % 3,
    iteration_id: i % 10,
    sample_id: i % 4,
    step_count: i % 6,
    is_bookmarked: i % 9 === 0,
    is_success: (i % 7) / 4 - 0.5 > 0,
    tags: ['easy', 'hard', 'net work'].slice(0, i % 4),
    seq: i + 1,
    ...given,
  };
  return { ...columns, record_json: JSON.stringify(recordOf(columns)), ...given };
}

function recordOf(row: Omit<RowMade, 'record_json'>): Record<string, unknown> {
  const { question, ground_truth, tags, notes, is_bookmarked, is_success, updated_at, step_count, ...kept } = row;
  const { seq, import_id, ...record } = kept;
  return { ...record, task: { question, ground_truth }, steps: [], chat_completions: [], made_by: 'test' };
}

/** The row as the list shows it. */
export function listed(row: RowMade, note = { category: '', rootCause: '' }): Record<string, unknown> {
  return {
    ...(JSON.parse(row.record_json) as Record<string, unknown>),
    tags: row.tags,
    notes: row.notes,
    is_bookmarked: row.is_bookmarked,
    updated_at: row.updated_at,
    questionId: row.data_id,
    step_count: row.step_count,
    isSuccess: row.is_success,
    ...note,
  };
}

/** A folder that lives as long as the tests around it. */
export async function suiteFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'clb-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Both tables in a folder of their own, the rows added in `commits` commits. Call it inside a hook or a suite. */
export async function openTables(
  rows: RowMade[],
  commits = 1,
  folder?: string,
): Promise<{ folder: string; database: Database; table: Table; analysis: Table }> {
  const home = folder ?? (await suiteFolder());
  const database = await openDatabase(home);
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const analysis = await database.openTable(tableNames.analysis, analysisSchema);
  const size = Math.ceil(rows.length / commits);
  for (let i = 0; i < rows.length; i += size) await table.add(rows.slice(i, i + size));
  return { folder: home, database, table, analysis };
}
