import { expect, test } from 'vitest';
import { cacheRoutes, type ObservableCache } from '../../../src/cache/index.js';
import { startTestServer } from '../../support/server.js';

function cacheOf(name: string, hits: number): ObservableCache {
  let entries = 3;
  return {
    name,
    statistics: () => ({
      entries,
      bytes: entries * 10,
      max_bytes: 100,
      hits,
      misses: hits,
      evictions: 0,
      expirations: 0,
    }),
    clear: () => {
      entries = 0;
    },
  };
}

const start = () => startTestServer([cacheRoutes([cacheOf('query', 2), cacheOf('row_ids', 0)])]);
const kept = { entries: 3, bytes: 30, max_bytes: 100, evictions: 0, expirations: 0 };

test('shows what each cache holds and how often it had the answer', async () => {
  const server = await start();
  const answer = await server.inject('/admin/cache');
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  expect(answer.json()).toEqual({
    caches: {
      query: { ...kept, hits: 2, misses: 2, hit_ratio: 0.5 },
      row_ids: { ...kept, hits: 0, misses: 0, hit_ratio: null },
    },
  });
});

test('shows what the file behind the dear ones holds', async () => {
  const file = { statistics: () => ({ entries: 7, bytes: 900, maxBytes: 1000 }) };
  const server = await startTestServer([cacheRoutes([], file)]);
  expect((await server.inject('/admin/cache')).json()).toEqual({
    caches: {},
    file: { entries: 7, bytes: 900, max_bytes: 1000 },
  });
});

test('clears the cache that is named, or all', async () => {
  const server = await start();
  const clear = async (cache: string) =>
    (await server.inject({ method: 'POST', url: '/admin/cache/clear', payload: { cache } })).json();
  const entries = async () => {
    const { caches } = (await server.inject('/admin/cache')).json();
    return [caches.query.entries, caches.row_ids.entries];
  };
  expect(await clear('query')).toEqual({ cleared: { query: { entries: 3 } } });
  expect(await entries()).toEqual([0, 3]);
  expect(await clear('all')).toEqual({ cleared: { query: { entries: 0 }, row_ids: { entries: 3 } } });
  expect(await entries()).toEqual([0, 0]);
});

test.each([
  [{ cache: 'rows' }],
  [{ cache: '' }],
  [{ cache: '__proto__' }],
  [{}],
  [{ cache: 1 }],
  [{ cache: 'all', x: 1 }],
])('refuses %j and clears nothing', async (payload) => {
  const server = await start();
  const answer = await server.inject({ method: 'POST', url: '/admin/cache/clear', payload });
  expect(answer.statusCode).toBe(400);
  expect((await server.inject('/admin/cache')).json().caches.query.entries).toBe(3);
});

test('names the caches to one who asks for another', async () => {
  const server = await start();
  const answer = await server.inject({ method: 'POST', url: '/admin/cache/clear', payload: { cache: 'rows' } });
  expect(answer.json()).toMatchObject({
    code: 'CACHE_UNKNOWN',
    errors: [{ pointer: '/cache', message: 'expected one of query, row_ids, all' }],
  });
});
