import type { Optimization } from '../../optimization.js';
import { openUpstream, type UpstreamEvent } from '../../upstream/index.js';
import { createSingleEmbedder } from './batch-embedder.baseline.js';
import { type BatchEmbeddingSettings, createBatchEmbedder } from './batch-embedder.js';
import { createBuiltinEmbedder } from './builtin-embedder.js';
import { compareBatches } from './comparing/batch-comparison.js';
import type { Embedder } from './embedder.js';
import {
  type CachedEmbedder,
  createEmbeddingCache,
  type EmbeddingCacheSettings,
  type VectorStore,
} from './embedding-cache.js';
import type { EmbeddingEvent } from './embedding-event.js';
import { createOpenAiEmbedder } from './openai-embedder.js';
import { cutToTokens, estimateTokens } from './text-limits.js';

/**
 * Which model, and where. `asksForDimensions`: the length was chosen by the operator, so the server is asked for it.
 * @source product contract, Settled details (`EMBEDDING_*`)
 */
export type EmbeddingProvider =
  | { kind: 'builtin'; dimensions?: number }
  | {
      kind: 'openai';
      baseUrl: string;
      apiKey: string | undefined;
      model: string;
      dimensions: number;
      asksForDimensions: boolean;
    };

/** The provider, the flags, and whom to tell. @source product contract, Optimisations (`embedding_cache`, `batch_embedding`) */
export interface EmbeddingsOptions {
  provider: EmbeddingProvider;
  batchEmbedding: Optimization<BatchEmbeddingSettings>;
  embeddingCache: Optimization<EmbeddingCacheSettings>;
  /** Where vectors outlive the process. */
  store?: VectorStore | undefined;
  onEvent(event: EmbeddingEvent): void;
  onUpstreamEvent(event: UpstreamEvent): void;
}

/** The one embedder of the service: cached, then batched, then the provider. @source product contract, Settled details (`EMBEDDING_*`) */
export interface Embeddings extends CachedEmbedder {
  close(): void;
}

/** The longest text that OpenAI's models read; servers at home mostly read less and cut by themselves. */
const maxTextTokens = 8192;
const maxCalls = 4;

/**
 * Opens the provider; nothing is sent yet.
 * @throws Error when the base URL cannot be used
 * @source product contract, Settled details (`EMBEDDING_*`); story-17.4 ADR-0007
 */
export function openEmbeddings(options: EmbeddingsOptions): Embeddings {
  const { provider, batchEmbedding, onEvent } = options;
  const upstream =
    provider.kind === 'openai'
      ? openUpstream({
          name: 'embedding',
          baseUrl: provider.baseUrl,
          apiKey: provider.apiKey,
          policy: 'embedding',
          onEvent: options.onUpstreamEvent,
        })
      : undefined;
  const source =
    provider.kind === 'openai' && upstream
      ? createOpenAiEmbedder({ ...provider, upstream })
      : createBuiltinEmbedder(provider.kind === 'builtin' ? provider.dimensions : undefined);

  const told = (variant: 'batched' | 'single'): Embedder => ({
    ...source,
    async embed(texts, given) {
      const startedAt = performance.now();
      let outcome: 'ok' | 'failed' = 'failed';
      try {
        const vectors = await source.embed(texts, given);
        outcome = 'ok';
        return vectors;
      } finally {
        const durationSeconds = (performance.now() - startedAt) / 1000;
        const tokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
        const { kind } = provider;
        onEvent({ type: 'called', provider: kind, variant, outcome, texts: texts.length, tokens, durationSeconds });
      }
    },
  });
  const batched = createBatchEmbedder({
    source: told('batched'),
    // A model in this process gains nothing from waiting, nor from being asked several times at once.
    settings: () => ({ ...batchEmbedding.settings, ...(provider.kind === 'builtin' ? { window_ms: 0 } : {}) }),
    maxCalls: provider.kind === 'builtin' ? 1 : maxCalls,
    onCall: (texts) => batchEmbedding.counted?.({ unit: 'calls of the model', optimised: 1, original: texts }),
  });
  const single = createSingleEmbedder(told('single'));
  const compared = compareBatches({
    batched,
    alone: source,
    flag: batchEmbedding,
    isExternal: provider.kind !== 'builtin',
    // Vectors of batches are kept there.
    onWrong: () => cached.cache.clear(),
  });
  const cutting: Embedder = {
    ...source,
    embed(texts, given) {
      const fitting = texts.map((text) => cutToTokens(text, maxTextTokens));
      const cut = fitting.filter((text, i) => text.length < texts[i]!.length).length;
      if (cut > 0) onEvent({ type: 'texts_cut', texts: cut });
      return (batchEmbedding.enabled ? compared : single).embed(fitting, given);
    },
  };
  const cached: CachedEmbedder = createEmbeddingCache({
    source: cutting,
    cache: options.embeddingCache,
    store: options.store,
    isExternal: provider.kind !== 'builtin',
    onEvent,
  });
  return { ...cached, close: () => upstream?.close() };
}
