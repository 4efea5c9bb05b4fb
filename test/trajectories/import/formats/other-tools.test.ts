import { describe, expect, it } from 'vitest';
import { fromOtherTool, isOfOtherTool } from '../../../../src/trajectories/import/formats/other-tools.js';
import { normalizeTrajectory } from '../../../../src/trajectories/trajectory-normalizing.js';
import { rawRecord, storedRows, zipped } from '../records.js';
import { newRun, outcomeOf } from '../run.js';
import { atifTrajectory, rllmEpisode, sweAgentRun, tauBenchResult } from './makers.js';

const tauResults = [tauBenchResult(0, 0, 1), tauBenchResult(0, 1, 0), tauBenchResult(1, 0, 1)];
const episodes = [rllmEpisode('t1', 0), rllmEpisode('t1', 1)];
const atifs = [atifTrajectory('s-1'), atifTrajectory('s-2')];
const asLines = (values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
const indented = (values: unknown[]) => values.map((value) => `${JSON.stringify(value, null, 2)}\n`).join('');

async function imported(content: string | Buffer) {
  const run = await newRun(content);
  const outcome = await outcomeOf(run);
  expect(outcome.errors).toEqual([]);
  const rows = await storedRows(run.lanceUri);
  expect(outcome.counts.imported).toBe(rows.length);
  return rows;
}

describe('a file of another tool', () => {
  it('of SWE-agent becomes a record with its turns as steps', async () => {
    const [row, ...others] = await imported(JSON.stringify(sweAgentRun(7), null, 2));
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      data_id: 'marshmallow-7',
      trajectory_id: expect.stringMatching(/^marshmallow-7-[0-9a-f]{16}$/),
      question: 'Fix issue 7: précision perdue 精度',
      ...{ source: 'swe-agent', agent_name: 'primary', termination_reason: 'submitted' },
      ...{ step_count: 2, exec_time: 0.5, reward: 0, is_success: false },
    });
    expect(row!.record.steps).toMatchObject([
      { step_id: 0, action: 'ls -F', observation: 'output of ls -F', thought: 'I will run ls -F', done: false },
      { step_id: 1, done: true, model_response: expect.stringContaining('submit'), state: { working_dir: '/app' } },
    ]);
    expect(row!.record.chat_completions).toHaveLength(4);
    expect(row!.record).toMatchObject({ environment: 'main', info: { model_stats: { api_calls: 2 } } });
    expect(row!.record).not.toHaveProperty('history');
  });

  it('of SWE-agent without a replay configuration is named by its problem', async () => {
    const { replay_config: _config, ...run } = sweAgentRun(3);
    const rows = await imported(asLines([run, { ...run, environment: 'other' }]));
    expect(rows.map(({ data_id }) => data_id)).toEqual([rows[0]!.data_id, rows[0]!.data_id]);
    expect(rows[0]!.data_id).toMatch(/^swe-agent-[0-9a-f]{16}$/);
    expect(rows[0]!.question).toBe('Fix issue 3: précision perdue 精度');
    expect(rows[0]!.trajectory_id).not.toBe(rows[1]!.trajectory_id);
  });

  it('of SWE-agent that holds the history alone, as a demonstration, has its answers as steps', async () => {
    const { history } = sweAgentRun(4);
    const told = { role: 'tool', content: 'output of ls -F', agent: 'primary', message_type: 'observation' };
    const last = { role: 'assistant', content: 'Done', thought: 'all is well', action: 'submit', agent: 'primary' };
    const shown = { ...last, is_demo: true };
    const [row, ...others] = await imported(JSON.stringify({ history: [shown, ...history, told, last] }, null, 2));
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      data_id: expect.stringMatching(/^swe-agent-[0-9a-f]{16}$/),
      question: 'Fix issue 4: précision perdue 精度',
      ...{ source: 'swe-agent', agent_name: 'primary', step_count: 2 },
    });
    expect(row!.record.steps).toEqual([
      {
        step_id: 0,
        thought: 'x',
        action: 'ls -F',
        model_response: 'I will run ls -F',
        done: false,
        observation: told.content,
      },
      { step_id: 1, thought: 'all is well', action: 'submit', model_response: 'Done', done: true, observation: '' },
    ]);
    expect(row!.record.chat_completions).toHaveLength(7);
  });

  it.each([
    ['a list over lines', JSON.stringify(tauResults, null, 2)],
    ['a list', JSON.stringify(tauResults)],
    ['lines', asLines(tauResults)],
    ['gzip', zipped(JSON.stringify(tauResults))],
  ])('of tau-bench, as %s, becomes a record for each trial', async (_name, content) => {
    const rows = await imported(content);
    expect(rows.map(({ reward, sample_id }) => [reward, sample_id])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
    expect(rows[0]!.data_id).toBe(rows[1]!.data_id);
    expect(rows[0]!.data_id).not.toBe(rows[2]!.data_id);
    expect(rows[0]).toMatchObject({
      data_id: expect.stringMatching(/^tau-bench-0-[0-9a-f]{16}$/),
      question: 'You are Yusuf, order 0. You want to exchange a keyboard.',
      ...{ source: 'tau-bench', step_count: 2 },
    });
    expect(JSON.parse(String(rows[0]!.ground_truth))).toMatchObject({ outputs: ['10'] });
    expect(rows[0]!.record.steps).toMatchObject([
      { step_id: 0, observation: 'yusuf_rossi_9620', done: false },
      { step_id: 1, action: 'Which one?', observation: '###STOP###', done: true },
    ]);
    expect(rows[0]!.record).toMatchObject({ info: { user_cost: 0.002 }, task_id: 0 });
  });

  it('of tau-bench keeps runs that ended with an error', async () => {
    const failed = { task_id: 4, reward: 0, info: { error: 'timeout', traceback: '...' }, traj: [], trial: 2 };
    const [row] = await imported(JSON.stringify([failed]));
    expect(row).toMatchObject({ data_id: 'tau-bench-4', termination_reason: 'error', sample_id: 2, step_count: 0 });
  });

  it.each([
    ['one episode a line', asLines(episodes)],
    ['indented episodes', indented(episodes)],
    ['a list of episodes over lines', JSON.stringify(episodes, null, 1)],
    ['a list of episodes', JSON.stringify(episodes)],
  ])('of rLLM, as %s, becomes a record for each trajectory', async (_name, content) => {
    const rows = await imported(content);
    expect(rows.map(({ trajectory_id }) => trajectory_id)).toEqual([
      't1:0-solver-uid-t1-0-solver',
      't1:0-uid-t1-0-default_traj_name',
      't1:1-solver-uid-t1-1-solver',
      't1:1-uid-t1-1-default_traj_name',
    ]);
    expect(rows[2]).toMatchObject({
      ...{ data_id: 't1', sample_id: 1, question: 'What is 1 + 1?', ground_truth: '2', step_count: 2 },
      ...{ reward: 0.75, termination_reason: 'env_done', agent_name: 'solver', source: 'rllm' },
    });
    expect(rows[3]).toMatchObject({ reward: 1, agent_name: 'rLLM' });
    expect(rows[2]!.record).toMatchObject({ episode: { id: 't1:1', is_correct: true }, info: { kept: true } });
    expect(rows[2]!.record.chat_completions).toEqual(episodes[1]!.trajectories[0]!.steps[1]!.chat_completions);
    expect(rows[2]!.record.task).toMatchObject({ data_source: 'arithmetic' });
  });

  it.each([
    ['lines', asLines(atifs)],
    ['indented documents', indented(atifs)],
    ['a list', JSON.stringify(atifs)],
  ])('of ATIF, as %s, becomes a record with the steps of the agent', async (_name, content) => {
    const rows = await imported(content);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({
      trajectory_id: expect.stringMatching(/^s-1-[0-9a-f]{16}$/),
      data_id: expect.stringMatching(/^atif-[0-9a-f]{16}$/),
      ...{ question: 'Create hello.txt for s-1', source: 'atif', agent_name: 'terminus-2', notes: 'first try' },
      ...{ exec_time: 2.5, reward: 1, step_count: 1, created_at: Date.parse('2025-10-11T10:30:00Z') / 1000 },
    });
    expect(rows[0]!.record.steps).toMatchObject([
      { step_id: 2, thought: 'The file is missing.', model_response: 'I write the file.', done: true },
    ]);
    const roles = (rows[0]!.record.chat_completions as { role: string }[]).map(({ role }) => role);
    expect(roles).toEqual(['user', 'assistant', 'tool']);
    expect(rows[0]!.record).toMatchObject({ schema_version: 'ATIF-v1.4', final_metrics: { total_steps: 2 } });
  });

  it('gives the same ids each time, so that a second import skips it', async () => {
    const run = await newRun(asLines([sweAgentRun(1), ...tauResults, ...episodes, ...atifs]));
    const first = await outcomeOf(run);
    const again = await outcomeOf({ ...run, importId: '00000000-0000-4000-8000-000000000002' });
    expect([first.counts.imported, again.counts]).toEqual([10, { imported: 0, failed: 0, skipped: 10 }]);
  });

  it.each([
    ['turns that are no objects', { trajectory: [1, null], history: [], info: {} }],
    ['a history that is no list', { ...sweAgentRun(1), history: 'none' }],
    ['messages that are no list of objects', { ...tauBenchResult(1, 1, 1), traj: ['hello'] }],
    ['a reward that is no number', { ...tauBenchResult(1, 1, 1), reward: 'high' }],
    ['steps that are no objects', { uid: 'u', name: 'n', task: null, steps: [3], reward: 1 }],
    ['steps that are no list', { ...atifTrajectory('s'), steps: { first: 1 } }],
    ['nothing but its version', { schema_version: 'ATIF-v9' }],
    [
      'nesting that never ends',
      `{"schema_version":"ATIF-v1.4","steps":[],"extra":${'['.repeat(5000) + ']'.repeat(5000)}}`,
    ],
  ])('half-right, with %s, is one named error and no exception', async (_name, value) => {
    const run = await newRun(
      `${typeof value === 'string' ? value : JSON.stringify(value)}\n${JSON.stringify(rawRecord(1))}\n`,
    );
    const outcome = await outcomeOf(run);
    expect(outcome.errors.length).toBe(outcome.counts.failed);
    for (const error of outcome.errors) expect(error).toMatch(/^Line 1: /);
    expect(outcome.counts.imported + outcome.counts.failed).toBe(2);
    expect((await storedRows(run.lanceUri)).map((row) => row.data_id)).toContain('q1');
  });

  it('is never taken for one of ours, nor ours for one of it', () => {
    expect(isOfOtherTool(rawRecord(1))).toBe(false);
    expect(isOfOtherTool({ trajectory: { trajectory_id: 'x' } })).toBe(false);
    for (const plain of [
      {},
      { steps: [] },
      { trajectory: [] },
      { traj: [] },
      { history: [{ role: 'user', content: 'x' }] },
      3,
      null,
      [],
    ]) {
      expect(fromOtherTool(plain, undefined)).toBe(plain);
    }
    const wrapped = fromOtherTool({ steps: [] }, { iteration: '1', id: 'x' });
    expect(normalizeTrajectory(wrapped)).toMatchObject({ ok: false });
  });
});
