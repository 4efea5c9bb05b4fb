import { expect, test } from 'vitest';
import { createIndexSwitch, createScalarIndex, type Table, withIndexSwitch } from '../../src/lance/index.js';
import { makeRow, openTables } from '../trajectories/stored-rows.js';

const served = /ScalarIndexQuery/;

async function open(): Promise<{ table: Table; state: { isOn: boolean } }> {
  const { table } = await openTables(Array.from({ length: 40 }, (_, i) => makeRow(i, { notes: i % 2 ? 'odd' : '' })));
  await createScalarIndex(table, { column: 'trajectory_id', kind: 'btree' });
  await createScalarIndex(table, { column: 'reward', kind: 'btree' });
  const state = { isOn: true };
  return { table: withIndexSwitch(table, { isOn: () => state.isOn }), state };
}

test('a query is planned with an index while the switch is on, and without one from then on', async () => {
  const { table, state } = await open();
  const plan = () => table.query().where("trajectory_id = 't-00003'").select(['seq']).explainPlan();
  expect(await plan()).toMatch(served);
  state.isOn = false;
  expect(await plan()).not.toMatch(served);
  state.isOn = true;
  expect(await plan()).toMatch(served);
});

test('conditions mean the same either way', async () => {
  const { table, state } = await open();
  const conditions = [
    "trajectory_id IN ('t-00001', 'none')",
    'reward >= 5e-1',
    "NOT (notes = 'odd')",
    'false',
    'seq < 4 OR seq > 38',
  ];
  const answers = async () => {
    const found = conditions.map((where) =>
      Promise.all([table.query().where(where).toArray(), table.countRows(where)]),
    );
    return (await Promise.all(found)).map(([rows, count]) => [rows.map(({ seq }) => seq).sort(), count]);
  };
  const before = await answers();
  state.isOn = false;
  expect(await answers()).toEqual(before);
  expect(await table.countRows()).toBe(40);
});

test('updates, deletions and merges reach the same rows', async () => {
  const { table, state } = await open();
  state.isOn = false;
  expect((await table.update({ where: 'reward >= 5e-1', values: { notes: 'good' } })).rowsUpdated).toBe(
    await table.countRows("notes = 'good'"),
  );
  await table.update({ notes: "'third'" }, { where: "trajectory_id = 't-00003'" });
  expect(await table.countRows("notes = 'third'")).toBe(1);
  expect((await table.delete("trajectory_id = 't-00004'")).numDeletedRows).toBe(1);
  const merge = table.mergeInsert('trajectory_id').whenMatchedUpdateAll().whenNotMatchedInsertAll();
  await merge.execute([makeRow(5, { notes: 'merged' }), makeRow(99)]);
  expect(await table.countRows()).toBe(40);
  expect(await table.countRows("notes = 'merged'")).toBe(1);
});

test('a switch tells each of its turnings by another number', () => {
  let isOn = true;
  const indexes = createIndexSwitch(() => isOn);
  const first = indexes.generation();
  expect(indexes.generation()).toBe(first);
  isOn = false;
  expect(indexes.isOn()).toBe(false);
  const second = indexes.generation();
  isOn = true;
  expect(new Set([first, second, indexes.generation()]).size).toBe(3);
});
