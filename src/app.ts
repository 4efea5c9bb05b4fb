import { mkdir } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { cacheRoutes } from './cache/index.js';
import { canvasRoutes, foldCanvasPath, openCanvases } from './canvases/index.js';
import { createServer, healthRoutes } from './http/index.js';
import type { Logger } from './logger.js';
import { createMetrics, dashboardRoutes, metricsRoutes } from './metrics/index.js';
import { openFlags, optimizationRoutes } from './optimizations/index.js';
import type { Settings } from './settings.js';
import {
  analysisRoutes,
  exportRoutes,
  importRoutes,
  openImports,
  openTrajectories,
  questionRoutes,
  recordRoutes,
  trajectoryRoutes,
} from './trajectories/index.js';

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

  const canvases = await openCanvases({
    vaultDir: settings.vaultDir,
    dataDir: settings.dataDir,
    cache: flags.optimization('canvas_cache'),
    fastJson: flags.optimization('fast_json'),
    batchWriter: flags.optimization('batch_writer'),
    logger,
    onEvent: metrics.observeCanvases,
  });
  metrics.watchWrites(() => ({ writes: canvases.pendingWrites(), bytes: canvases.pendingBytes() }));

  const trajectories = await openTrajectories({
    lanceUri: settings.lanceUri,
    nativeQuery: flags.optimization('native_query'),
    analysisById: flags.optimization('analysis_by_ids'),
    queryCache: flags.optimization('query_cache'),
    scalarIndexes: flags.optimization('scalar_indexes'),
    logger,
    onEvent: metrics.observeTrajectories,
  });
  onIndexSwitch = () => void trajectories.maintain();
  const imports = await openImports({
    dataDir: settings.dataDir,
    lanceUri: settings.lanceUri,
    importDirs: settings.importDirs,
    batchImport: flags.optimization('batch_import'),
    bulkDuplicateCheck: flags.optimization('bulk_duplicate_check'),
    onRowsCommitted: trajectories.refresh,
    onImported: () => void trajectories.maintain(),
    logger,
    onEvent: metrics.observeImports,
  });
  metrics.watchImports(imports.unfinished);

  let draining = false;
  const server = await createServer({
    logger,
    version,
    allowedHosts: settings.allowedHosts,
    corsOrigins: settings.corsOrigins,
    apiToken: settings.apiToken,
    foldUrl: foldCanvasPath,
    draining: () => draining,
    onEvent: metrics.observeRequest,
    routes: [
      healthRoutes({
        draining: () => draining,
        components: () => ({ canvases: { ready: true }, trajectories: { ready: true }, imports: { ready: true } }),
      }),
      metricsRoutes(metrics),
      dashboardRoutes(),
      optimizationRoutes(flags),
      cacheRoutes(trajectories.caches),
      canvasRoutes(canvases),
      importRoutes(imports),
      analysisRoutes(trajectories),
      questionRoutes(trajectories),
      exportRoutes(trajectories),
      recordRoutes(trajectories),
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
      await server.close();
      await canvases.close();
      await trajectories.close();
      flags.close();
      metrics.close();
    },
  };
}
