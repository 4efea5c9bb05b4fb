/**
 * Keeps vectors under the model, their size and the hash of the text: they never grow old. In memory up to a number of
 * vectors, the least recently used going first; beyond that in `store`, where one is given. Without it, or when it
 * fails, vectors are only asked for more often.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Optimization } from '../../optimization.js';
import { vectorCheck } from './comparing/vector-check.js';
import type { Embedder } from './embedder.js';
import type { EmbeddingEvent } from './embedding-event.js';

/** `embedding_cache`: most vectors kept in memory. @source product contract, Optimisations (`embedding_cache`) */
export interface EmbeddingCacheSettings {
  max_entries: number;
}

/**
 * Where vectors outlive the process. It may lose any of them at any time.
 * @source story-17.4 ADR-0007 (L2; embeddings have no TTL)
 */
export interface VectorStore {
  /** @returns a vector or undefined for each key, in their order */
  get(keys: readonly string[]): Promise<(Float32Array | undefined)[]>;
  set(entries: readonly { key: string; vector: Float32Array }[]): Promise<void>;
  /** Drops all vectors. */
  clear(): Promise<void>;
}

/** @source product contract, Optimisations (`embedding_cache`) */
export interface EmbeddingCacheOptions {
  source: Embedder;
  cache: Optimization<EmbeddingCacheSettings>;
  store?: VectorStore | undefined;
  /** Whether `source` asks another server. */
  isExternal?: boolean;
  onEvent(event: EmbeddingEvent): void;
}

/** An embedder that remembers. @source product contract, Optimisations (`embedding_cache`) */
export interface CachedEmbedder extends Embedder {
  /** As `GET /admin/cache` shows caches. */
  cache: {
    name: string;
    statistics(): {
      entries: number;
      bytes: number;
      max_bytes: number;
      hits: number;
      misses: number;
      evictions: number;
      expirations: number;
    };
    clear(): void;
  };
}

const entryOverheadBytes = 200;
/** Of the texts of one request, so that a comparison stays cheap. */
const mostCompared = 8;
/** Empty at first. While the flag is off, nothing is looked up and nothing kept. @source story-17.4 ADR-0007 */
export function createEmbeddingCache(options: EmbeddingCacheOptions): CachedEmbedder {
  const { source, cache, store, onEvent } = options;
  const { model, dimensions } = source;
  let memory = makeMemory();
  let [hits, misses, evictions] = [0, 0, 0];

  function makeMemory() {
    return new LRUCache<string, Float32Array>({
      max: cache.settings.max_entries,
      dispose(_vector, _key, reason) {
        if (reason === 'evict') evictions += 1;
      },
    });
  }

  /** At the size that the settings ask for now. */
  function kept(): LRUCache<string, Float32Array> {
    if (memory.max !== cache.settings.max_entries) {
      const before = memory.dump();
      memory = makeMemory();
      memory.load(before);
    }
    return memory;
  }

  async function fromStore(keys: readonly string[]): Promise<(Float32Array | undefined)[]> {
    if (!store || keys.length === 0) return [];
    try {
      const found = await store.get(keys);
      return found.map((vector) => (vector?.length === dimensions ? vector : undefined));
    } catch (error) {
      cache.failed(error);
      return [];
    }
  }

  function toStore(entries: readonly { key: string; vector: Float32Array }[]): void {
    store?.set(entries).catch((error: unknown) => cache.failed(error));
  }

  async function cached(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const textOf = new Map<string, string>();
    const keys = texts.map((text) => {
      const key = keyOf(model, dimensions, text);
      textOf.set(key, text);
      return key;
    });
    const vectors = new Map<string, Float32Array>();
    for (const key of textOf.keys()) {
      const vector = kept().get(key);
      if (vector) vectors.set(key, vector);
    }
    const unknown = [...textOf.keys()].filter((key) => !vectors.has(key));
    (await fromStore(unknown)).forEach((vector, i) => {
      if (!vector) return;
      vectors.set(unknown[i]!, vector);
      kept().set(unknown[i]!, vector);
    });
    const missing = unknown.filter((key) => !vectors.has(key));
    const found = textOf.size - missing.length;
    cache.counted?.({ unit: 'texts embedded', optimised: missing.length, original: texts.length });
    hits += found;
    misses += missing.length;
    onEvent({
      type: 'looked_up',
      hits: found,
      storeHits: unknown.length - missing.length,
      misses: missing.length,
    });
    if (missing.length > 0) {
      const made = await source.embed(
        missing.map((key) => textOf.get(key)!),
        { signal },
      );
      const entries = missing.map((key, i) => ({ key, vector: made[i]! }));
      for (const { key, vector } of entries) {
        vectors.set(key, vector);
        kept().set(key, vector);
      }
      toStore(entries);
    }
    return keys.map((key) => vectors.get(key)!);
  }

  function compareSome(texts: readonly string[], vectors: readonly Float32Array[]): void {
    cache.sample?.(options.isExternal)?.compare({
      check,
      versionBefore: model,
      optimised: { answer: vectors.slice(0, mostCompared), seconds: 0 },
      original: () => source.embed(texts.slice(0, mostCompared)),
    });
  }
  const check = vectorCheck(model, clear);

  function clear(): void {
    memory.clear();
    store?.clear().catch((error: unknown) => cache.failed(error));
  }

  return {
    model,
    dimensions,
    async embed(texts, { signal } = {}) {
      if (cache.enabled) {
        const vectors = await cached(texts, signal);
        compareSome(texts, vectors);
        return vectors;
      }
      memory.clear();
      return source.embed(texts, { signal });
    },
    cache: {
      name: 'embedding',
      statistics: () => {
        const bytesEach = dimensions * Float32Array.BYTES_PER_ELEMENT + entryOverheadBytes;
        const max_bytes = cache.settings.max_entries * bytesEach;
        const held = { entries: memory.size, bytes: memory.size * bytesEach, max_bytes };
        // Vectors never grow old.
        return { ...held, hits, misses, evictions, expirations: 0 };
      },
      clear,
    },
  };
}

/**
 * The name of a vector in a cache: equal only for the same text, model and size.
 * @source product contract, Optimisations (`embedding_cache`); story-17.4 ADR-0007
 */
export function keyOf(model: string, dimensions: number, text: string): string {
  return `${model}:${dimensions}:${createHash('sha256').update(text).digest('hex')}`;
}
