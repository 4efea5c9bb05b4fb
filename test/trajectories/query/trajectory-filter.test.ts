import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createScalarIndex, type Table } from '../../../src/lance/index.js';
import { rowsOf } from '../../../src/trajectories/query/arrow-rows.js';
import type { Column } from '../../../src/trajectories/query/trajectory-columns.js';
import { filterPredicate } from '../../../src/trajectories/query/trajectory-filter.baseline.js';
import {
  filterSql,
  type TrajectoryCondition,
  type TrajectoryFilter,
} from '../../../src/trajectories/query/trajectory-filter.js';
import { hostileText } from '../../support/hostile-text.js';
import { makeRow, openTables, type RowMade } from '../stored-rows.js';

const seed = 5;
const columns: Column[] = [
  ...(['trajectory_id', 'data_id', 'agent_name', 'training_id', 'question', 'termination_reason', 'tags'] as const),
  ...(['reward', 'toolcall_reward', 'res_reward', 'exec_time', 'step_count', 'epoch_id'] as const),
  ...(['is_bookmarked', 'is_success'] as const),
];
const number = fc.constantFrom(-1, -0, 0, 5e-324, 0.1, 0.5, 1 / 3, 1, 2, 2.5, 1e308);
const whole = fc.constantFrom(-(2 ** 31), -1, 0, 1, 2, 3, 2 ** 31 - 1);
const anyBound = fc.oneof(number, whole, fc.constantFrom(-1e300, 1e300, 3e9, -3e9, 2.5, 1.5));

const hostileRow: fc.Arbitrary<RowMade> = fc
  .record({
    trajectory_id: hostileText,
    data_id: hostileText,
    agent_name: hostileText,
    training_id: hostileText,
    question: hostileText,
    termination_reason: hostileText,
    tags: fc.array(hostileText, { maxLength: 3 }),
    reward: number,
    toolcall_reward: number,
    res_reward: number,
    exec_time: number,
    step_count: whole,
    epoch_id: whole,
    is_bookmarked: fc.boolean(),
    is_success: fc.boolean(),
  })
  .map((given) => makeRow(0, given));
const rows = fc.sample(hostileRow, { numRuns: 250, seed }).map((row, i) => ({ ...row, seq: i }));

/** Texts as they are stored, parts of them, and texts that no row has. */
const wantedText = fc.oneof(
  hostileText,
  fc.constantFrom(...rows.flatMap((row) => [row.trajectory_id, row.question, row.agent_name, ...row.tags])),
);
const patternText = fc.array(fc.oneof(wantedText, fc.constant('*')), { maxLength: 4 }).map((parts) => parts.join(''));
const bounds = fc.record({ min: anyBound, max: anyBound }, { requiredKeys: [] });
const condition: fc.Arbitrary<TrajectoryCondition> = fc.oneof(
  fc.record({
    test: fc.constant('matches' as const),
    column: fc.constantFrom('trajectory_id', 'data_id', 'agent_name', 'training_id'),
    text: patternText,
  }),
  fc.record({
    test: fc.constant('contains' as const),
    columns: fc.constantFrom(['question' as const], ['trajectory_id' as const, 'data_id' as const]),
    text: wantedText,
  }),
  fc.record({
    test: fc.constant('one_of' as const),
    column: fc.constant('termination_reason' as const),
    texts: fc.array(wantedText, { minLength: 1, maxLength: 3 }),
  }),
  fc
    .tuple(fc.constantFrom('reward' as const, 'exec_time' as const), bounds)
    .map(([column, given]) => ({ test: 'between' as const, column, ...given })),
  fc
    .tuple(fc.constantFrom('step_count' as const, 'epoch_id' as const), bounds)
    .map(([column, given]) => ({ test: 'between_whole' as const, column, ...given })),
  fc.record({
    test: fc.constant('is' as const),
    column: fc.constantFrom('is_bookmarked', 'is_success'),
    value: fc.boolean(),
  }),
  fc.record({
    test: fc.constant('has_all' as const),
    column: fc.constant('tags' as const),
    texts: fc.array(wantedText, { minLength: 1, maxLength: 2 }),
  }),
);

async function selected(table: Table, filter: TrajectoryFilter): Promise<number[]> {
  const where = filterSql(filter);
  const query = table.query().select(['seq']);
  if (where !== undefined) query.where(where);
  const found = await query.toArrow();
  const seqs = Array.from({ length: found.numRows }, (_, i) => Number(found.getChild('seq')?.get(i)));
  expect(await table.countRows(where)).toBe(seqs.length);
  return seqs.sort((a, b) => a - b);
}

function predicted(filter: TrajectoryFilter): number[] {
  const passes = filterPredicate(filter);
  return rows.filter((row) => passes(row)).map((row) => row.seq);
}

describe.each(['without indexes', 'with indexes'])('%s', (state) => {
  let table: Table;
  beforeAll(async () => {
    ({ table } = await openTables(rows));
    if (state === 'without indexes') return;
    for (const column of ['trajectory_id', 'data_id', 'reward', 'step_count', 'exec_time']) {
      await createScalarIndex(table, { column, kind: 'btree' });
    }
    for (const column of ['agent_name', 'termination_reason', 'is_bookmarked', 'is_success']) {
      await createScalarIndex(table, { column, kind: 'bitmap' });
    }
  });

  test('the SQL text and the predicate let the same rows pass, whatever the texts', async () => {
    await fc.assert(
      fc.asyncProperty(condition, async (one) => {
        expect(await selected(table, [one])).toEqual(predicted([one]));
      }),
      { seed, numRuns: 250 },
    );
  }, 60_000);

  test('conditions combine', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(condition, { maxLength: 4 }), async (filter) => {
        expect(await selected(table, filter)).toEqual(predicted(filter));
      }),
      { seed, numRuns: 120 },
    );
  }, 60_000);
});

test('rows read back hold what was stored', async () => {
  const { table } = await openTables(rows.slice(0, 50));
  const stored = rowsOf(await table.query().select(columns).toArrow(), columns);
  expect(stored).toEqual(
    rows.slice(0, 50).map((row) => Object.fromEntries(columns.map((column) => [column, row[column]]))),
  );
});

test('a filter that lets everything pass has no SQL text', () => {
  expect(filterSql([])).toBeUndefined();
  expect(filterSql([{ test: 'matches', column: 'data_id', text: '**' }])).toBeUndefined();
  expect(filterSql([{ test: 'contains', columns: ['question'], text: '' }])).toBeUndefined();
  expect(filterSql([{ test: 'between', column: 'reward' }])).toBeUndefined();
});
