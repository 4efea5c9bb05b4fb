import { beforeAll, describe, expect, it } from 'vitest';
import { createScalarIndex, type Table } from '../../../../src/lance/index.js';
import { createBaselineAnalysisLookup } from '../../../../src/trajectories/analysis/analysis-lookup.baseline.js';
import { createLookAtVersion } from '../../../../src/trajectories/query/comparing/look-at-version.js';
import { createLookLookup } from '../../../../src/trajectories/query/comparing/look-lookup.js';
import { createLookReader } from '../../../../src/trajectories/query/comparing/look-reader.js';
import type { PageQuery } from '../../../../src/trajectories/query/page-query.js';
import { type Column, sortableColumns } from '../../../../src/trajectories/query/trajectory-columns.js';
import { createBaselineReader } from '../../../../src/trajectories/query/trajectory-reader.baseline.js';
import { tableNames, trajectorySchema } from '../../../../src/trajectories/trajectory-schema.js';
import { makeRow, openTables } from '../../stored-rows.js';

const rows = Array.from({ length: 400 }, (_, i) => makeRow(i));
const whole = [...sortableColumns, 'tags', 'record_json'] as const satisfies readonly Column[];
const all: PageQuery = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 20 };
const queries: Record<string, PageQuery> = {
  'the newest': all,
  'a later page, the other way round': { ...all, page: 3, pageSize: 50, order: 'asc' },
  'a filter on text': { ...all, filter: [{ test: 'matches', column: 'agent_name', text: 'Agent*' }], sortBy: 'reward' },
  'a filter on several columns': {
    ...all,
    filter: [{ test: 'contains', columns: ['trajectory_id', 'question'], text: '第3' }],
    sortBy: 'question',
  },
  'filters on numbers, truth and tags': {
    ...all,
    filter: [
      { test: 'between', column: 'reward', min: 0 },
      { test: 'between_whole', column: 'step_count', max: 4 },
      { test: 'is', column: 'is_success', value: true },
      { test: 'has_all', column: 'tags', texts: ['easy'] },
      { test: 'one_of', column: 'termination_reason', texts: ['finished', 'failed'] },
    ],
  },
  'the start of a walk': { ...all, walk: {} },
  'the middle of a walk': { ...all, sortBy: 'reward', walk: { after: { value: 0.5, seq: 60 } } },
  'nothing at all': { ...all, page: 99 },
};

let table: Table;
beforeAll(async () => {
  ({ table } = await openTables(rows));
});

it('a look at an earlier version gives what the table held then, and nothing of a version that there is not', async () => {
  const { table: own, database } = await openTables(rows.slice(0, 50));
  const lookAt = createLookAtVersion(
    () => database.openTable(tableNames.trajectories, trajectorySchema),
    createLookReader,
  );
  const version = await own.version();
  const query = queries['a filter on text']!;
  const before = await createBaselineReader(own).list(query, whole);
  await own.delete('seq < 20');
  await own.update({ where: 'seq = 30', values: { reward: 9 } });
  expect(await lookAt(version, (reader) => reader.list(query, whole))).toEqual(before);
  expect(await lookAt(await own.version(), (reader) => reader.list(query, whole))).toEqual(
    await createBaselineReader(own).list(query, whole),
  );
  expect(await lookAt(999, (reader) => reader.list(query, whole))).toBeUndefined();
});

it('a look at analysis rows gives what the original way gives, with an index and without', async () => {
  const { analysis } = await openTables([]);
  const note = { is_success: true, root_cause: 'x', suggestion: '', updated_at: 1 };
  await analysis.add(
    Array.from({ length: 50 }, (_, i) => ({ ...note, trajectory_id: `t-${i}`, category: `类别${i}` })),
  );
  const [look, original] = [createLookLookup(analysis), createBaselineAnalysisLookup(analysis)];
  for (const ids of [['t-3', "t-'", 't-49', 'none'], ['none'], []])
    expect(await look(ids)).toEqual(await original(ids));
  await createScalarIndex(analysis, { column: 'trajectory_id', kind: 'btree' });
  expect(await look(['t-3'])).toEqual(new Map([['t-3', { category: '类别3', rootCause: 'x' }]]));
});

describe('a look', () => {
  it.each(Object.entries(queries))('gives what the original way gives: %s', async (_, query) => {
    for (const columns of [whole, ['trajectory_id', 'tags']] as const) {
      const [look, original] = await Promise.all(
        [createLookReader(table), createBaselineReader(table)].map((reader) => reader.list(query, columns)),
      );
      expect(look).toEqual(original);
    }
  });

  it('finds one record, and a value where a walk stands, or neither', async () => {
    const [look, original] = [createLookReader(table), createBaselineReader(table)];
    for (const id of ['t-00007', 'none']) expect(await look.get(id, whole)).toEqual(await original.get(id, whole));
    expect(await look.valueAt(8, 'question')).toBe(await original.valueAt(8, 'question'));
    expect(await look.valueAt(-1, 'question')).toBeUndefined();
  });
});
