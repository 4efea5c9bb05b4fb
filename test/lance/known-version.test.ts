import { Field, Int32, Schema, Utf8 } from 'apache-arrow';
import { expect, test } from 'vitest';
import {
  askVersion,
  createScalarIndex,
  knownVersion,
  openDatabase,
  optimizeTable,
  rememberVersion,
  type Table,
} from '../../src/lance/index.js';
import { suiteFolder } from '../trajectories/stored-rows.js';

const schema = new Schema([new Field('n', new Int32(), false), new Field('text', new Utf8(), false)]);

async function open(): Promise<{ table: Table; other: Table }> {
  const database = await openDatabase(await suiteFolder());
  const table = rememberVersion(await database.openTable('numbers', schema));
  await table.add([{ n: 1, text: 'a' }]);
  return { table, other: await database.openTable('numbers', schema) };
}

test('a version that was asked for is known, and reading leaves it so', async () => {
  const { table } = await open();
  expect(knownVersion(table)).toBeUndefined();
  const version = await askVersion(table);
  expect(knownVersion(table)).toBe(version);
  const ids = (await table.query().where('n = 1').select(['n']).withRowId().toArrow()).getChild('_rowid')?.toArray();
  await table.takeRowIds([...(ids as BigUint64Array)]).toArrow();
  await Promise.all([table.countRows(), table.schema(), table.listIndices(), table.stats(), table.version()]);
  expect(knownVersion(table)).toBe(version);
});

test.each<[string, (table: Table, other: Table) => Promise<unknown>]>([
  ['add', (table) => table.add([{ n: 2, text: 'b' }])],
  ['update', (table) => table.update({ where: 'n = 1', values: { text: 'c' } })],
  ['delete', (table) => table.delete('n = 1')],
  [
    'merge',
    (table) =>
      table
        .mergeInsert('n')
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute([{ n: 9, text: 'z' }]),
  ],
  ['index', (table) => createScalarIndex(table, { column: 'n', kind: 'btree' })],
  ['optimize', (table) => table.add([{ n: 3, text: '' }]).then(() => optimizeTable(table, 0))],
  ['checkout', (table) => table.checkout(1).then(() => table.checkoutLatest())],
  ['checkoutLatest', (table, other) => other.add([{ n: 4, text: '' }]).then(() => table.checkoutLatest())],
])('%s makes it unknown at once, and what is asked afterwards is right', async (_, move) => {
  const { table, other } = await open();
  await askVersion(table);
  const moving = move(table, other);
  const meanwhile = askVersion(table);
  await moving;
  await meanwhile;
  expect([undefined, await table.version()]).toContain(knownVersion(table));
  expect(await askVersion(table)).toBe(await table.version());
  expect(knownVersion(table)).toBe(await table.version());
});

test('a write that fails makes it unknown too, and other handles do not move with it', async () => {
  const { table, other } = await open();
  const version = await askVersion(table);
  await other.add([{ n: 5, text: '' }]);
  expect([knownVersion(table), await table.version()]).toEqual([version, version]);
  await expect(table.update({ where: 'nothing = 1', values: { text: '' } })).rejects.toThrow();
  expect(knownVersion(table)).toBeUndefined();
  expect(knownVersion(other)).toBeUndefined();
});
