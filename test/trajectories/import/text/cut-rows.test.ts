import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecord, recordsWithin } from '../../../../src/trajectories/import/source/parsed-record.js';
import { TextArena } from '../../../../src/trajectories/import/store/memory/text-arena.js';
import { type TrajectoryRow, toRow } from '../../../../src/trajectories/import/store/row.js';
import { buildTable } from '../../../../src/trajectories/import/store/row-builder.js';
import { CutRows } from '../../../../src/trajectories/import/text/cut-rows.js';
import { normalizeTrajectory } from '../../../../src/trajectories/trajectory-normalizing.js';
import { nested, rawRecord } from '../records.js';
import { hostileText, jsonWriter } from './json-texts.js';

const importedAt = 1_700_000_000;
const newCutRows = (encoding: 'latin1' | 'utf8' = 'latin1') =>
  new CutRows({ importId: 'one', importedAt, encoding, arena: new TextArena(), source: () => 'jsonl_import' });

/** The rows as they would be stored. */
const stored = (rows: readonly TrajectoryRow[]) =>
  [...buildTable(rows)].map((row) => {
    const { tags, ...columns } = row!.toJSON();
    return { ...columns, tags: [...tags] };
  });

/** Rows by parsing all of the text as characters; undefined when a record is refused. */
function parsedRows(text: string): TrajectoryRow[] | undefined {
  const parsed = parseRecord(Buffer.from(text));
  if ('fault' in parsed) return undefined;
  const rows: TrajectoryRow[] = [];
  for (const value of recordsWithin(parsed.value) ?? [parsed.value]) {
    const normalized = normalizeTrajectory(value, importedAt);
    if (!normalized.ok) return undefined;
    if (normalized.trajectory.source === '') normalized.trajectory.source = 'jsonl_import';
    rows.push(toRow(normalized.trajectory, 'one'));
  }
  return rows;
}

const numberText = fc.oneof(
  fc.double({ noNaN: true }).map(String),
  fc.constantFrom('1.0', ' 5', '\t5', '', 'None', 'True', 'false', '1', '0', '٣', '1e400', '-0', 'x'),
  fc.integer(),
);

const step = fc.record(
  { step_id: numberText, reward: numberText, mc_return: numberText, done: numberText, thought: hostileText },
  { requiredKeys: [] },
);

const record = fc
  .record({
    id: fc.oneof(
      fc.constant('第一題'),
      fc.integer({ min: 0, max: 99 }).map((n) => `q${n}-run1-1-2-3-0`),
    ),
    question: fc.option(hostileText, { nil: undefined }),
    steps: fc.option(fc.array(step, { maxLength: 4 }), { nil: null }),
    chat: fc.option(fc.array(fc.record({ role: fc.constantFrom('user', 'tool'), content: hostileText })), {
      nil: null,
    }),
    name: hostileText,
    value: fc.jsonValue({ maxDepth: 2 }),
    tree: fc.option(fc.constant('b'), { nil: undefined }),
    isNested: fc.boolean(),
    inner: fc.constantFrom({}, { steps: null }, { chat_completions: [{ role: 'user', content: 'inside' }] }),
    wrong: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      { steps: {} },
      { chat_completions: ['x'] },
      { reward: 'y' },
    ),
  })
  .map((given) => {
    const raw = rawRecord(1, {
      trajectory_id: given.id,
      task: { question: given.question, ground_truth: given.name },
      steps: given.steps,
      chat_completions: given.chat,
      tree_id: given.tree,
      tags: [given.name, 'x'],
      notes: given.name,
      [`field ${given.name}`]: given.value,
      [given.name]: given.value,
      ...given.wrong,
    });
    if (!given.isNested) return raw;
    const flat = nested(raw);
    return { ...flat, trajectory: { ...(flat.trajectory as object), ...given.inner } };
  });

describe('rows that are cut out of a text', () => {
  it.each(['latin1', 'utf8'] as const)('are those of parsing, byte for byte, read as %s', (encoding) => {
    let cut = 0;
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), jsonWriter, fc.nat(2), (records, write, form) => {
        const [first] = records;
        const text = write(form === 0 ? first : form === 1 ? records : { iteration: '1', trajectories: records });
        const rows = newCutRows(encoding).of(Buffer.from(text), true);
        if (!rows) return;
        cut += 1;
        expect(stored(rows)).toEqual(stored(parsedRows(text)!));
      }),
      { seed: 20_261_122, numRuns: 800 },
    );
    expect(cut).toBeGreaterThan(50);
  });

  it('are made of records as trainers dump them, in each way of writing', () => {
    const records = [
      rawRecord(1),
      rawRecord(2, { trajectory_id: '第二題' }),
      nested(rawRecord(3)),
      rawRecord(4, { steps: null }),
    ];
    for (const write of fc.sample(jsonWriter, { seed: 1, numRuns: 30 })) {
      const text = write({ iteration: 'x', trajectories: records, count: 4 });
      const rows = newCutRows().of(Buffer.from(text), true);
      expect(rows).toHaveLength(4);
      expect(stored(rows!)).toEqual(stored(parsedRows(text)!));
    }
  });

  it.each([
    ['the question stands in the chat', rawRecord(1, { task: {} })],
    ['a list is none', rawRecord(1, { steps: {} })],
    ['a list holds what is no object', rawRecord(1, { chat_completions: [null] })],
    ['an id is missing', rawRecord(1, { data_id: undefined })],
    ['a number is none', rawRecord(1, { reward: 'many' })],
    ['it is of another tool', { ...rawRecord(1), schema_version: 'ATIF-v1.4' }],
    ['an element holds a list of records itself', [{ ...rawRecord(1), trajectories: [rawRecord(2)] }]],
    ['the list is no list', { iteration: '1', trajectories: rawRecord(1) }],
    ['it holds nothing', { iteration: '1', trajectories: [] }],
    ['it is no object', [[rawRecord(1)]]],
    ['it is a number', 1],
  ])('are left to parsing when %s', (_name, value) => {
    expect(newCutRows().of(Buffer.from(JSON.stringify(value)), true)).toBeUndefined();
  });

  it('are left to parsing when the text goes on or is no UTF-8', () => {
    const text = JSON.stringify(rawRecord(1));
    for (const bad of [`${text}${text}`, `${text}]`, text.slice(0, -1), text.replace('"steps"', '"st\\u0065ps"')]) {
      expect(newCutRows().of(Buffer.from(bad), true)).toBeUndefined();
    }
    expect(newCutRows().of(Buffer.concat([Buffer.from(text), Buffer.of(0xff)]), true)).toBeUndefined();
    expect(newCutRows().of(Buffer.from(`[${text}]`), false)).toBeUndefined();
    expect(newCutRows().of(Buffer.from(`{"trajectories":[${text}]}`), false)).toBeUndefined();
  });

  it('are tried again after a while when texts could not be cut', () => {
    const cutRows = newCutRows();
    const good = Buffer.from(JSON.stringify(rawRecord(1)));
    let tried = 0;
    for (let i = 0; i < 200; i++) cutRows.of(Buffer.from('{}'), true);
    while (!cutRows.of(good, true)) tried += 1;
    expect(tried).toBeLessThan(65);
    expect(cutRows.of(good, true)).toHaveLength(1);
  });
});
