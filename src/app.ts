import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { agentRoutes, openAgents, openAiChatModel, structuredModel } from './agents/index.js';
import { cacheRoutes, createResultCache, openCacheStore } from './cache/index.js';
import { canvasRoutes, directCanvases, foldCanvasPath, openCanvases, parsedCanvases } from './canvases/index.js';
import { createServer, healthRoutes } from './http/index.js';
import type { Logger } from './logger.js';
import { type KeptAnswer, openMemory } from './memory/index.js';
import { createMetrics, dashboardRoutes, metricsRoutes } from './metrics/index.js';
import { openFlags, optimizationRoutes } from './optimizations/index.js';
import { backgroundOf, openExecutionEngine, openScheduler } from './scheduler/index.js';
import type { Settings } from './settings.js';
import {
  analysisRoutes,
  exportRoutes,
  importRoutes,
  openImports,
  openTrajectories,
  openTrajectorySearch,
  questionRoutes,
  recordRoutes,
  searchRoutes,
  trajectoryRoutes,
} from './trajectories/index.js';
import { openUpstream, type UpstreamEvent } from './upstream/index.js';

/**
 * The running product. `close()` answers what is under way, stores what was accepted, and lets go of everything.
 * @source product contract; house rules ("app.ts: the product on one page")
 */
export interface App {
  server: FastifyInstance;
  /** Reads the optimisation flags again; a bad file is logged and the last good one stays. */
  reload(): void;
  close(): Promise<void>;
}

/** Writes to one record that may change what a search finds. */
const textOperations: ReadonlySet<string> = new Set(['create', 'replace', 'delete']);

/**
 * Builds every part, hands it what it needs, and mounts its routes. It does not listen.
 * @param version of the service, as its documents and metrics say it
 * @throws Error when a folder, the flags' file or the database cannot be used; the message names which
 * @source product contract; story-17.4 tasks 1 to 8; trajectory-optimization 1 and 2
 */
