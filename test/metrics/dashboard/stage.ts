import type { FastifyInstance } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { ServerOptions } from '../../../src/http/index.js';
import { createLogger } from '../../../src/logger.js';
import type { DashboardSources } from '../../../src/metrics/dashboard/snapshot.js';
import { createMetrics, dashboardPagePaths, type Metrics, openDashboard } from '../../../src/metrics/index.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startTestServer } from '../../support/server.js';

/** A dashboard on a server of its own, whose figures the test decides. */
export interface Stage {
  server: FastifyInstance;
  metrics: Metrics;
  clock: ManualClock;
  folder: string;
  sources: DashboardSources;
  /** The bodies of the flips that were asked for, by flag. */
  flips: { name: string; enabled: boolean }[];
  /** Moves the clock on by two seconds: one more look at the service. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const since = '2025-12-31T23:50:00.000Z';
const flag = (enabled: boolean) => ({ enabled, effective: enabled, since, reason: 'on in the configuration file' });
const kept = { evictions: 0, expirations: 0 };
const times = (mean: number, p95: number) => ({ count: 240, mean_ms: mean, p95_ms: p95 });

/** What the parts would tell: some of everything. */
export function madeUpSources(): DashboardSources {
  const flags = {
    all: flag(true),
    canvas_cache: flag(true),
    batch_writer: flag(true),
    fast_json: flag(true),
    query_cache: { ...flag(false), reason: 'off: 2 mismatches within 60 s' },
  };
  return {
    flags: () => flags,
    savings: () => ({
      canvas_cache: {
        baseline: times(2.31, 4.1),
        optimized: times(0.42, 0.9),
        saved_ms: 1.89,
        saved_ratio: 0.818,
        interval: [1.7, 2.05],
        samples: 240,
        distinguishable: true,
        unit: 'ms',
      },
      fast_json: {
        baseline: times(0.31, 0.5),
        optimized: times(0.3, 0.5),
        saved_ms: 0.01,
        saved_ratio: 0.03,
        interval: [-0.02, 0.05],
        samples: 40,
        distinguishable: false,
        unit: 'ms',
      },
    }),
    sampleRate: () => 0.01,
    alerts: () => [
      {
        name: 'ApiLatencyHigh',
        severity: 'warning',
        since: '2025-12-31T23:58:00.000Z',
        value: 1.4,
        threshold: 1,
        summary: 'p95 of API requests above 1 s',
        labels: {},
      },
    ],
    scheduler: () => ({
      limit: 25,
      reason: 'cpu',
      running: 3,
      waiting: 0,
      load: { cpu: 0.92, memory: 0.4, event_loop: 12 },
      upstreams: { model: { limit: 8, running: 2 } },
    }),
    hasModel: false,
    caches: [
      {
        name: 'canvas_files',
        statistics: () => ({ entries: 12, bytes: 5e6, max_bytes: 2.6e8, hits: 990, misses: 10, ...kept }),
      },
      { name: 'query', statistics: () => ({ entries: 0, bytes: 0, max_bytes: 6.7e7, hits: 0, misses: 0, ...kept }) },
    ],
    imports: {
      unfinished: () => ({ pending: 1, processing: 1 }),
      progress: () => ({ rows_per_second: 1800, eta_seconds: 2.1 }) as never,
      history: () => ({
        total: 1,
        data: [
          {
            task_id: '0b5c6e0a-0000-4000-8000-000000000001',
            success: false,
            status: 'processing',
            progress: 62,
            imported_count: 6200,
            failed_count: 3,
            skipped_count: 10,
            message: '',
            created_at: Date.UTC(2025, 11, 31, 23, 59) / 1000,
            completed_at: null,
          },
        ],
      }),
    },
  };
}

/** Takes the place of the flags' own route: refuses `query_cache`, and turns every other one. */
function flagRoute(sources: DashboardSources, flips: Stage['flips']): FastifyPluginAsyncZod {
  return async (server) => {
    server.put(
      '/admin/flags/:name',
      { schema: { params: z.object({ name: z.string() }), body: z.object({ enabled: z.boolean() }) } },
      async (request, reply) => {
        const { name } = request.params;
        const { enabled } = request.body;
        flips.push({ name, enabled });
        if (name === 'query_cache') return reply.code(409).send({ detail: 'rolled back; see docs/rollback.md' });
        Object.assign(sources.flags()[name] ?? {}, { enabled, effective: enabled, reason: 'by hand' });
        return { enabled };
      },
    );
  };
}

/** Opens the stage; `folder` carries the past of an earlier one on. */
export async function openStage(
  given: { sources?: DashboardSources; folder?: string; clock?: ManualClock; server?: Partial<ServerOptions> } = {},
): Promise<Stage> {
  const { sources = madeUpSources(), clock = new ManualClock() } = given;
  const folder = given.folder ?? (await temporaryFolder());
  const metrics = createMetrics('0.0.0-test');
  const flips: Stage['flips'] = [];
  const dashboard = await openDashboard({
    ...sources,
    dataDir: folder,
    version: '0.0.0-test',
    metrics,
    logger: createLogger('silent'),
    // The stage looks when the test says so, and only then.
    clock: { now: () => clock.now(), wall: () => clock.wall(), every: () => () => {} },
    maxViewers: 3,
  });
  const server = await startTestServer([dashboard.routes, flagRoute(sources, flips)], {
    openPaths: dashboardPagePaths,
    ...given.server,
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      await server.close();
      await dashboard.close();
      await metrics.close();
    })();
    return closing;
  };
  onTestFinished(close);
  const look = async () => {
    await clock.advance(2000);
    await dashboard.look();
  };
  return { server, metrics, clock, folder, sources, flips, look, close };
}

/** Makes a quarter of an hour of traffic, with a look every two seconds of it, none of it waited for. */
export async function playTraffic({ metrics, look }: Stage, looks: number): Promise<void> {
  for (let index = 0; index < looks; index++) {
    const busy = 20 + Math.round(15 * Math.sin(index / 20));
    for (let i = 0; i < busy; i++) {
      const slow = (i * 7 + index) % 19 === 0;
      metrics.observeRequest({ type: 'started' });
      metrics.observeRequest({
        type: 'answered',
        method: 'GET',
        endpoint: '/canvas/*',
        status: (i + index) % 50 === 0 ? 404 : 200,
        durationSeconds: slow ? 0.04 : 0.0008 + (i % 5) * 0.0009,
      });
    }
    await look();
  }
}
