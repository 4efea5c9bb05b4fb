import path from 'node:path';
import { Field, Int32, Schema } from 'apache-arrow';
import { expect, test } from 'vitest';
import { openDatabase, optimizeTable } from '../../src/lance/index.js';
import { suiteFolder } from '../trajectories/stored-rows.js';

const schema = new Schema([new Field('n', new Int32(), false)]);

test('a version keeps its print for whoever opens the table, and shares it with no other', async () => {
  const folder = await suiteFolder();
  const database = await openDatabase(folder);
  const table = await database.openTable('numbers', schema);
  await table.add([{ n: 1 }]);
  await table.add([{ n: 1 }]);
  const version = await table.version();
  const prints = await Promise.all([version - 1, version].map((one) => database.versionPrint('numbers', one)));
  expect(new Set(prints).size).toBe(2);
  expect(prints).not.toContain(undefined);
  const other = await openDatabase(folder);
  expect(await other.versionPrint('numbers', version)).toBe(prints[1]);

  const twin = await openDatabase(path.join(folder, 'twin'));
  const same = await twin.openTable('numbers', schema);
  await same.add([{ n: 1 }]);
  await same.add([{ n: 1 }]);
  expect(await twin.versionPrint('numbers', version)).not.toBe(prints[1]);
});

test('a version that is not there has none', async () => {
  const database = await openDatabase(await suiteFolder());
  const table = await database.openTable('numbers', schema);
  await table.add([{ n: 1 }]);
  const before = await table.version();
  await table.add([{ n: 2 }]);
  await optimizeTable(table, 0);
  expect(await database.versionPrint('numbers', before)).toBeUndefined();
  expect(await database.versionPrint('numbers', 999)).toBeUndefined();
  expect(await database.versionPrint('missing', 1)).toBeUndefined();
});
