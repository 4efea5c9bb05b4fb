import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Field, Float64, Schema, Utf8 } from 'apache-arrow';
import { expect, test } from 'vitest';
import {
  createScalarIndex,
  openDatabase,
  optimizeTable,
  readFresh,
  retryOnConflict,
  type ScalarIndex,
  tableCondition,
} from '../../src/lance/index.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folder.js';

const schema = new Schema([new Field('id', new Utf8(), false), new Field('value', new Float64(), false)]);
const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `r${from + i}`, value: from + i }));

test('a table is created once and keeps its rows', async () => {
  const folder = path.join(await temporaryFolder(), 'not', 'there', 'yet');
  const database = await openDatabase(folder);
  const table = await database.openTable('t', schema);
  await table.add(rows(0, 3));
  const again = await database.openTable('t', schema);
  expect(await again.countRows()).toBe(3);
  database.close();
});

test('a table that several openers create at once is one table, and keeps what each adds', async () => {
  for (let round = 0; round < 5; round++) {
    const folder = await temporaryFolder();
    const databases = await Promise.all([0, 1, 2].map(() => openDatabase(folder)));
    const tables = await Promise.all(
      databases.map(async (database, i) => {
        const table = await database.openTable('t', schema);
        await table.add(rows(10 * i, 5));
        return table;
      }),
    );
    await tables[0]!.checkoutLatest();
    expect(await tables[0]!.countRows()).toBe(15);
    expect(await readdir(folder)).toEqual(['t.lance']);
  }
});

test('a relative path is refused', async () => {
  await expect(openDatabase('db_relative')).rejects.toThrow('expected an absolute path');
});

test('a stored table that lacks a column is named with the column', async () => {
  const database = await openDatabase(await temporaryFolder());
  await database.openTable('t', new Schema(schema.fields.slice(0, 1)));
  await expect(database.openTable('t', schema)).rejects.toThrow('table "t": expected the columns value');
});

test('each commit is fsynced once, whoever made it', async () => {
  const folder = await temporaryFolder();
  const database = await openDatabase(folder);
  const table = await database.openTable('t', schema);
  const first = await database.syncTable('t');
  expect(first).toBeGreaterThanOrEqual(2);
  const quiet = await database.syncTable('t');
  expect(quiet).toBeLessThanOrEqual(1);

  const other = await (await openDatabase(folder)).openTable('t', schema);
  await other.add(rows(0, 2));
  await table.checkoutLatest();
  await table.add(rows(2, 2));
  const added = await database.syncTable('t');
  expect(added).toBeGreaterThanOrEqual(6);
  expect(await database.syncTable('t')).toBe(quiet);
});

test('callers that come during a walk share the next one, and a failed walk is followed by a good one', async () => {
  const folder = await temporaryFolder();
  const database = await openDatabase(folder);
  await database.openTable('t', schema);
  const [first, ...shared] = await Promise.all(Array.from({ length: 5 }, () => database.syncTable('t')));
  expect(first).toBeGreaterThan(shared[0]!);
  expect(new Set(shared).size).toBe(1);

  await rm(path.join(folder, 't.lance'), { recursive: true });
  await expect(database.syncTable('t')).rejects.toThrow('ENOENT');
  await mkdir(path.join(folder, 't.lance'));
  await writeFile(path.join(folder, 't.lance', 'x.lance'), 'x');
  expect(await database.syncTable('t')).toBe(1);
});

test('a handle whose version was cleaned away reads again', async () => {
  const folder = await temporaryFolder();
  const table = await (await openDatabase(folder)).openTable('t', schema);
  await table.add(rows(0, 10));
  const stale = await (await openDatabase(folder)).openTable('t', schema);
  for (let i = 1; i < 5; i++) await table.add(rows(10 * i, 10));
  await eventually(async () => {
    await optimizeTable(table, 0);
    expect(await table.listVersions()).toHaveLength(1);
  });
  await expect(stale.countRows('value >= 0')).rejects.toThrow(/not found/i);
  expect(await readFresh(stale, () => stale.countRows('value >= 0'))).toBe(50);
  const total = await readFresh(stale, async () => (await stale.query().select(['id']).toArrow()).numRows);
  expect(total).toBe(50);
});

test('a read that fails for another reason is not repeated', async () => {
  const table = await (await openDatabase(await temporaryFolder())).openTable('t', schema);
  let reads = 0;
  const broken = readFresh(table, async () => {
    reads += 1;
    throw new Error('disk on fire');
  });
  await expect(broken).rejects.toThrow('disk on fire');
  expect(reads).toBe(1);
});

test('a displaced commit is repeated, five times at most', async () => {
  let tries = 0;
  const displaced = async () => {
    tries += 1;
    throw new Error('Retryable commit conflict for version 7');
  };
  await expect(retryOnConflict(displaced)).rejects.toThrow('commit conflict');
  expect(tries).toBe(5);
  expect(await retryOnConflict(async () => (tries++ < 7 ? displaced() : 'done'))).toBe('done');
  await expect(retryOnConflict(async () => Promise.reject(new Error('other')))).rejects.toThrow('other');
});

test('the condition of a table names missing indexes, unindexed rows and scattered data', async () => {
  const wanted: ScalarIndex[] = [
    { column: 'id', kind: 'btree' },
    { column: 'value', kind: 'btree' },
  ];
  const table = await (await openDatabase(await temporaryFolder())).openTable('t', schema);
  expect(await tableCondition(table, wanted)).toMatchObject({ rows: 0, missing: wanted, unindexedRatio: 0 });
  await table.add(rows(0, 30));
  await createScalarIndex(table, wanted[0]!);
  await table.add(rows(30, 10));
  const before = await tableCondition(table, wanted);
  expect(before).toMatchObject({ rows: 40, missing: [wanted[1]], unindexedRatio: 0.25, scatteredRatio: 0.25 });
  await createScalarIndex(table, wanted[1]!);
  await optimizeTable(table, 60_000);
  const after = await tableCondition(table, wanted);
  expect(after).toMatchObject({ rows: 40, missing: [], unindexedRatio: 0 });
  await optimizeTable(table, 60_000);
  expect(await tableCondition(table, wanted)).toMatchObject({ scatteredRatio: 0, fragments: 1 });
});
