import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'libsql';
import { afterEach, describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../../src/cache/events.js';
import { type CacheStore, openCacheStore } from '../../../src/cache/store/cache-store.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';

const settings = { max_bytes: 64 * 1024 * 1024, max_age_days: 30, cleanup_seconds: 3600 };
const open: CacheStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

async function storeAt(file: string) {
  const flag = fixedOptimization(true, settings);
  const events: CacheEvent[] = [];
  const store = openCacheStore({ file, flag, patienceMs: 10_000, onEvent: (event) => void events.push(event) });
  open.push(store);
  return { store, flag, events };
}
const fileName = async () => path.join(await temporaryFolder(), 'cache.db');
const put = (store: CacheStore, key: string, text = key) =>
  store.set({ category: 'c', key, value: Buffer.from(text), expiresAt: null, isKept: false });
const find = async (store: CacheStore, key: string) => {
  const found = await store.get('c', key);
  return found && Buffer.from(found.value).toString('utf8');
};

describe('openCacheStore', () => {
  it('finds a value at once, and after a restart', async () => {
    const file = await fileName();
    const { store, events } = await storeAt(file);
    put(store, 'a', '答案');
    expect(await find(store, 'a')).toBe('答案');
    await store.close();
    expect(events).toContainEqual({ type: 'file_written', values: 1, bytes: 6 });
    const { store: again, events: later } = await storeAt(file);
    expect(await Promise.all([find(again, 'a'), find(again, 'b')])).toEqual(['答案', undefined]);
    expect(later.filter(({ type }) => type === 'file_asked')).toHaveLength(1);
  });

  it('drops a category, what waits to be written included', async () => {
    const { store } = await storeAt(await fileName());
    put(store, 'a');
    await store.clear('c');
    expect(await find(store, 'a')).toBeUndefined();
    put(store, 'a', 'later');
    expect(await find(store, 'a')).toBe('later');
  });

  it('never gives a value that is not what was written: it is told, and the value goes', async () => {
    const file = await fileName();
    const { store } = await storeAt(file);
    for (const key of ['a', 'b', 'c']) put(store, key, `value of ${key}`);
    await store.close();
    const database = new Database(file);
    database.exec("UPDATE entries SET value = CAST('value of z' AS BLOB) WHERE key = 'a'");
    // As a version without checksums has written it.
    database.exec("UPDATE entries SET checksum = NULL WHERE key = 'c'");
    database.close();
    const { store: again, flag } = await storeAt(file);
    const checked: (string | undefined)[] = [];
    flag.checked = (difference) => void checked.push(difference);
    expect(await Promise.all(['a', 'b', 'c'].map((key) => find(again, key)))).toEqual([
      undefined,
      'value of b',
      'value of c',
    ]);
    expect(checked).toEqual(['c: 10 bytes that are not what was written', undefined]);
    expect(await find(again, 'a')).toBeUndefined();
    expect(checked).toHaveLength(2);
  });

  it('does nothing while its flag is off, and knows its values when it is on again', async () => {
    const { store, flag } = await storeAt(await fileName());
    put(store, 'a');
    expect(await find(store, 'a')).toBe('a');
    await store.clear('other');
    flag.enabled = false;
    expect(store.statistics().entries).toBe(0);
    put(store, 'b');
    flag.enabled = true;
    expect(await find(store, 'b')).toBeUndefined();
  });

  it('answers "not there" and says so once when the file belongs to another program', async () => {
    const file = await fileName();
    const other = new Database(file);
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    const { store, flag, events } = await storeAt(file);
    await store.clear('c');
    expect(await find(store, 'a')).toBeUndefined();
    put(store, 'a');
    expect(await find(store, 'a')).toBeUndefined();
    expect(flag.failures).toHaveLength(1);
    expect(events).toContainEqual({ type: 'file_recovered', outcome: 'left_alone' });
  });

  it('goes on without a file where there can be none', async () => {
    const { store, flag } = await storeAt(path.join(await temporaryFolder(), 'missing', 'cache.db'));
    await store.clear('c');
    expect(await find(store, 'a')).toBeUndefined();
    expect(flag.failures).toHaveLength(1);
  });

  it.each([
    ['overwritten in the middle', (bytes: Buffer) => bytes.fill(0xa5, 4096, 60_000)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 5000)],
    ['cut inside its header', (bytes: Buffer) => bytes.subarray(0, 50)],
  ])('begins a new file when its own is %s', async (_, damage) => {
    const file = await fileName();
    const { store: before } = await storeAt(file);
    for (let index = 0; index < 500; index++) put(before, `k${index}`, `value ${index} `.repeat(20));
    await before.close();
    writeFileSync(file, damage(readFileSync(file)));
    const { store, events } = await storeAt(file);
    for (let index = 0; index < 500; index++) await store.get('c', `k${index}`);
    put(store, 'a', 'after');
    await store.clear('other');
    await store.close();
    expect(events.filter(({ type }) => type === 'file_recovered')).toHaveLength(1);
    const { store: again } = await storeAt(file);
    expect(await find(again, 'a')).toBe('after');
  });

  it('sets a file aside that is none, and says so', async () => {
    const file = await fileName();
    writeFileSync(file, Buffer.alloc(10_000, 7));
    const { store, events } = await storeAt(file);
    put(store, 'a');
    expect(await find(store, 'a')).toBe('a');
    await store.close();
    expect(events).toContainEqual({ type: 'file_recovered', outcome: 'set_aside' });
  });

  it('reads on while another connection writes, and while the file is deleted under it', async () => {
    const file = await fileName();
    const { store: before } = await storeAt(file);
    put(before, 'a');
    await before.close();
    const { store } = await storeAt(file);
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    expect(await find(store, 'nothing')).toBeUndefined();
    expect(await find(store, 'a')).toBe('a');
    other.exec('ROLLBACK');
    other.close();
    rmSync(file);
    expect(await find(store, 'nothing')).toBeUndefined();
  });
});
