import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { measureRecords, openLargestRecord } from '../../../src/trajectories/store/largest-record.js';
import { largestRecordFile } from '../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../support/folder.js';
import { makeRow, openTables } from '../stored-rows.js';

const kib = 1024;
const atOnce = (work: () => Promise<void>) => work();
const open = () => false;
const big = (i: number, bytes: number) => makeRow(i, { record_json: JSON.stringify({ blob: 'x'.repeat(bytes) }) });

test('it only rises, by powers of two, and is seen by whoever reads it', async () => {
  const folder = await temporaryFolder();
  const [one, other] = [openLargestRecord(folder), openLargestRecord(folder)];
  await one.complete(0);
  expect(other.bytes()).toBe(64 * kib);
  await other.raise(100 * kib);
  expect(one.bytes()).toBe(128 * kib);
  await one.raise(10);
  await one.complete(10);
  expect(other.bytes()).toBe(128 * kib);
  // The end of a record is added to its text when it is stored.
  await one.raise(128 * kib);
  expect(other.bytes()).toBe(256 * kib);
});

test('a table that was filled before is read through once; until then nothing is known', async () => {
  const folder = await temporaryFolder();
  const { table, database } = await openTables([makeRow(0), big(1, 200 * kib), makeRow(2)], 1, folder);
  const largest = openLargestRecord(folder);
  await largest.raise(90 * kib);
  expect(largest.bytes()).toBeUndefined();
  await measureRecords(table, largest, atOnce, () => true);
  expect(largest.bytes()).toBeUndefined();
  await measureRecords(table, largest, atOnce, open);
  expect(largest.bytes()).toBe(256 * kib);
  await table.add([big(3, 600 * kib)]);
  await measureRecords(table, largest, atOnce, open);
  expect(largest.bytes()).toBe(256 * kib);
  table.close();
  database.close();
});

test('a record that is stored while the table is read through counts, whoever is faster', async () => {
  const folder = await temporaryFolder();
  const { table, database } = await openTables([makeRow(0)], 1, folder);
  const largest = openLargestRecord(folder);
  let turns = 0;
  const between = async (work: () => Promise<void>) => {
    if (turns++ === 1) await largest.raise(500 * kib);
    await work();
  };
  await measureRecords(table, largest, between, open);
  expect([turns, largest.bytes()]).toEqual([2, 512 * kib]);
  table.close();
  database.close();
});

test('a damaged file tells nothing and is made anew; one that cannot be written fails the write that needs it', async () => {
  const folder = await temporaryFolder();
  const file = path.join(folder, largestRecordFile);
  const { table, database } = await openTables([big(0, 300 * kib)], 1, folder);
  const largest = openLargestRecord(folder);
  for (const damaged of ['', '{"bytes":1', '{"bytes":-1,"complete":true}', '[]']) {
    await writeFile(file, damaged);
    expect(largest.bytes()).toBeUndefined();
  }
  await measureRecords(table, largest, atOnce, open);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ bytes: 512 * kib, complete: true });
  table.close();
  database.close();
  await expect(openLargestRecord(path.join(folder, 'missing')).raise(1)).rejects.toThrow('ENOENT');
});
