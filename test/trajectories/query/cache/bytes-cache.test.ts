import { expect, it } from 'vitest';
import { createBytesCache } from '../../../../src/trajectories/query/cache/bytes-cache.js';

function openCache() {
  const bounds = { maxBytes: 2000, ttlMs: 1000 };
  const time = { now: 5 };
  const cache = createBytesCache<{ bytes: number }>({
    maxBytes: () => bounds.maxBytes,
    ttlMs: () => bounds.ttlMs,
    bytesOf: ({ bytes }) => bytes,
    now: () => time.now,
  });
  return { cache, bounds, time };
}

it('keeps what has room when its bound changes, those used last', () => {
  const { cache, bounds } = openCache();
  for (const key of ['a', 'b', 'c', 'd']) cache.set(key, { bytes: 200 });
  bounds.maxBytes = 1000;
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key)?.bytes)).toEqual([undefined, undefined, 200, 200]);
  bounds.maxBytes = 4000;
  expect(cache.statistics()).toMatchObject({ entries: 2, max_bytes: 4000 });
  bounds.maxBytes = 0;
  expect(cache.get('d')).toBeUndefined();
  expect(cache.statistics()).toMatchObject({ entries: 0, bytes: 0, max_bytes: 0 });
});

it('what is kept grows old by the bound that holds now', () => {
  const { cache, bounds, time } = openCache();
  cache.set('a', { bytes: 1 });
  time.now += 900;
  cache.set('b', { bytes: 1 });
  bounds.ttlMs = 3000;
  time.now += 2000;
  expect([cache.get('a'), cache.get('b')]).toEqual([{ bytes: 1 }, { bytes: 1 }]);
  bounds.ttlMs = 2500;
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, { bytes: 1 }]);
  bounds.ttlMs = 0;
  time.now += 1e9;
  expect(cache.get('b')).toEqual({ bytes: 1 });
});

it('counts what had to go, and what was asked for after its time', () => {
  const { cache, time } = openCache();
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) cache.set(key, { bytes: 200 });
  expect(cache.statistics()).toMatchObject({ entries: 4, evictions: 2, expirations: 0 });
  time.now += 2000;
  cache.get('f');
  expect(cache.statistics()).toMatchObject({ entries: 0, evictions: 2, expirations: 1 });
});
