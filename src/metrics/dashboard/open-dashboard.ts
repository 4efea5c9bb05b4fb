import path from 'node:path';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Logger } from '../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import { readFrame } from '../history/frame.js';
import { openHistory } from '../history/history.js';
import { openProcessReader } from '../history/process-readings.js';
import type { Frame } from '../history/series.js';
import type { Metrics } from '../metrics.js';
import { dashboardRoutes } from './dashboard-routes.js';
import { type DashboardSources, takeSnapshot } from './snapshot.js';
import { Viewers } from './viewers.js';

const lookEveryMs = 2000;
const defaultMaxViewers = 50;

/**
 * The dashboard of the running service.
 * @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`)
 */
export interface Dashboard {
  routes: FastifyPluginAsyncZod;
  /** Looks once, now: what its own clock does every two seconds. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** @source product contract, Monitoring (`GET /dashboard`) */
export interface DashboardOptions extends DashboardSources {
  dataDir: string;
  version: string;
  metrics: Pick<Metrics, 'readSeries' | 'limitChanges'>;
  logger: Logger;
  maxViewers?: number;
  clock?: Pick<Clock, 'now' | 'wall' | 'every'>;
}

/**
 * Opens the dashboard with its history. Every two seconds it takes a sample, and tells it to whoever looks; a look that
 * fails is logged once, and the next one is taken as if nothing had happened.
 * @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`)
 */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { metrics, logger, version, clock = systemClock } = options;
  const viewers = new Viewers(options.maxViewers ?? defaultMaxViewers);
  const process = openProcessReader();
  const started = clock.wall() / 1000;
  const history = await openHistory({
    file: path.join(options.dataDir, 'dashboard-history.bin'),
    read: (elapsedSeconds) => readFrame(metrics.readSeries, process, elapsedSeconds),
    limitChanges: metrics.limitChanges,
    logger,
    clock,
  });
  let looking: Promise<void> | undefined;
  let saidWhy = false;

  const sayWhy = (error: unknown) => {
    if (!saidWhy) logger.error({ err: error }, 'the dashboard could not look at the service');
    saidWhy = true;
  };
  const snapshotOf = (frame: Frame) => {
    const about = { version, started, time: clock.wall() / 1000 };
    try {
      return JSON.stringify(takeSnapshot(options, frame, history, metrics.limitChanges, about));
    } catch (error) {
      sayWhy(error);
      return undefined;
    }
  };
  async function lookNow(): Promise<void> {
    try {
      const frame = await history.sample();
      viewers.tell(() => snapshotOf(frame));
    } catch (error) {
      sayWhy(error);
    }
  }
  const look = () => {
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const stopLooking = clock.every(lookEveryMs, () => void look());
  await look();

  return {
    routes: dashboardRoutes({ viewers, table: history.table }),
    look,
    async close() {
      stopLooking();
      await looking;
      await history.close();
      process.close();
    },
  };
}
