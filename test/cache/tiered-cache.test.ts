import { describe, expect, it } from 'vitest';
import type { CacheEvent } from '../../src/cache/events.js';
import type { StoredValue } from '../../src/cache/store/cache-database.js';
import type { CacheStore } from '../../src/cache/store/cache-store.js';
import { createTieredCache, type TieredCacheOptions } from '../../src/cache/tiered-cache.js';

interface Result {
  text: string;
}

function memoryStore() {
  const held = new Map<string, StoredValue>();
  const store: CacheStore = {
    get: async (category, key) => held.get(`${category} ${key}`),
    set: (value) => void held.set(`${value.category} ${value.key}`, value),
    clear: async () => held.clear(),
    statistics: () => ({ entries: held.size, bytes: 0, maxBytes: 0 }),
    close: async () => {},
  };
  return { store, held };
}

function cacheWith(more: Partial<TieredCacheOptions<Result>> = {}) {
  const tiers: string[] = [];
  let now = 1_000_000;
  const pass = (ms: number) => {
    now += ms;
  };
  const cache = createTieredCache<Result>({
    name: 'results',
    maxEntries: 10,
    maxBytes: 10_000,
    ttlMs: 1000,
    encode: ({ text }) => Buffer.from(text),
    decode: (bytes) => {
      const text = Buffer.from(bytes).toString('utf8');
      if (text === 'spoiled') throw new Error('spoiled');
      return { text };
    },
    now: () => now,
    onEvent(event: CacheEvent) {
      if (event.type === 'asked') tiers.push(event.tier);
    },
    ...more,
  });
  return { cache, tiers, pass };
}