export async function buildApp(settings: Settings, logger: Logger, version: string): Promise<App> {
  for (const folder of [settings.dataDir, ...settings.importDirs]) await mkdir(folder, { recursive: true });
  const metrics = createMetrics(version);
  let onIndexSwitch = () => {};
  const flags = openFlags({
    path: settings.optimizationConfig,
    logger,
    onEvent: (event) => {
      metrics.observeFlags(event);
      if (event.type === 'switch_set' && event.flag === 'scalar_indexes') onIndexSwitch();
    },
  });

  const scheduler = openScheduler({
    flag: flags.optimization('scheduler'),
    logger,
    onEvent: metrics.observeScheduler,
  });
  metrics.watchScheduler(scheduler.state);
  const observeUpstream = (event: UpstreamEvent) => {
    metrics.observeUpstream(event);
    scheduler.observeUpstream(event);
  };

  const canvases = await openCanvases({
    inBackground: backgroundOf(scheduler, { name: 'canvas', kind: 'compression' }),
    vaultDir: settings.vaultDir,
    dataDir: settings.dataDir,
    cache: flags.optimization('canvas_cache'),
    fastJson: flags.optimization('fast_json'),
    batchWriter: flags.optimization('batch_writer'),
    logger,
    onEvent: metrics.observeCanvases,
  });
  metrics.watchWrites(() => ({ writes: canvases.pendingWrites(), bytes: canvases.pendingBytes() }));

  const cacheFile = openCacheStore({
    file: path.join(settings.dataDir, 'cache.db'),
    flag: flags.optimization('l2_cache'),
    onEvent: metrics.observeCaches,
  });
  metrics.watchCacheFile(cacheFile.statistics);
  const results = { store: cacheFile, onEvent: metrics.observeCaches };
  const modelAnswers = createResultCache<object>('llm_responses', results);
  const chat = settings.chat;
  const chatServer = chat && openUpstream({ name: 'model', policy: 'model', ...chat, onEvent: observeUpstream });
  const model = chat && chatServer && openAiChatModel({ server: chatServer, ...chat });
  const graphAnswers = createResultCache<KeptAnswer>('memory_results', {
    ...results,
    // Each answer of a server says itself how long it is good.
    ...(settings.graphitiUrl !== undefined && { ttlMs: null }),
  });
  const makingVectors = backgroundOf(scheduler, {
    name: 'vectors',
    kind: 'embedding',
    ...(settings.embedding.kind === 'openai' && { upstream: 'embedding' }),
  });
  const memory = await openMemory({
    ...settings,
    canvases,
    byteStore: cacheFile,
    answers: graphAnswers,
    askModel: model && structuredModel(model),
    makingVectors,
    flags: {
      batchEmbedding: flags.optimization('batch_embedding'),
      embeddingCache: flags.optimization('embedding_cache'),
      temporalPartitions: flags.optimization('temporal_partitions'),
      graphCache: flags.optimization('graph_cache'),
    },
    observers: { ...metrics, observeUpstream },
    logger,
  });
  metrics.watchMemoryStorage('temporal', memory.storageBytes.temporal);
  metrics.watchMemoryStorage('graphiti', memory.storageBytes.graphiti);
  metrics.watchCanvasSearch(memory.canvasSearch.progress);
  let onAllOpen = () => {};
  const allOpen = new Promise<void>((resolve) => {
    onAllOpen = resolve;
  });
  const trajectories = await openTrajectories({
    lanceUri: settings.lanceUri,
    nativeQuery: flags.optimization('native_query'),
    analysisById: flags.optimization('analysis_by_ids'),
    queryCache: flags.optimization('query_cache'),
    scalarIndexes: flags.optimization('scalar_indexes'),
    indexPrewarm: flags.optimization('index_prewarm'),
    inBackground: backgroundOf(scheduler, { name: 'prewarm', kind: 'prewarm' }),
    moreToPrewarm: async () => {
      await allOpen;
      return [...(await search.prewarmSteps()), ...(await memory.canvasSearch.prewarmSteps())];
    },
    logger,
    onEvent: (event) => {
      metrics.observeTrajectories(event);
      if (event.type === 'record_written' && textOperations.has(event.operation)) search.changed();
    },
  });
  onIndexSwitch = () => void trajectories.maintain();
  // After the trajectories: they look after damaged tables when they open them.
  const search = await openTrajectorySearch({
    lanceUri: settings.lanceUri,
    embedder: memory.embedder,
    inBackground: makingVectors,
    logger,
    onEvent: metrics.observeSearch,
  });
  onAllOpen();
  metrics.watchVectors(search.progress);
  const imports = await openImports({
    dataDir: settings.dataDir,
    lanceUri: settings.lanceUri,
    importDirs: settings.importDirs,
    batchImport: flags.optimization('batch_import'),
    bulkDuplicateCheck: flags.optimization('bulk_duplicate_check'),
    exclusively: trajectories.exclusively,
    onRowsCommitted: () => {
      search.changed();
      return trajectories.refresh();
    },
    onImported: () => void trajectories.maintain(),
    inBackground: backgroundOf(scheduler, { name: 'import', kind: 'import', weight: 2 }),
    logger,
    onEvent: metrics.observeImports,
  });
  metrics.watchImports(imports.unfinished);

  const engine = await openExecutionEngine({
    scheduler,
    folder: path.join(settings.dataDir, 'jobs'),
    logger,
    onEvent: metrics.observeJobs,
  });
  const agents = openAgents({
    canvases: parsedCanvases(canvases),
    model,
    answers: modelAnswers,
    scheduler,
    engine,
    onEvent: (event) => {
      metrics.observeAgents(event);
      memory.recorder.agentRan(event);
    },
  });

  let draining = false;
  const server = await createServer({
    logger,
    version,
    allowedHosts: settings.allowedHosts,
    corsOrigins: settings.corsOrigins,
    apiToken: settings.apiToken,
    foldUrl: foldCanvasPath,
    direct: directCanvases(canvases),
    draining: () => draining,
    onEvent: metrics.observeRequest,
    routes: [
      healthRoutes({
        draining: () => draining,
        components: () => ({
          canvases: { ready: true },
          trajectories: { ready: true, ...trajectories.detail() },
          imports: { ready: true },
        }),
      }),
      metricsRoutes(metrics),
      dashboardRoutes(),
      optimizationRoutes(flags),
      cacheRoutes([...trajectories.caches, memory.embedder.cache, modelAnswers, graphAnswers], cacheFile),
      canvasRoutes(canvases),
      importRoutes(imports),
      analysisRoutes(trajectories),
      questionRoutes(trajectories),
      exportRoutes(trajectories),
      recordRoutes(trajectories),
      agentRoutes(agents),
      searchRoutes(search),
      ...memory.routes,
      trajectoryRoutes(trajectories),
    ],
  });

  return {
    server,
    reload() {
      try {
        flags.reload();
      } catch {
        // Said in the log and in a metric by the flags themselves.
      }
    },
    async close() {
      draining = true;
      // Imports first: a request that waits for one to end is answered, and the server can close.
      await imports.close();
      await engine.close();
      await scheduler.close();
      await server.close();
      await canvases.close();
      await search.close();
      await trajectories.close();
      await memory.close();
      chatServer?.close();
      await cacheFile.close();
      flags.close();
      metrics.close();
    },
  };
}
