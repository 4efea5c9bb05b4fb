import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { agentRoutes, openAgents, openAiChatModel, structuredModel } from './agents/index.js';
import { cacheRoutes, createResultCache, openCacheStore } from './cache/index.js';
import {
  canvasRoutes,
  directCanvases,
  foldCanvasPath,
  openCanvases,
  openOnDataFolder,
  parsedCanvases,
} from './canvases/index.js';
import { endsWithin } from './ends-within.js';
import { closeServer, createServer, healthRoutes, rehearse } from './http/index.js';
import type { Logger } from './logger.js';
import { type KeptAnswer, openMemory } from './memory/index.js';
import { createMetrics, dashboardPagePaths, metricsRoutes, openDashboard, openMonitoring } from './metrics/index.js';
import { configFiles, openFlags, optimizationRoutes } from './optimizations/index.js';
import { backgroundOf, openExecutionEngine, openScheduler } from './scheduler/index.js';
import type { Settings } from './settings.js';
import { openTrajectoryLibrary } from './trajectories/index.js';
import { openCacheTuning, tunedFlags, tuningRoutes } from './tuning/index.js';
import { openUpstream, type UpstreamEvent } from './upstream/index.js';

/**
 * The running product. `close()` answers what is under way, stores what was accepted, and lets go of everything.
 * @source product contract; house rules ("app.ts: the product on one page")
 */
export interface App {
  server: FastifyInstance;
  /** Reads the optimisation flags and the alert rules again; a bad file is logged and the last good one stays. */
  reload(): void;
  close(): Promise<void>;
}

/** For what is under way when a stop begins; the canvases need the rest of the time that a stop has. */
const requestsGraceMs = 3000;

/** The database cannot be told to give up an index it is building. */
const upkeepGraceMs = 4000;

/**
 * Builds the product for one process at a time: the data folder is locked before anything is read from it, and let go of
 * after everything that writes there. It does not listen.
 * @param version of the service, as its documents and metrics say it
 * @throws Error when a folder, the flags' file or the database cannot be used; the message names which
 * @source product contract; story-17.4 tasks 1 to 8; trajectory-optimization 1 and 2
 */
export function buildApp(settings: Settings, logger: Logger, version: string): Promise<App> {
  return openOnDataFolder(settings, logger, (taken) => buildParts(settings, logger, version, taken));
}

