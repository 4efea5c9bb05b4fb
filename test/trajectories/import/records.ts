import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { openDatabase } from '../../../src/lance/index.js';
import { type FileIdentity, identityOf } from '../../../src/trajectories/import/source/source.js';
import { analysisSchema, tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';

export type RawRecord = Record<string, unknown>;

/** A flat record as a trainer dumps it; the same for the same number. */
export function rawRecord(number: number, changes: RawRecord = {}): RawRecord {
  const question = `如何配置第 ${number} 台交换机？ "50%" — it's`;
  return {
    trajectory_id: `q${number}-run1-1-2-3-0`,
    data_id: `q${number}`,
    task: { question, ground_truth: `答案 ${number}`, category: 'general' },
    steps: [
      { step_id: '0', reward: '0.5', mc_return: '1.25', done: 'False' },
      { step_id: '1', reward: '1', mc_return: '2', done: 'True', info: { nested: [1, 2] } },
    ],
    chat_completions: [
      { role: 'system', content: 'x'.repeat(number % 7) },
      { role: 'user', content: question },
    ],
    reward: number % 3 === 0 ? 0 : number / 10,
    toolcall_reward: 0.25,
    res_reward: number % 2 === 0 ? 0.5 : 0,
    exec_time: number * 1.5,
    epoch_id: 1,
    iteration_id: 2,
    sample_id: 3,
    training_id: 'run1',
    agent_name: number % 2 === 0 ? 'AgentA' : "O'Brien_100%",
    termination_reason: 'success',
    custom: { kept: number },
    ...changes,
  };
}

export const rawRecords = (count: number, from = 0) => Array.from({ length: count }, (_, i) => rawRecord(from + i));

/** The record in the nested form, numbers as text. */
export function nested(record: RawRecord): RawRecord {
  const task = record.task as RawRecord;
  return {
    prompt_tokens: '100',
    trajectory_reward: String(record.reward),
    chat_completions: record.chat_completions,
    trajectory: {
      task: {
        tokenizer: 'none',
        task: { problem: task.question, ground_truth: task.ground_truth, agent_name: record.agent_name },
      },
      data_id: record.data_id,
      training_id: record.training_id,
      epoch_id: String(record.epoch_id),
      iteration_id: String(record.iteration_id),
      sample_id: String(record.sample_id),
      trajectory_id: record.trajectory_id,
    },
    metrics: {
      steps: '7',
      total_time: String(record.exec_time),
      toolcall_reward: String(record.toolcall_reward),
      res_reward: String(record.res_reward),
    },
  };
}

const groups = (records: RawRecord[]) =>
  Array.from({ length: Math.ceil(records.length / 4) }, (_, i) => records.slice(i * 4, i * 4 + 4));

/** Each import format, as text. */
export const formats: Record<string, (records: RawRecord[]) => string> = {
  lines: (records) => records.map((record) => `${JSON.stringify(record)}\n`).join(''),
  iterations: (records) =>
    groups(records)
      .map((trajectories, i) => `${JSON.stringify({ iteration: String(i), trajectories })}\n`)
      .join(''),
  array: (records) => JSON.stringify(records),
  'array over lines': (records) => `[${records.map((record) => JSON.stringify(record)).join(',\n')}]\n`,
  'indented array': (records) => JSON.stringify(records, null, 2),
  object: (records) => JSON.stringify({ trajectories: records }),
  'object over lines': (records) =>
    `{"about": {"by": ["x"]}, "trajectories": [${records.map((r) => JSON.stringify(r)).join(',\n')}], "count": 3}\n`,
  pretty: (records) => records.map((record) => `${JSON.stringify(record, null, 2)}\n`).join(''),
};

export async function writeSource(folder: string, content: string | Buffer, name = 'source'): Promise<FileIdentity> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, content);
  return identityOf(file);
}

export const zipped = (content: string) => gzipSync(Buffer.from(content));

export type StoredRow = Record<string, unknown> & { record: RawRecord };

/** All rows of the table in the order of `seq`, `record_json` parsed. */
export async function storedRows(lanceUri: string): Promise<StoredRow[]> {
  const database = await openDatabase(lanceUri);
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const rows = await table.query().toArray();
  table.close();
  database.close();
  return rows
    .map((row) => {
      const { record_json, tags, ...columns } = row.toJSON();
      return { ...columns, tags: [...tags], record: JSON.parse(record_json) };
    })
    .sort((a, b) => a.seq - b.seq);
}

export async function storeAnalysis(lanceUri: string, verdicts: Record<string, boolean>): Promise<void> {
  const database = await openDatabase(lanceUri);
  const table = await database.openTable(tableNames.analysis, analysisSchema);
  await table.add(
    Object.entries(verdicts).map(([trajectory_id, is_success]) => ({
      trajectory_id,
      is_success,
      category: '',
      root_cause: '',
      suggestion: '',
      updated_at: 1,
    })),
  );
  table.close();
  database.close();
}
