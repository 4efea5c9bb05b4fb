import { performance } from 'node:perf_hooks';
import type { Logger } from '../../logger.js';
import type { Optimization } from '../../optimization.js';
import type { InBackground } from '../../scheduler/index.js';
import { openUpstream, type UpstreamEvent } from '../../upstream/index.js';
import type { Embedder } from '../embeddings/embedder.js';
import {
  type AnswerStore,
  canonicalQuery,
  createCachedSearch,
  type GraphCacheSettings,
} from './cache/cached-search.js';
import { createDirectSearch } from './cache/graph-search.baseline.js';
import type { GraphAnswer } from './cache/graph-search.js';
import { openEmbeddedGraph } from './embedded/embedded-graph.js';
import type { AskModel } from './embedded/telling/extraction.js';
import { episodeUnknown, factUnknown } from './errors.js';
import type { GraphEvent, GraphOperation } from './graph-event.js';
import type { AddedEpisode, FactQuery, GraphMemory, NewEpisode } from './graph-memory.js';
import { openGraphitiGraph } from './graphiti/graphiti-graph.js';

/** @source product contract, Agents, memory */
export interface KnowledgeOptions {
  /** Base URL of a Graphiti server; undefined: the memory is kept here. */
  graphitiUrl: string | undefined;
  /** Absolute path of the database folder. */
  lanceUri: string;
  embedder: Embedder;
  /** Whether vectors are made in this process. */
  embedsHere?: boolean;
  /** Finds facts in text; undefined when no chat model is set up. */
  askModel: AskModel | undefined;
  /** Makes vectors that are missing. */
  inBackground: InBackground;
  cache: Optimization<GraphCacheSettings>;
  /** Where answers are kept. */
  answers: AnswerStore;
  logger: Logger;
  onEvent(event: GraphEvent): void;
  onUpstreamEvent(event: UpstreamEvent): void;
  /** Epoch milliseconds. */
  now?(): number;
}

/**
 * The graph memory as the routes see it: whichever provider, with or without its cache.
 * @source product contract, Agents, memory; story-17.4 task 4
 */
export interface Knowledge {
  add(episode: NewEpisode, signal?: AbortSignal): Promise<AddedEpisode>;
  search(query: FactQuery): Promise<GraphAnswer>;
  /** @throws Problem GRAPH_FACT_UNKNOWN */
  deleteFact(id: string): Promise<void>;
  /** @throws Problem GRAPH_EPISODE_UNKNOWN */
  deleteEpisode(id: string): Promise<void>;
  deleteGroup(groupId: string): Promise<void>;
  /** What the first search would otherwise wait for. */
  prewarmSteps(): Promise<{ name: string; run(): Promise<unknown> }[]>;
  /** Size of what is stored here, 0 when it is stored elsewhere. */
  storageBytes(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens the memory that the settings name. A server that is away is no reason not to start.
 * @throws Error when the tables cannot be opened
 * @source product contract, Agents, memory ("embedded by default ..., or a real Graphiti server by URL")
 */
export async function openKnowledge(options: KnowledgeOptions): Promise<Knowledge> {
  const { graphitiUrl, cache, answers, onEvent, now = Date.now } = options;
  const graph = graphitiUrl === undefined ? await openEmbeddedGraph(options) : openServer(graphitiUrl, options);

  async function timed<T>(operation: GraphOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const tell = (outcome: 'ok' | 'failed') =>
      onEvent({ type: 'asked', operation, outcome, durationSeconds: secondsSince(startedAt) });
    try {
      const result = await work();
      tell('ok');
      return result;
    } catch (error) {
      tell('failed');
      throw error;
    }
  }
  const asked = { ...graph, search: (query: FactQuery) => timed('search', () => graph.search(query)) };
  // An answer takes the query's vector: from another server's model that would be one more call.
  const askMemory = options.embedsHere ? graph.search : undefined;
  const cached = createCachedSearch({ graph: asked, askMemory, store: answers, flag: cache, now });
  const direct = createDirectSearch(asked);

  return {
    add: (episode, signal) => timed('add', () => graph.add(episode, signal)),
    async search(query) {
      const startedAt = performance.now();
      const answer = await (cache.enabled ? cached : direct).search(canonicalQuery(query));
      onEvent({
        type: 'answered',
        cache: answer.cache,
        durationSeconds: secondsSince(startedAt),
        facts: answer.facts.length,
        asked: () => ({
          shape: shapeOf(query),
          explain: async () => ({
            plan: [`${graph.kind} memory, cache ${answer.cache}`],
            tableVersion: await graph.version(query.groupIds),
          }),
        }),
      });
      return answer;
    },
    async deleteFact(id) {
      if (!(await timed('delete', () => graph.deleteFact(id)))) throw factUnknown();
    },
    async deleteEpisode(id) {
      if (!(await timed('delete', () => graph.deleteEpisode(id)))) throw episodeUnknown();
    },
    deleteGroup: (groupId) => timed('delete', () => graph.deleteGroup(groupId)),
    prewarmSteps: async () => (await graph.prewarmSteps?.()) ?? [],
    // Asked for at each scrape, which must not fail for it.
    storageBytes: async () => (await graph.storageBytes().catch(() => undefined)) ?? 0,
    close: () => graph.close(),
  };
}

const shapeOf = ({ text, limit, groupIds, asOf }: FactQuery) => ({
  characters: text.length,
  groups: groupIds.length,
  limit,
  as_of: asOf !== undefined,
});
const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;

/** Its tries are those of a database: few and quick, for somebody waits and an earlier answer may do. */
function openServer(baseUrl: string, { logger, onEvent, onUpstreamEvent }: KnowledgeOptions): GraphMemory {
  const server = openUpstream({ name: 'graphiti', baseUrl, policy: 'database', onEvent: onUpstreamEvent });
  const graph = openGraphitiGraph({ server, baseUrl, logger, onEvent });
  const close = async () => {
    await graph.close();
    server.close();
  };
  return { ...graph, close };
}
