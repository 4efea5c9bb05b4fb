import { expect, test } from 'vitest';
import { createEmbeddingCache, keyOf, type VectorStore } from '../../../src/memory/embeddings/embedding-cache.js';
import { type EmbeddingEvent, vectorsInStore } from '../../../src/memory/index.js';
import { openTestFlags } from '../../optimizations/open-test-flags.js';
import { fixedOptimization } from '../../support/optimization.js';
import { countingEmbedder, vectorOf } from './counting-embedder.js';

function open(store?: VectorStore, max_entries = 100) {
  const source = countingEmbedder();
  const cache = fixedOptimization(true, { max_entries });
  const events: EmbeddingEvent[] = [];
  const embedder = createEmbeddingCache({ source, cache, store, onEvent: (event) => events.push(event) });
  return { source, cache, events, embedder };
}

function memoryStore() {
  const kept = new Map<string, Float32Array>();
  const store: VectorStore = {
    get: async (keys) => keys.map((key) => kept.get(key)),
    set: async (entries) => {
      for (const { key, vector } of entries) kept.set(key, vector);
    },
    clear: async () => kept.clear(),
  };
  return { kept, store };
}

test('a text is asked for once, within a call and between calls', async () => {
  const { source, embedder, events } = open();
  expect(await embedder.embed(['a', 'bb', 'a'])).toEqual(['a', 'bb', 'a'].map(vectorOf));
  expect(await embedder.embed(['bb', 'ccc'])).toEqual(['bb', 'ccc'].map(vectorOf));
  expect(source.calls).toEqual([['a', 'bb'], ['ccc']]);
  expect(events).toEqual([
    { type: 'looked_up', hits: 0, storeHits: 0, misses: 2 },
    { type: 'looked_up', hits: 1, storeHits: 0, misses: 1 },
  ]);
  expect(embedder.cache.statistics()).toMatchObject({ entries: 3, hits: 1, misses: 3 });
});

test('no more vectors are kept than allowed; when the bound changes, those used last stay', async () => {
  const { embedder, cache } = open(undefined, 3);
  await embedder.embed(['a', 'b', 'c', 'd']);
  expect(embedder.cache.statistics()).toMatchObject({ entries: 3, evictions: 1, expirations: 0 });
  cache.settings = { max_entries: 2 };
  await embedder.embed(['d']);
  expect(embedder.cache.statistics()).toMatchObject({ entries: 2, max_bytes: 2 * (8 + 200), hits: 1 });
  cache.settings = { max_entries: 4 };
  await embedder.embed(['c', 'd']);
  expect(embedder.cache.statistics()).toMatchObject({ entries: 2, hits: 3 });
  embedder.cache.clear();
  expect(embedder.cache.statistics().entries).toBe(0);
});

test('while the flag is off nothing is kept', async () => {
  const { source, embedder, cache } = open();
  await embedder.embed(['a']);
  cache.enabled = false;
  await embedder.embed(['a']);
  cache.enabled = true;
  await embedder.embed(['a']);
  expect(source.calls).toEqual([['a'], ['a'], ['a']]);
});

test('what the store has is not asked for, and what was asked for is given to it', async () => {
  const { kept, store } = memoryStore();
  kept.set(keyOf('counting', 2, 'a'), vectorOf('a'));
  const { source, embedder, events } = open(store);
  expect(await embedder.embed(['a', 'b'])).toEqual(['a', 'b'].map(vectorOf));
  expect(source.calls).toEqual([['b']]);
  expect(events).toEqual([{ type: 'looked_up', hits: 1, storeHits: 1, misses: 1 }]);
  expect(kept.get(keyOf('counting', 2, 'b'))).toEqual(vectorOf('b'));
});

test('vectors become bytes and bytes vectors, for ever; half a number is none', async () => {
  const kept = new Map<string, { value: Uint8Array; expiresAt: null; isKept: boolean }>();
  const store = vectorsInStore({
    get: async (category, key) => kept.get(`${category} ${key}`),
    set: ({ category, key, ...rest }) => void kept.set(`${category} ${key}`, rest),
    clear: async (category) => void kept.delete(`${category} a`),
  });
  await store.set([{ key: 'a', vector: Float32Array.of(9, 1, 2.5).subarray(1) }]);
  expect(kept.get('embedding a')).toMatchObject({ expiresAt: null, isKept: true });
  kept.set('embedding b', { value: new Uint8Array(5), expiresAt: null, isKept: true });
  expect(await store.get(['b', 'a', 'c'])).toEqual([undefined, Float32Array.of(1, 2.5), undefined]);
  await store.clear();
  expect([...kept.keys()]).toEqual(['embedding b']);
});

test('a clearing reaches the store too', async () => {
  const { kept, store } = memoryStore();
  const { embedder, source } = open(store);
  await embedder.embed(['a']);
  embedder.cache.clear();
  expect(kept.size).toBe(0);
  await embedder.embed(['a']);
  expect(source.calls).toHaveLength(2);
});

test('a vector of another size from the store is not believed', async () => {
  const { kept, store } = memoryStore();
  kept.set(keyOf('counting', 2, 'a'), new Float32Array(3));
  const { embedder } = open(store);
  expect(await embedder.embed(['a'])).toEqual([vectorOf('a')]);
});

test('a broken store costs calls, never an answer', async () => {
  const fail = async () => {
    throw new Error('broken');
  };
  const { embedder, cache, source } = open({ get: fail, set: fail, clear: fail });
  expect(await embedder.embed(['a'])).toEqual([vectorOf('a')]);
  expect(source.calls).toEqual([['a']]);
  embedder.cache.clear();
  await new Promise(setImmediate);
  expect(cache.failures).toHaveLength(3);
});

test('keys differ by model, size and text', () => {
  const keys = [keyOf('m', 2, 'a'), keyOf('n', 2, 'a'), keyOf('m', 3, 'a'), keyOf('m', 2, 'b')];
  expect(new Set(keys).size).toBe(4);
});

const everything = 'verification: {sample_rate: 1, max_time_ratio: 1, at_least_every_seconds: 0}\n';

test('a kept vector that is not the one of its text turns the cache off; a model elsewhere is not asked again', async () => {
  for (const isExternal of [false, true]) {
    const { kept, store } = memoryStore();
    const { flags } = await openTestFlags(everything, undefined, { load: () => 0 });
    const source = countingEmbedder();
    const cache = flags.optimization('embedding_cache');
    const embedder = createEmbeddingCache({ source, cache, store, isExternal, onEvent() {} });
    await embedder.embed(['a', 'bb']);
    await flags.comparisonsDone();
    expect(flags.savings().embedding_cache.comparisons).toMatchObject({ equal: isExternal ? 0 : 1, mismatch: 0 });
    kept.set(keyOf(source.model, source.dimensions, 'c'), vectorOf('another text'));
    expect(await embedder.embed(['c'])).toEqual([vectorOf('another text')]);
    await flags.comparisonsDone();
    expect(flags.list().embedding_cache.effective).toBe(isExternal);
    if (!isExternal) expect(await embedder.embed(['c'])).toEqual([vectorOf('c')]);
  }
});
