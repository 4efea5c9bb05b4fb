import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trajectoryRecordSchema } from '../../src/trajectories/trajectory.js';
import { normalizeTrajectory } from '../../src/trajectories/trajectory-normalizing.js';
import { nested, type RawRecord, rawRecord } from './import/records.js';

const importedAt = 1_700_000_000;

function normalized(raw: unknown): RawRecord {
  const result = normalizeTrajectory(raw, importedAt);
  if (!result.ok) throw new Error(result.reasons.join('; '));
  return result.trajectory as RawRecord;
}

function reasons(raw: unknown): string[] {
  const result = normalizeTrajectory(raw, importedAt);
  return result.ok ? [] : result.reasons;
}

const bare = (changes: RawRecord = {}) => ({ trajectory_id: 't', data_id: 'd', ...changes });

describe('normalizeTrajectory', () => {
  it('fills a record of only its ids with defaults', () => {
    expect(normalized(bare())).toEqual({
      trajectory_id: 't',
      data_id: 'd',
      task: { question: '', ground_truth: '' },
      steps: [],
      chat_completions: [],
      reward: 0,
      toolcall_reward: 0,
      res_reward: 0,
      exec_time: 0,
      epoch_id: 0,
      iteration_id: 0,
      sample_id: 0,
      training_id: '',
      agent_name: '',
      termination_reason: '',
      tags: [],
      notes: '',
      is_bookmarked: false,
      source: '',
      created_at: importedAt,
      updated_at: importedAt,
      step_count: 0,
    });
  });

  it('reads a flat record, numbers and truth values as text included', () => {
    const record = normalized(
      rawRecord(4, { reward: '10.5', epoch_id: '7', is_bookmarked: 'True', created_at: '12.5' }),
    );
    expect(record).toMatchObject({ reward: 10.5, epoch_id: 7, is_bookmarked: true, created_at: 12.5, step_count: 2 });
    expect(record.steps).toEqual([
      { step_id: 0, reward: 0.5, mc_return: 1.25, done: false },
      { step_id: 1, reward: 1, mc_return: 2, done: true, info: { nested: [1, 2] } },
    ]);
    expect(record.custom).toEqual({ kept: 4 });
  });

  it('reads a nested record as the same values', () => {
    const flat = rawRecord(5);
    const record = normalized(nested(rawRecord(5)));
    for (const name of ['trajectory_id', 'data_id', 'training_id', 'epoch_id', 'iteration_id', 'sample_id', 'reward']) {
      expect(record[name], name).toEqual(flat[name]);
    }
    expect(record).toMatchObject({ agent_name: "O'Brien_100%", exec_time: 7.5, toolcall_reward: 0.25, step_count: 7 });
    expect(record.task).toMatchObject({ question: (flat.task as RawRecord).question, tokenizer: 'none' });
    expect(record).toMatchObject({ prompt_tokens: '100', metrics: { total_time: '7.5' } });
    expect(record).not.toHaveProperty('trajectory');
  });

  it.each([
    [{ final_reward: '0.7', trajectory_reward: 0.2, reward: 1, res_reward: 0.5 }, 0.7],
    [{ final_reward: 0, trajectory_reward: 0.2, reward: 1, res_reward: 0.5 }, 0.2],
    [{ trajectory_reward: '0', reward: 1, res_reward: 0.5 }, 1],
    [{ reward: 0, res_reward: 0.5 }, 0.5],
    [{ res_reward: '-0.5' }, -0.5],
    [{ reward: 'True' }, 1],
    [{ reward: null, metrics: { res_reward: '0.25' } }, 0.25],
    [{ reward: '-0' }, 0],
  ])('takes the reward of %o as %d', (rewards, expected) => {
    expect(normalized(bare(rewards)).reward).toBe(expected);
  });

  it.each([
    ['q-r-1-2-3-4', '9', 'd-run-1-2-3-9'],
    ['q-r-1-2-3-4', 9, 'd-run-1-2-3-9'],
    ['q-r-1-2-3-9', '9', 'q-r-1-2-3-9'],
    ['q-r-1-2-3-19', '9', 'd-run-1-2-3-9'],
    ['q-r-1-2-3', '9', 'q-r-1-2-3'],
    ['q-r-1-2-3-4', null, 'q-r-1-2-3-4'],
    ['q-r-1-2-3-4', '', 'q-r-1-2-3-4'],
  ])('makes of the id %s with tree_id %o the id %s', (trajectory_id, tree_id, expected) => {
    const raw = bare({ trajectory_id, tree_id, training_id: 'run', epoch_id: 1, iteration_id: 2, sample_id: 3 });
    expect(normalized(raw).trajectory_id).toBe(expected);
  });

  it('takes the question of a missing task from the first user message', () => {
    const chat = [
      { role: 'system', content: 'no' },
      { role: 'user', content: '第一个问题' },
      { role: 'user', content: 'second' },
    ];
    expect(normalized(bare({ chat_completions: chat })).task).toEqual({ question: '第一个问题', ground_truth: '' });
    const parts = [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image' }, 'b'] }];
    expect(normalized(bare({ chat_completions: parts })).task).toMatchObject({ question: 'a\nb' });
    expect(normalized(bare({ task: 'as text' })).task).toMatchObject({ question: 'as text' });
    expect(normalized(bare({ task: { question: '', x: 1 }, chat_completions: chat })).task).toEqual({
      question: '',
      ground_truth: '',
      x: 1,
    });
  });

  it('counts the steps, else takes metrics.steps', () => {
    expect(normalized(bare({ steps: [{}, {}], metrics: { steps: '9' } })).step_count).toBe(2);
    expect(normalized(bare({ steps: [], metrics: { steps: '9' } })).step_count).toBe(9);
    expect(reasons(bare({ metrics: { steps: -1 } }))[0]).toMatch(/metrics\.steps: expected a whole number from 0/);
  });

  it.each([
    [{ trajectory_id: undefined }, 'trajectory_id: required'],
    [{ data_id: '' }, 'data_id: required'],
    [{ data_id: ' ' }, 'data_id: expected text, got " "'],
    [{ data_id: { a: 1 } }, 'data_id: expected text, got an object'],
    [{ data_id: 2 ** 60 }, 'data_id: expected text, got 1152921504606847000'],
    [{ data_id: '\ud800' }, 'data_id: expected text, got "\\ud800"'],
    [{ trajectory_id: 'a\nb' }, 'trajectory_id: expected no control characters'],
    [{ trajectory_id: 'x'.repeat(1025) }, 'trajectory_id: expected at most 1024 characters, got 1025'],
    [{ reward: 'not a number' }, 'reward: expected a number, got "not a number"'],
    [{ reward: 'x'.repeat(200) }, `reward: expected a number, got "${'x'.repeat(56)}..."`],
    [{ reward: '' }, 'reward: expected a number, got ""'],
    [{ reward: '0x10' }, 'reward: expected a number, got "0x10"'],
    [{ reward: 'NaN' }, 'reward: expected a number, got "NaN"'],
    [{ reward: 'Infinity' }, 'reward: expected a number, got "Infinity"'],
    [{ reward: '1e309' }, 'reward: expected a number, got "1e309"'],
    [{ reward: [1] }, 'reward: expected a number, got a list'],
    [{ steps: 'none' }, 'steps: expected a list, got "none"'],
    [{ steps: [{}, 3] }, 'steps[1]: expected an object, got 3'],
    [{ chat_completions: { role: 'user' } }, 'chat_completions: expected a list, got an object'],
    [{ chat_completions: [null] }, 'chat_completions[0]: expected an object, got null'],
    [{ epoch_id: 1.5 }, 'epoch_id: expected a whole number from -2147483648 to 2147483647, got 1.5'],
    [{ sample_id: 2 ** 31 }, 'sample_id: expected a whole number from -2147483648 to 2147483647, got 2147483648'],
    [{ task: 3 }, 'task: expected an object, got a number'],
    [{ agent_name: [] }, 'agent_name: expected text, got a list'],
    [{ tags: 'a' }, 'tags: expected a list of texts, got "a"'],
    [{ is_bookmarked: 'maybe' }, 'is_bookmarked: expected true or false, got "maybe"'],
    [{ anything: [Number.POSITIVE_INFINITY] }, 'expected numbers within the range of a double'],
  ])('refuses bad value %# with its reason', (changes, reason) => {
    expect(reasons(bare(changes))).toContain(reason);
  });

  it.each([null, 3, 'text', [], true])('refuses %o as a record', (raw) => {
    expect(reasons(raw)[0]).toMatch(/^expected an object, got /);
  });

  it('names every reason, not only the first', () => {
    expect(reasons({ reward: 'x', steps: 1 })).toHaveLength(4);
  });

  it('takes numbers as ids by their decimal text', () => {
    expect(normalized({ trajectory_id: 17, data_id: 1.5 })).toMatchObject({ trajectory_id: '17', data_id: '1.5' });
  });

  it('keeps 128 levels and refuses 129', () => {
    const deep = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown;
    expect(reasons(bare({ deep: deep(127) }))).toEqual([]);
    expect(reasons(bare({ deep: deep(128) }))).toEqual(['nested deeper than 128 levels']);
  });

  it('keeps a field named __proto__ a field', () => {
    const record = normalized(
      JSON.parse('{"trajectory_id":"t","data_id":"d","__proto__":{"polluted":1},"task":{"__proto__":2}}'),
    );
    expect(({} as RawRecord).polluted).toBeUndefined();
    expect((record as { polluted?: unknown }).polluted).toBeUndefined();
    expect(JSON.stringify(record)).toContain('"__proto__":{"polluted":1}');
  });

  it('leaves out what columns and analysis rows answer for', () => {
    const record = normalized(
      bare({ isSuccess: true, category: 'x', rootCause: 'y', questionId: 'd', step_count: 99 }),
    );
    for (const name of ['isSuccess', 'category', 'rootCause', 'questionId']) expect(record).not.toHaveProperty(name);
    expect(record.step_count).toBe(0);
  });

  it('makes of any JSON either a record of the documented form or reasons, and never throws', () => {
    const names = ['trajectory_id', 'data_id', 'task', 'steps', 'chat_completions', 'reward', 'epoch_id', 'tags'];
    const some = ['trajectory', 'metrics', 'tree_id', 'created_at', 'notes', 'x', '__proto__'];
    const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('1.5', 'True', 'None', 7, -1, null, [], {}));
    const record = fc.dictionary(fc.constantFrom(...names, ...some), value);
    fc.assert(
      fc.property(record, fc.boolean(), (raw, withIds) => {
        const given = withIds ? { ...raw, trajectory_id: 'a-b', data_id: 'd' } : raw;
        const result = normalizeTrajectory(JSON.parse(JSON.stringify(given)), importedAt);
        if (!result.ok) {
          expect(result.reasons.length).toBeGreaterThan(0);
          return;
        }
        expect(trajectoryRecordSchema.safeParse(result.trajectory).error).toBeUndefined();
        const again = normalizeTrajectory(JSON.parse(JSON.stringify(result.trajectory)), importedAt + 1);
        expect(again).toEqual({ ok: true, trajectory: JSON.parse(JSON.stringify(result.trajectory)) });
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});
