import type * as lancedb from '@lancedb/lancedb';
import { Field, Float64, Schema } from 'apache-arrow';
import { expect, test, vi } from 'vitest';
import { openDatabase, writerCaches } from '../../src/lance/index.js';
import { temporaryFolder } from '../support/folder.js';

const given = vi.hoisted(() => [] as unknown[][]);
vi.mock('@lancedb/lancedb', async (importOriginal) => {
  const real = await importOriginal<typeof lancedb>();
  const connect = (...parameters: Parameters<typeof real.connect>) => {
    given.push(parameters);
    return real.connect(...parameters);
  };
  return { ...real, connect };
});

const optionsOf = (folder: string) => given.find(([uri]) => uri === folder)?.[1];
const sessionOf = (folder: string) => (optionsOf(folder) as { session: lancedb.Session }).session;

const schema = new Schema([new Field('value', new Float64(), false)]);

test('what a connection keeps in memory stays within its limits, however many versions it has seen', async () => {
  const folder = await temporaryFolder();
  const caches = { indexBytes: 1024 * 1024, metadataBytes: 64 * 1024 };
  const database = await openDatabase(folder, { caches });
  const session = sessionOf(folder);
  const table = await database.openTable('t', schema);
  for (let i = 0; i < 60; i++) {
    await table.add([{ value: i }]);
    await table.query().toArray();
  }
  // Something is kept there: a session that the database did not use would have nothing.
  expect(session.approxNumItems()).toBeGreaterThan(0);
  // What it is made of has a size too.
  expect(Number(session.sizeBytes())).toBeLessThan(caches.indexBytes + caches.metadataBytes + 64 * 1024);
  expect(await table.countRows()).toBe(60);
  table.close();
  database.close();
});

test('writers keep less than readers, who have limits too', async () => {
  const [reading, writing] = [await temporaryFolder(), await temporaryFolder()];
  (await openDatabase(reading)).close();
  (await openDatabase(writing, { caches: writerCaches })).close();
  for (const folder of [reading, writing]) expect(given.find(([uri]) => uri === folder)?.[1]).toHaveProperty('session');
  expect(writerCaches.metadataBytes).toBeLessThanOrEqual(16 * 1024 ** 2);
});
