import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Logger } from '../logger.js';
import type { Optimization } from '../optimization.js';
import type { InBackground } from '../scheduler/index.js';
import type { UpstreamEvent } from '../upstream/index.js';
import type { CanvasSearchEvent } from './canvas-search/canvas-search-event.js';
import { canvasSearchRoutes } from './canvas-search/canvas-search-routes.js';
import { type CanvasSearch, openCanvasSearch } from './canvas-search/open-canvas-search.js';
import type { VaultCanvases } from './canvas-search/searched-canvases.js';
import type { BatchEmbeddingSettings } from './embeddings/batch-embedder.js';
import type { EmbeddingCacheSettings } from './embeddings/embedding-cache.js';
import type { EmbeddingEvent } from './embeddings/embedding-event.js';
import { type ByteStore, vectorsInStore } from './embeddings/file-vectors.js';
import { type EmbeddingProvider, type Embeddings, openEmbeddings } from './embeddings/open-embeddings.js';
import type { EventStoreEvent } from './events/event-store-event.js';
import { openLearningEvents } from './events/open-events.js';
import type { PartitionSettings } from './events/reading/day-views.js';
import type { RecordedChange } from './events/recording/canvas-events.js';
import { type EventRecorder, recordEvents } from './events/recording/record-events.js';
import type { AnswerStore, GraphCacheSettings } from './graph/cache/cached-search.js';
import type { AskModel } from './graph/embedded/telling/extraction.js';
import type { GraphEvent } from './graph/graph-event.js';
import { openKnowledge } from './graph/open-knowledge.js';
import { eventRoutes } from './http/event-routes.js';
import { knowledgeRoutes } from './http/knowledge-routes.js';

/**
 * Whom each kind of memory tells what happens.
 * @source story-17.4 AC5
 */
export interface MemoryObservers {
  observeLearningEvents(event: EventStoreEvent): void;
  observeEmbeddings(event: EmbeddingEvent): void;
  observeCanvasSearch(event: CanvasSearchEvent): void;
  observeGraph(event: GraphEvent): void;
  observeUpstream(event: UpstreamEvent): void;
}

/**
 * Where the memories are, what they work with, their flags, and whom to tell.
 * @source story-17.4 tasks 4 to 6; product contract, Agents and memory
 */
export interface MemoryOptions {
  /** Absolute path; the learning events have a folder in it. */
  dataDir: string;
  /** Absolute path of the database folder. */
  lanceUri: string;
  embedding: EmbeddingProvider;
  graphitiUrl: string | undefined;
  /** Whole days that events are kept. */
  eventRetentionDays: number;
  canvases: VaultCanvases & { changes: { subscribe(listener: (change: RecordedChange) => void): unknown } };
  /** Where vectors of a model that is asked over the network outlive the process. */
  byteStore: ByteStore;
  /** Where answers of the graph memory are kept. */
  answers: AnswerStore;
  /** Finds facts in text; undefined when no chat model is set up. */
  askModel: AskModel | undefined;
  makingVectors: InBackground;
  flags: {
    batchEmbedding: Optimization<BatchEmbeddingSettings>;
    embeddingCache: Optimization<EmbeddingCacheSettings>;
    temporalPartitions: Optimization<PartitionSettings>;
    graphCache: Optimization<GraphCacheSettings>;
  };
  observers: MemoryObservers;
  logger: Logger;
}

/**
 * The memories: learning events, vectors, search over canvas nodes, graph facts.
 * @source story-17.4 tasks 4 to 6; product contract, Agents and memory
 */
export interface Memory {
  embedder: Embeddings;
  recorder: EventRecorder;
  canvasSearch: CanvasSearch;
  routes: FastifyPluginAsyncZod[];
  /** What the first searches would otherwise wait for. */
  prewarmSteps(): Promise<{ name: string; run(): Promise<unknown> }[]>;
  /** Bytes on disk of each memory that keeps its own. */
  storageBytes: { temporal(): number; graphiti(): Promise<number>; semantic(): Promise<number> };
  /** For people: what the search over canvases has not caught up with. */
  detail(): { detail?: string };
  close(): Promise<void>;
}

/**
 * Opens all memories; what changes in the canvases is recorded and found from then on.
 * @throws Error when a folder or a table cannot be used
 * @source story-17.4 tasks 4 to 6
 */
export async function openMemory(options: MemoryOptions): Promise<Memory> {
  const { flags, observers, logger, canvases, lanceUri, embedding } = options;
  const events = await openLearningEvents({
    dataDir: options.dataDir,
    temporalPartitions: flags.temporalPartitions,
    retentionDays: options.eventRetentionDays,
    logger,
    onEvent: observers.observeLearningEvents,
  });
  const recorder = recordEvents({ store: events, logger, onEvent: observers.observeLearningEvents });
  canvases.changes.subscribe(recorder.canvasChanged);
  const embedder = openEmbeddings({
    provider: embedding,
    ...flags,
    // The built-in model is quicker than any file.
    store: embedding.kind === 'builtin' ? undefined : vectorsInStore(options.byteStore),
    onEvent: observers.observeEmbeddings,
    onUpstreamEvent: observers.observeUpstream,
  });
  const canvasSearch = await openCanvasSearch({
    lanceUri,
    canvases,
    embedder,
    inBackground: options.makingVectors,
    logger,
    onEvent: observers.observeCanvasSearch,
  });
  const knowledge = await openKnowledge({
    graphitiUrl: options.graphitiUrl,
    lanceUri,
    embedder,
    embedsHere: embedding.kind === 'builtin',
    askModel: options.askModel,
    inBackground: options.makingVectors,
    cache: flags.graphCache,
    answers: options.answers,
    logger,
    onEvent: observers.observeGraph,
    onUpstreamEvent: observers.observeUpstream,
  });
  return {
    embedder,
    recorder,
    canvasSearch,
    routes: [eventRoutes(events), knowledgeRoutes(knowledge), canvasSearchRoutes(canvasSearch)],
    prewarmSteps: async () => [...(await canvasSearch.prewarmSteps()), ...(await knowledge.prewarmSteps())],
    storageBytes: {
      temporal: () => events.storage().diskBytes,
      graphiti: knowledge.storageBytes,
      semantic: canvasSearch.storageBytes,
    },
    detail() {
      const { waiting } = canvasSearch.progress();
      return waiting === 0 ? {} : { detail: `canvas search: ${waiting} changed canvases wait to be read` };
    },
    async close() {
      await recorder.close();
      await events.close();
      await canvasSearch.close();
      await knowledge.close();
      embedder.close();
    },
  };
}
