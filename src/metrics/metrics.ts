import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { AgentEvent } from '../agents/index.js';
import type { CacheEvent } from '../cache/index.js';
import type { CanvasEvent } from '../canvases/index.js';
import type { RequestEvent } from '../http/index.js';
import type { CanvasSearchEvent, EmbeddingEvent, EventStoreEvent, GraphEvent, NodeProgress } from '../memory/index.js';
import type { FlagEvent } from '../optimizations/index.js';
import type { EngineEvent, SchedulerEvent } from '../scheduler/index.js';
import type { ImportEvent, SearchEvent, TrajectoryEvent, VectorProgress } from '../trajectories/index.js';
import type { TuningEvent } from '../tuning/index.js';
import type { UpstreamEvent } from '../upstream/index.js';
import { type AlertSeries, alertSeries } from './alerts/alert-series.js';
import { expositionText } from './exposition.js';
import { LimitChanges } from './history/limit-changes.js';
import { countCacheRequests } from './observers/caches/cache-requests.js';
import { countTierHits } from './observers/caches/cache-tiers.js';
import { observeCaches } from './observers/caches/observe-caches.js';
import { observeTuning } from './observers/caches/observe-tuning.js';
import { type CacheFileSize, watchCacheFile } from './observers/caches/watch-cache-file.js';
import { timeMemoryQueries } from './observers/memory/memory-queries.js';
import { watchMemoryStorage } from './observers/memory/memory-storage.js';
import { observeCanvasSearch, watchCanvasSearch } from './observers/memory/observe-canvas-search.js';
import { observeLearningEvents } from './observers/memory/observe-events.js';
import { observeGraph } from './observers/memory/observe-graph.js';
import { observeCanvases } from './observers/observe-canvases.js';
import { observeFlags } from './observers/observe-flags.js';
import { observeImports } from './observers/observe-imports.js';
import { observeRequests } from './observers/observe-requests.js';
import { observeTrajectories } from './observers/observe-trajectories.js';
import { observeAgents } from './observers/scheduling/observe-agents.js';
import {
  observeJobs,
  observeScheduler,
  type WatchedScheduler,
  watchScheduler,
} from './observers/scheduling/observe-scheduler.js';
import { observeUpstream } from './observers/scheduling/observe-upstream.js';
import { observeEmbeddings } from './observers/search/observe-embeddings.js';
import { observeSearch, watchVectors } from './observers/search/observe-search.js';
import { type UnfinishedImports, type WriteBacklog, watchImports, watchWrites } from './observers/watch-backlog.js';
import { type SeriesReader, seriesReader } from './series-reader.js';
import { canvasSearchQuery, eventQuery, graphQuery, searchQuery, trajectoryQuery } from './slow-queries/slow-query.js';
import { createSlowQueryLog, type SlowQueryLogOptions } from './slow-queries/slow-query-log.js';
import { createStorageWatch, type StorageFiguresOptions } from './storage/storage-figures.js';

const eventLoopResolutionMs = 20;

/**
 * One metric: its name, its type in Prometheus' words, and the names of its labels.
 * @source Prometheus documentation, "Metric types"
 */
export interface MetricDescription {
  name: string;
  type: string;
  labels: string[];
}

/**
 * The metrics of this process. Each `observe` function is handed to a part as its `onEvent`.
 * @source story-17.4 AC5; product contract, Monitoring
 */