/** Builds every part, hands it what it needs, and mounts its routes. */
async function buildParts(settings: Settings, logger: Logger, version: string, dataTaken: AbortSignal): Promise<App> {
  for (const folder of settings.importDirs) await mkdir(folder, { recursive: true });
  const metrics = createMetrics(version);
  let onSwitch = () => {};
  const flags = openFlags({
    path: settings.optimizationConfig,
    rollbackFile: path.join(settings.dataDir, 'rollbacks.json'),
    logger,
    onEvent: (event) => {
      metrics.observeFlags(event);
      if (event.type === 'switch_set') onSwitch();
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

  const tuned = tunedFlags(flags);
  const canvases = await openCanvases({
    inBackground: backgroundOf(scheduler, { name: 'canvas', kind: 'compression' }),
    vaultDir: settings.vaultDir,
    dataDir: settings.dataDir,
    dataTaken,
    cache: tuned.canvasCache,
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
      embeddingCache: tuned.embeddingCache,
      temporalPartitions: flags.optimization('temporal_partitions'),
      graphCache: flags.optimization('graph_cache'),
    },
    observers: { ...metrics, observeUpstream },
    logger,
  });
  metrics.watchMemoryStorage('temporal', memory.storageBytes.temporal);
  metrics.watchMemoryStorage('graphiti', memory.storageBytes.graphiti);
  metrics.watchMemoryStorage('semantic', memory.storageBytes.semantic);
  metrics.watchCanvasSearch(memory.canvasSearch.progress);
  let draining = false;
  let onServer = (_: FastifyInstance) => {};
  const built = new Promise<FastifyInstance>((resolve) => {
    onServer = resolve;
  });
  const { trajectories, search, imports, ...library } = await openTrajectoryLibrary({
    ...settings,
    nativeQuery: tuned.nativeQuery,
    analysisById: flags.optimization('analysis_by_ids'),
    queryCache: tuned.queryCache,
    scalarIndexes: flags.optimization('scalar_indexes'),
    indexPrewarm: flags.optimization('index_prewarm'),
    batchImport: flags.optimization('batch_import'),
    bulkDuplicateCheck: flags.optimization('bulk_duplicate_check'),
    embedder: memory.embedder,
    moreToPrewarm: memory.prewarmSteps,
    rehearsal: {
      after: built,
      async ask(url) {
        if (draining) return;
        await rehearse(await built, url, settings.apiToken).catch((error: unknown) => {
          logger.warn({ err: error }, 'a page could not be asked for at start: the first request may take longer');
        });
      },
    },
    background: {
      imports: backgroundOf(scheduler, { name: 'import', kind: 'import', weight: 2 }),
      prewarm: backgroundOf(scheduler, { name: 'prewarm', kind: 'prewarm' }),
      vectors: makingVectors,
    },
    observers: metrics,
    logger,
  });
  onSwitch = trajectories.switched;
  metrics.watchDatabase({ ...settings, logger });
  metrics.watchVectors(search.progress);
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

  const caches = [canvases.cache, ...trajectories.caches, memory.embedder.cache, modelAnswers, graphAnswers];
  const tuning = openCacheTuning({
    flags: tuned,
    caches,
    results: [modelAnswers, graphAnswers],
    policy: flags,
    logger,
    onEvent: metrics.observeTuning,
  });
  const monitoring = await openMonitoring({
    ...settings,
    configFiles,
    metrics,
    flags: flags.list,
    savings: flags.savings,
    scheduler: scheduler.state,
    logger,
  });
  const dashboard = await openDashboard({
    dataDir: settings.dataDir,
    version,
    metrics,
    flags: flags.list,
    savings: flags.savings,
    sampleRate: () => flags.policies().verification.sample_rate,
    alerts: monitoring.alerts.active,
    scheduler: scheduler.state,
    hasModel: model !== undefined,
    caches,
    imports,
    logger,
  });

  /** Reads both files, whether or not the first is good. */
  const reloadAll = () => {
    try {
      return flags.reload();
    } finally {
      monitoring.reload();
    }
  };

  const server = await createServer({
    logger,
    version,
    allowedHosts: settings.allowedHosts,
    corsOrigins: settings.corsOrigins,
    apiToken: settings.apiToken,
    openPaths: dashboardPagePaths,
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
          memory: { ready: true, ...memory.detail() },
        }),
      }),
      metricsRoutes(metrics),
      ...monitoring.routes,
      dashboard.routes,
      optimizationRoutes({ ...flags, reload: reloadAll }),
      cacheRoutes(caches, cacheFile),
      tuningRoutes(tuning),
      canvasRoutes(canvases),
      agentRoutes(agents),
      ...memory.routes,
      ...library.routes,
    ],
  });
  onServer(server);

  return {
    server,
    reload() {
      for (const { reload } of [flags, monitoring]) {
        try {
          reload();
        } catch {
          // Said in the log and in a metric by themselves.
        }
      }
    },
    async close() {
      draining = true;
      // Imports first: a request that waits for one to end is answered, and the server can close.
      const work = imports.close().then(engine.close).then(scheduler.close);
      const began = performance.now();
      await endsWithin(requestsGraceMs, work);
      await closeServer(server, Math.max(200, requestsGraceMs - (performance.now() - began)));
      await flags.stopComparing();
      await dashboard.close();
      tuning.close();
      await monitoring.close();
      await canvases.close();
      // All that was acknowledged is durable by now; what is left is upkeep, which may end anywhere.
      const upkeep = Promise.all([library.close(), memory.close()]);
      if (!(await endsWithin(upkeepGraceMs, upkeep))) logger.info('upkeep is cut off: it goes on after the next start');
      chatServer?.close();
      await cacheFile.close();
      flags.close();
      await metrics.close();
    },
  };
}
