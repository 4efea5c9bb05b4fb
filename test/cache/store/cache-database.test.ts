import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { CacheDatabase, type StoredValue } from '../../../src/cache/store/cache-database.js';
import { temporaryFolder } from '../../support/folder.js';

const bounds = { maxBytes: 100 * 1024 * 1024, maxAgeMs: 30 * 24 * 3600 * 1000 };
const value = (key: string, more: Partial<StoredValue> = {}): StoredValue => ({
  category: 'results',
  key,
  value: Buffer.from(`value of ${key}`),
  expiresAt: null,
  isKept: false,
  ...more,
});
const textOf = (found: { value: Uint8Array } | undefined) => found && Buffer.from(found.value).toString('utf8');

describe('CacheDatabase', () => {
  it('keeps values by category and key over a restart, the newest of each key', async () => {
    const file = path.join(await temporaryFolder(), 'cache.db');
    const first = CacheDatabase.open(file, bounds);
    expect(first.found).toBe('nothing');
    first.database.set([value('a'), value('键'), value('a', { value: Buffer.from('newer') })]);
    first.database.set([value('a', { category: 'other' })]);
    first.database.close();
    const { database, found } = CacheDatabase.open(file, bounds);
    expect(found).toBe('ours');
    expect(textOf(database.get('results', 'a'))).toBe('newer');
    expect(textOf(database.get('results', '键'))).toBe('value of 键');
    expect(textOf(database.get('other', 'a'))).toBe('value of a');
    expect(database.get('other', '键')).toBeUndefined();
    database.clear('results');
    expect(database.state().entries).toBe(1);
    database.close();
  });

  it('keeps the values of a file from before there were checksums', async () => {
    const file = path.join(await temporaryFolder(), 'cache.db');
    const { database } = CacheDatabase.open(file, bounds);
    database.set([value('a', { isKept: true })]);
    database.close();
    const older = new Database(file);
    older.exec('ALTER TABLE entries DROP COLUMN checksum');
    older.exec('PRAGMA user_version = 1');
    older.close();
    const { database: again } = CacheDatabase.open(file, bounds);
    expect(textOf(again.get('results', 'a'))).toBe('value of a');
    again.set([value('b', { checksum: 7 })]);
    expect(again.get('results', 'b')?.checksum).toBe(7);
    again.drop('results', 'a');
    expect(again.get('results', 'a')).toBeUndefined();
    again.close();
  });

  it('forgets what has expired or was not used for long, and keeps what is kept for ever', async () => {
    let now = 1_000_000;
    const file = path.join(await temporaryFolder(), 'cache.db');
    const { database } = CacheDatabase.open(file, { ...bounds, maxAgeMs: 1000 }, () => now);
    database.set([
      value('short', { expiresAt: now + 10 }),
      value('used'),
      value('unused'),
      value('dear', { isKept: true }),
    ]);
    now += 10;
    expect(database.get('results', 'short')).toBeUndefined();
    now += 900;
    expect(database.get('results', 'used')).toBeDefined();
    now += 200;
    expect(database.cleanUp()).toBe(2);
    expect(database.get('results', 'unused')).toBeUndefined();
    expect(database.get('results', 'used')).toBeDefined();
    expect(database.get('results', 'dear')).toBeDefined();
    database.close();
  });

  it('stays within its size: what was used longest ago goes first, what is kept for ever last', async () => {
    let now = 0;
    const file = path.join(await temporaryFolder(), 'cache.db');
    const maxBytes = 1024 * 1024;
    const { database } = CacheDatabase.open(file, { ...bounds, maxBytes }, () => now++);
    const big = (key: string, isKept = false) => value(key, { value: Buffer.alloc(4000, key), isKept });
    database.set(Array.from({ length: 50 }, (_, index) => big(`dear${index}`, true)));
    database.set([big('loved')]);
    let evicted = 0;
    for (let batch = 0; batch < 20; batch++) {
      expect(database.get('results', 'loved')).toBeDefined();
      evicted += database.set(Array.from({ length: 50 }, (_, index) => big(`${batch} ${index}`)));
      expect(database.state().bytes).toBeLessThanOrEqual(maxBytes);
    }
    expect(evicted).toBeGreaterThan(500);
    expect(database.get('results', 'dear0')).toBeDefined();
    expect(database.get('results', '0 0')).toBeUndefined();
    database.cleanUp();
    expect(readFileSync(file).length).toBeLessThanOrEqual(maxBytes * 1.1);
    database.close();
  });

  it('sets a file aside that is no database, and begins anew', async () => {
    const file = path.join(await temporaryFolder(), 'cache.db');
    writeFileSync(file, 'notes of somebody, not a database at all');
    const { database, found } = CacheDatabase.open(file, bounds);
    expect(found).toBe('no_database');
    expect(readFileSync(`${file}.unreadable`, 'utf8')).toBe('notes of somebody, not a database at all');
    database.close();
  });

  it('leaves the database of another program as it is', async () => {
    const file = path.join(await temporaryFolder(), 'cache.db');
    const other = new Database(file);
    other.exec("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('one')");
    other.close();
    const before = readFileSync(file);
    expect(() => CacheDatabase.open(file, bounds)).toThrow(/the database of another program/);
    expect(readFileSync(file)).toEqual(before);
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});