export interface Metrics {
  observeRequest: (event: RequestEvent) => void;
  observeFlags: (event: FlagEvent) => void;
  observeCanvases: (event: CanvasEvent) => void;
  observeTrajectories: (event: TrajectoryEvent) => void;
  observeImports: (event: ImportEvent) => void;
  observeEmbeddings: (event: EmbeddingEvent) => void;
  observeSearch: (event: SearchEvent) => void;
  observeCanvasSearch: (event: CanvasSearchEvent) => void;
  observeLearningEvents: (event: EventStoreEvent) => void;
  observeGraph: (event: GraphEvent) => void;
  /** Says where to ask, at each scrape, what waits to be written. */
  watchWrites: (read: () => WriteBacklog) => void;
  /** Says where to ask, at each scrape, how many imports wait and run. */
  watchImports: (read: () => UnfinishedImports) => void;
  /** Says where to ask, at each scrape, how far the vectors of questions are. */
  watchVectors: (read: () => VectorProgress) => void;
  /** Says where to ask, at each scrape, how far the search over canvas nodes is. */
  watchCanvasSearch: (read: () => NodeProgress) => void;
  /** Says where to ask, at each scrape, how many bytes a memory takes on disk. */
  watchMemoryStorage: ReturnType<typeof watchMemoryStorage>;
  observeAgents: (event: AgentEvent) => void;
  observeCaches: (event: CacheEvent) => void;
  observeTuning: (event: TuningEvent) => void;
  /** Says where to ask, at each scrape, what the cache file holds. */
  watchCacheFile: (read: () => CacheFileSize) => void;
  observeScheduler: (event: SchedulerEvent) => void;
  observeJobs: (event: EngineEvent) => void;
  observeUpstream: (event: UpstreamEvent) => void;
  /** Says where to ask, at each scrape, for the limit, what runs and what waits. */
  watchScheduler: (read: () => WatchedScheduler) => void;
  /** Begins to note slow queries, in a file of the data folder, and to look at the sizes of database and disk. */
  watchDatabase: (options: SlowQueryLogOptions & StorageFiguresOptions) => void;
  /** The latest changes of the scheduler's limit. */
  readonly limitChanges: LimitChanges;
  /** All samples of one metric, as they are now. */
  readSeries: SeriesReader;
  /** What alerts and memories tell of themselves. */
  readonly alertSeries: AlertSeries;
  readonly contentType: string;
  /** All series in Prometheus' text format. */
  text(): Promise<string>;
  /** What is measured, whether it has series yet or not: the rows of docs/metrics.md. */
  describe(): MetricDescription[];
  close(): Promise<void>;
}

/**
 * Builds the registry, with Node's and the process's own figures under their standard names.
 * @param version of the service, for `canvas_build_info`
 * @source Prometheus documentation, "Writing client libraries"
 */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopResolutionMs });
  new Gauge({
    name: 'canvas_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.versions.node }, 1);

  const cacheRequests = countCacheRequests(registry);
  const countTier = countTierHits(registry);
  const timeMemoryQuery = timeMemoryQueries(registry);
  const observeLimit = observeScheduler(registry);
  const limitChanges = new LimitChanges();
  const slowQueries = createSlowQueryLog(registry);
  const storage = createStorageWatch(registry);

  return {
    observeRequest: observeRequests(registry),
    observeFlags: observeFlags(registry),
    observeCanvases: observeCanvases(registry, cacheRequests),
    observeTrajectories: slowQueries.also(observeTrajectories(registry, cacheRequests), trajectoryQuery),
    observeImports: observeImports(registry),
    observeEmbeddings: observeEmbeddings(registry, cacheRequests, countTier),
    observeSearch: slowQueries.also(observeSearch(registry), searchQuery),
    observeCanvasSearch: slowQueries.also(observeCanvasSearch(registry, timeMemoryQuery), canvasSearchQuery),
    observeLearningEvents: slowQueries.also(observeLearningEvents(registry, timeMemoryQuery), eventQuery),
    observeGraph: slowQueries.also(observeGraph(registry, timeMemoryQuery), graphQuery),
    watchWrites: watchWrites(registry),
    watchImports: watchImports(registry),
    watchVectors: watchVectors(registry),
    watchCanvasSearch: watchCanvasSearch(registry),
    watchMemoryStorage: watchMemoryStorage(registry),
    observeAgents: observeAgents(registry),
    observeCaches: observeCaches(registry, cacheRequests, countTier),
    observeTuning: observeTuning(registry),
    watchCacheFile: watchCacheFile(registry),
    observeScheduler(event) {
      observeLimit(event);
      limitChanges.observe(event);
    },
    limitChanges,
    observeJobs: observeJobs(registry),
    observeUpstream: observeUpstream(registry),
    watchScheduler: watchScheduler(registry),
    watchDatabase(options) {
      slowQueries.open(options);
      storage.open(options);
    },
    readSeries: seriesReader(registry),
    alertSeries: alertSeries(registry),
    contentType: registry.contentType,
    text: () => expositionText(registry),
    describe() {
      const metrics = registry.getMetricsAsArray() as unknown as { name: string; type: string; labelNames: string[] }[];
      return metrics.map(({ name, type, labelNames }) => ({ name, type, labels: [...labelNames] }));
    },
    async close() {
      await Promise.all([slowQueries.close(), storage.close()]);
      registry.clear();
    },
  };
}
