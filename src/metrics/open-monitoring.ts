import path from 'node:path';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Logger } from '../logger.js';
import type { Alert } from './alerts/alert.js';
import { alertRoutes } from './alerts/alert-routes.js';
import { openAlerts } from './alerts/open-alerts.js';
import type { ConfigFiles } from './alerts/rules/alert-config.js';
import { longestWindowMs } from './alerts/rules/alert-rule.js';
import { type Clock, systemClock } from './clock.js';
import type { Metrics } from './metrics.js';
import type { WatchedScheduler } from './observers/scheduling/observe-scheduler.js';
import { folderProbe, graphitiProbe, type MemoryProbe, watchMemories } from './summary/memory-probes.js';
import { takeReading } from './summary/reading/reading.js';
import { RecentReadings } from './summary/reading/recent-readings.js';
import { summarise } from './summary/summarise.js';
import { summaryRoutes } from './summary/summary-routes.js';
import type { Saving, Summary } from './summary/summary-schema.js';

const lookEveryMs = 5000;
const summaryWindowMs = 300_000;

/**
 * - `alertsConfig`: path of the rules. `dataDir` and `lanceUri`: absolute paths; alerts are told in a file in the first.
 * - `flags` and `savings`: what each optimisation is (`all` is the master switch) and saves, asked at each summary.
 * @source product contract, Monitoring
 */
export interface MonitoringOptions {
  metrics: Pick<Metrics, 'readSeries' | 'alertSeries' | 'observeUpstream'>;
  alertsConfig: string;
  configFiles: ConfigFiles;
  dataDir: string;
  lanceUri: string;
  graphitiUrl: string | undefined;
  alertWebhookUrl: string | undefined;
  scheduler: () => WatchedScheduler;
  flags: () => Record<string, { effective: boolean }>;
  savings: () => Record<string, Saving>;
  logger: Logger;
  clock?: Clock;
  /** How each memory is looked at; for tests. */
  memoryProbes?: Readonly<Record<string, MemoryProbe>>;
}

/**
 * The eye on the running service: figures of the last minutes, and the alerts that follow from them.
 * @source product contract, Monitoring
 */
export interface Monitoring {
  /** `GET /metrics/summary`, `GET /metrics/alerts` */
  routes: FastifyPluginAsyncZod[];
  summary(): Promise<Summary>;
  alerts: { active(): Alert[] };
  /** Reads the alert rules now. @throws Problem `ALERT_CONFIG_INVALID`; the last good ones stay */
  reload(): void;
  close(): Promise<void>;
}

/**
 * Begins to look, every 5 s.
 * @throws Error when the address of the webhook cannot be used
 * @source product contract, Settled details ("Alerts are evaluated every 5 s")
 */
export async function openMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const { dataDir, lanceUri, graphitiUrl, logger, clock = systemClock } = options;
  const { readSeries, alertSeries, observeUpstream } = options.metrics;
  const alerts = openAlerts({
    configPath: options.alertsConfig,
    files: options.configFiles,
    logFile: path.join(dataDir, 'alerts.jsonl'),
    webhookUrl: options.alertWebhookUrl,
    series: alertSeries,
    logger,
    clock,
    onUpstreamEvent: observeUpstream,
  });
  const first = await takeReading(readSeries, clock.now());
  const recent = new RecentReadings(first, longestWindowMs);
  const server = graphitiUrl === undefined ? undefined : graphitiProbe(graphitiUrl, observeUpstream);
  const probes = options.memoryProbes ?? {
    graphiti: server?.probe ?? folderProbe(lanceUri),
    temporal: folderProbe(path.join(dataDir, 'events')),
    semantic: folderProbe(lanceUri),
  };
  const stopProbes = watchMemories(probes, clock, alertSeries.setMemoryUp);
  let looking: Promise<void> | undefined;

  async function look() {
    const now = await takeReading(readSeries, clock.now());
    recent.add(now);
    alerts.evaluate(recent, now);
  }

  const stop = clock.every(lookEveryMs, () => {
    looking ??= look()
      .catch((error: unknown) => logger.error({ err: error }, 'alert rules could not be looked at'))
      .finally(() => {
        looking = undefined;
      });
  });

  async function summary(): Promise<Summary> {
    const now = await takeReading(readSeries, clock.now());
    const { rss, heapUsed } = process.memoryUsage();
    const { all: _all, ...flags } = options.flags();
    const enabled = Object.fromEntries(Object.entries(flags).map(([name, { effective }]) => [name, effective]));
    return summarise({
      wallMs: clock.wall(),
      startedAtMs: first.atMs,
      before: recent.before(now.atMs, summaryWindowMs),
      now,
      scheduler: options.scheduler(),
      process: { residentBytes: rss, heapUsedBytes: heapUsed },
      enabled,
      savings: options.savings(),
    });
  }

  return {
    routes: [summaryRoutes(summary), alertRoutes(alerts)],
    summary,
    alerts: { active: alerts.active },
    reload: alerts.reload,
    async close() {
      stop();
      stopProbes();
      server?.close();
      await looking;
      await alerts.close();
    },
  };
}