describe('createTieredCache', () => {
  it('asks memory, then the file, then whoever makes it, and says which it was', async () => {
    const { store } = memoryStore();
    const file = { store, ttlMs: null };
    const { cache, tiers } = cacheWith({ file });
    expect(await cache.getOrMake('a', async () => ({ text: '一' }))).toEqual({ value: { text: '一' }, isHit: false });
    expect(await cache.getOrMake('a', async () => ({ text: 'other' }))).toEqual({ value: { text: '一' }, isHit: true });
    const { cache: restarted, tiers: later } = cacheWith({ file });
    expect(await restarted.get('a')).toEqual({ text: '一' });
    expect(await restarted.get('a')).toEqual({ text: '一' });
    expect([tiers, later]).toEqual([
      ['none', 'l1'],
      ['l2', 'l1'],
    ]);
    expect(restarted.statistics()).toMatchObject({ entries: 1, hits: 2, misses: 0 });
  });

  it('makes equal keys once at a time, and keeps no failure', async () => {
    const { cache } = cacheWith();
    let made = 0;
    const make = async () => {
      made++;
      if (made === 1) throw new Error('down');
      return { text: 'x' };
    };
    const both = await Promise.allSettled([cache.getOrMake('a', make), cache.getOrMake('a', make)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(made).toBe(1);
    expect((await cache.getOrMake('a', make)).value).toEqual({ text: 'x' });
  });

  it('forgets after its time in memory, and asks the file then', async () => {
    const { store, held } = memoryStore();
    const { cache, tiers, pass } = cacheWith({ file: { store, ttlMs: 5000 } });
    cache.set('a', { text: 'x' });
    expect([...held.values()][0]?.expiresAt).toBeGreaterThan(Date.now() + 4000);
    pass(1001);
    await cache.get('a');
    expect(tiers).toEqual(['l2']);
  });

  it('gives a value a shorter life where it is asked for', async () => {
    const { store, held } = memoryStore();
    const { cache, pass } = cacheWith({ file: { store, ttlMs: null }, ttlMs: null });
    cache.set('a', { text: '' }, 20);
    const expiresAt = [...held.values()][0]?.expiresAt ?? 0;
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(20);
    held.clear();
    pass(21);
    expect(await cache.get('a')).toBeUndefined();
  });

  it('is bounded by bytes and entries', () => {
    const { cache } = cacheWith();
    for (let index = 0; index < 50; index++) cache.set(`k${index}`, { text: 'y'.repeat(1500) });
    expect(cache.statistics().bytes).toBeLessThanOrEqual(10_000);
    expect(cache.statistics().entries).toBeLessThanOrEqual(6);
    cache.set('huge', { text: 'z'.repeat(20_000) });
    expect(cache.statistics().bytes).toBeLessThanOrEqual(10_000);
  });

  it('keeps nothing that was being made when it was cleared', async () => {
    const { store, held } = memoryStore();
    const { cache } = cacheWith({ file: { store, ttlMs: null } });
    let finish = (_: Result) => {};
    const making = cache.getOrMake(
      'a',
      () =>
        new Promise<Result>((resolve) => {
          finish = resolve;
        }),
    );
    await new Promise(setImmediate);
    cache.clear();
    finish({ text: 'old' });
    expect((await making).value).toEqual({ text: 'old' });
    expect(held.size).toBe(0);
    expect((await cache.getOrMake('a', async () => ({ text: 'new' }))).value).toEqual({ text: 'new' });
  });

  it('gives a value from the file no longer a life than it has left there', async () => {
    const { store } = memoryStore();
    const expiresAt = Date.now() + 400;
    store.set({ category: 'results', key: 'a', value: Buffer.from('x'), expiresAt, isKept: false });
    const { cache, tiers, pass } = cacheWith({ file: { store, ttlMs: 5000 } });
    expect(await cache.get('a')).toEqual({ text: 'x' });
    pass(401);
    await cache.get('a');
    expect(tiers).toEqual(['l2', 'l2']);
  });

  it('answers with what was made, also when it cannot be kept or the file cannot be asked', async () => {
    const { store } = memoryStore();
    const fail = () => {
      throw new Error('broken');
    };
    const { cache } = cacheWith({ encode: fail, file: { store: { ...store, get: async () => fail() }, ttlMs: null } });
    expect((await cache.getOrMake('a', async () => ({ text: 'made' }))).value).toEqual({ text: 'made' });
    expect(cache.statistics()).toMatchObject({ entries: 0, misses: 1 });
  });

  it('counts bytes that it cannot read as not there', async () => {
    const { store } = memoryStore();
    store.set({ category: 'results', key: 'a', value: Buffer.from('spoiled'), expiresAt: null, isKept: false });
    const { cache } = cacheWith({ file: { store, ttlMs: null } });
    expect(await cache.get('a')).toBeUndefined();
  });

  it('takes other limits while it runs, and keeps what has room', async () => {
    const { cache, pass } = cacheWith({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c']) cache.set(key, { text: key });
    cache.resize({ maxEntries: 2 });
    expect(cache.limits).toEqual({ maxEntries: 2, maxBytes: 10_000, ttlMs: 1000 });
    expect(cache.statistics()).toMatchObject({ entries: 2, max_bytes: 10_000 });
    expect(await cache.get('a')).toBeUndefined();
    cache.resize({ maxEntries: 5, maxBytes: 20_000, ttlMs: 5000 });
    cache.set('d', { text: 'd' });
    pass(1500);
    expect([await cache.get('b'), await cache.get('d')], 'each by the time that held when it came').toEqual([
      undefined,
      { text: 'd' },
    ]);
    expect(cache.statistics()).toMatchObject({ max_bytes: 20_000 });
  });

  it('counts what had to go, and what was asked for after its time; what nobody asks for is no loss', async () => {
    const { cache, pass } = cacheWith({ maxEntries: 2 });
    for (const key of ['a', 'b', 'c']) cache.set(key, { text: key });
    expect(cache.statistics()).toMatchObject({ evictions: 1, expirations: 0 });
    pass(2000);
    await cache.get('b');
    expect(cache.statistics()).toMatchObject({ entries: 0, evictions: 1, expirations: 1 });
    cache.clear();
    expect(cache.statistics()).toMatchObject({ evictions: 1, expirations: 1 });
  });
});
