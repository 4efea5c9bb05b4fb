import fc from 'fast-check';
import { expect, test } from 'vitest';
import { neededColumns, rowText } from '../../../src/trajectories/query/row-text.js';
import type { TrajectoryRow } from '../../../src/trajectories/query/trajectory-columns.js';
import { overlaidFields } from '../../../src/trajectories/trajectory-schema.js';
import { hostileText } from '../../support/hostile-text.js';
import { listed, makeRow, type RowMade } from '../stored-rows.js';

/** The row as a reader gives it. */
const read = (row: RowMade): TrajectoryRow => ({ ...row, record_json: Buffer.from(row.record_json) });

test('a row is its stored text with the mutable and derived fields at the end, each once', () => {
  const texts = { notes: hostileText, data_id: hostileText, trajectory_id: hostileText, tags: fc.array(hostileText) };
  const note = fc.record({ category: hostileText, rootCause: hostileText });
  fc.assert(
    fc.property(fc.nat(1000), fc.record(texts), note, (i, given, noted) => {
      const row = makeRow(i, given);
      const text = String(rowText(read(row), noted));
      expect(JSON.parse(text)).toEqual(listed(row, noted));
      expect(text.startsWith(row.record_json.slice(0, -1))).toBe(true);
    }),
    { seed: 3 },
  );
});

test('what the text adds is exactly what a stored record leaves out', () => {
  const added = Object.keys(JSON.parse(String(rowText(read({ ...makeRow(1), record_json: '{}' })))) as object);
  expect(added.sort()).toEqual([...overlaidFields].sort());
});

test('a row without analysis has empty category and root cause', () => {
  expect(JSON.parse(String(rowText(read(makeRow(2)))))).toMatchObject({ category: '', rootCause: '' });
});

test('narrowed rows hold the fields asked for, in that order, as the whole row has them', () => {
  const row = makeRow(5, { tags: ['a', "b'"], notes: 'n' });
  const whole = listed(row, { category: 'c', rootCause: 'r' });
  const names = [...Object.keys(whole), 'no_such_field', 'question'];
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), (fields) => {
      const { columns } = neededColumns(fields);
      const narrowed = Object.fromEntries(columns.map((column) => [column, read(row)[column]]));
      const narrow = rowText(narrowed, { category: 'c', rootCause: 'r' }, fields);
      const expected = fields.filter((field) => field in whole).map((field) => [field, whole[field]]);
      expect(Object.entries(JSON.parse(String(narrow)) as object)).toEqual(expected);
    }),
    { seed: 4 },
  );
});

test('narrow rows are read without the record where columns suffice, and without analysis where none is shown', () => {
  expect(neededColumns(['trajectory_id', 'isSuccess', 'questionId', 'tags'])).toEqual({
    columns: ['trajectory_id', 'is_success', 'data_id', 'tags'],
    notes: false,
  });
  expect(neededColumns(['category'])).toEqual({ columns: ['trajectory_id'], notes: true });
  expect(neededColumns(['steps', 'task'])).toEqual({ columns: ['record_json'], notes: false });
  expect(neededColumns(undefined)).toMatchObject({ notes: true });
});
