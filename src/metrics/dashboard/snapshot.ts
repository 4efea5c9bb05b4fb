import { z } from 'zod';
import type { ObservableCache } from '../../cache/index.js';
import type { FlagState } from '../../optimizations/index.js';
import type { SchedulerState } from '../../scheduler/index.js';
import type { Imports } from '../../trajectories/index.js';
import { type Alert, alertSchema } from '../alerts/alert.js';
import { type History, historyRanges } from '../history/history.js';
import { type LimitChanges, limitChangeSchema } from '../history/limit-changes.js';
import { type Frame, memoryTypes } from '../history/series.js';
import { countOf, meanOf, quantileOf } from '../summary/reading/latency-counts.js';
import { type Saving, savingSchema } from '../summary/summary-schema.js';
import { effectSchema, flagEffects } from './flag-effects.js';

const rowSchema = z.array(z.number().nullable());
const nullableNumber = z.number().nullable();

/**
 * All that the page shows, but for the past. Times are epoch seconds or, in text, ISO 8601; ratios lie between 0 and 1.
 * `savings` and `alerts` are null in a service that has none of the kind.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const snapshotSchema = z.object({
  time: z.number(),
  version: z.string(),
  started: z.number(),
  now: z.record(z.string(), nullableNumber).describe('the columns of the history over the last minute'),
  points: z.record(z.string(), rowSchema).describe('the newest point of each range'),
  flags: z.record(
    z.string(),
    z.object({ enabled: z.boolean(), effective: z.boolean(), since: z.string(), reason: z.string() }),
  ),
  effects: z.record(z.string(), z.array(effectSchema)),
  failures: z.record(z.string(), z.number()).describe('times that an optimised way failed, since the start'),
  savings: z.record(z.string(), savingSchema).nullable(),
  sample_rate: nullableNumber.describe('share of the requests that are measured both ways'),
  alerts: z.array(alertSchema).nullable(),
  scheduler: z.object({
    limit: z.number(),
    reason: z.string(),
    running: z.number(),
    waiting: z.number(),
    load: z.record(z.string(), z.number()),
    upstreams: z.record(z.string(), z.object({ limit: z.number(), running: z.number() })),
    changes: z.array(limitChangeSchema),
  }),
  agents: z.array(
    z.object({
      type: z.string(),
      calls: z.number(),
      failed: z.number(),
      mean_ms: nullableNumber,
      p95_ms: nullableNumber,
    }),
  ),
  model: z.boolean().describe('whether a chat model is configured'),
  memories: z.array(
    z.object({
      type: z.string(),
      reachable: z.boolean().nullable(),
      queries: z.number(),
      mean_ms: nullableNumber,
      p95_ms: nullableNumber,
    }),
  ),
  caches: z.array(
    z.object({
      name: z.string(),
      entries: z.number(),
      bytes: z.number(),
      max_bytes: z.number(),
      hits: z.number(),
      misses: z.number(),
    }),
  ),
  imports: z.object({
    waiting: z.number(),
    running: z.number(),
    latest: z.array(
      z.object({
        id: z.string(),
        status: z.string(),
        progress: z.number(),
        imported: z.number(),
        skipped: z.number(),
        failed: z.number(),
        created: z.number(),
        completed: nullableNumber,
        rows_per_second: nullableNumber.describe('null once it has ended'),
        eta_seconds: nullableNumber,
      }),
    ),
  }),
});

/** @source product contract, Monitoring (`GET /dashboard`) */
export type Snapshot = z.infer<typeof snapshotSchema>;

/**
 * Where the page's figures come from, each asked for when it is needed.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface DashboardSources {
  flags(): Readonly<Record<string, FlagState>>;
  /** What was measured of each optimisation; of those without a sample nothing is there. */
  savings?(): Readonly<Record<string, Saving>>;
  /** `verification.sample_rate`. */
  sampleRate?(): number;
  alerts?(): readonly Alert[];
  scheduler(): SchedulerState;
  /** Whether a chat model is configured. */
  hasModel: boolean;
  caches: readonly Pick<ObservableCache, 'name' | 'statistics'>[];
  imports: Pick<Imports, 'unfinished' | 'history' | 'progress'>;
}

const shownImports = 5;
const shownChanges = 100;

/**
 * How things are now, from one frame of the metrics and the parts' own words.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export function takeSnapshot(
  sources: DashboardSources,
  frame: Frame,
  history: History,
  changes: LimitChanges,
  about: { version: string; started: number; time: number },
): Snapshot {
  const { readings } = frame;
  const flags = sources.flags();
  const scheduler = sources.scheduler();
  const names = Object.keys(flags);
  return {
    ...about,
    now: history.lastMinute(),
    points: Object.fromEntries(
      historyRanges.flatMap((range) => {
        const row = history.newest(range);
        return row === undefined ? [] : [[range, row]];
      }),
    ),
    flags,
    effects: flagEffects(names, readings),
    failures: Object.fromEntries(
      names.map((flag) => [
        flag,
        readings.total('canvas_optimization_failures_total', (labels) => labels.flag === flag),
      ]),
    ),
    savings: sources.savings?.() ?? null,
    sample_rate: sources.sampleRate?.() ?? null,
    alerts: sources.alerts ? [...sources.alerts()] : null,
    scheduler: {
      limit: scheduler.limit,
      reason: scheduler.reason,
      running: scheduler.running,
      waiting: scheduler.waiting,
      load: { ...scheduler.load } as Record<string, number>,
      upstreams: scheduler.upstreams,
      changes: changes.recent().slice(-shownChanges),
    },
    agents: agentsOf(frame),
    model: sources.hasModel,
    memories: memoryTypes.map((type) => ({
      type,
      reachable: isUp(readings.value('canvas_memory_up', (labels) => labels.memory_type === type)),
      ...named('queries', timesOf(frame, 'canvas_memory_query_seconds', 'memory_type', type)),
    })),
    caches: sources.caches.map((cache) => ({ name: cache.name, ...cache.statistics() })),
    imports: importsOf(sources.imports),
  };
}

const isUp = (up: number | undefined) => (up === undefined ? null : up === 1);

interface Times {
  count: number;
  mean_ms: number | null;
  p95_ms: number | null;
}

function timesOf({ readings }: Frame, metric: string, label: string, value: string): Times {
  const times = readings.histogram(metric, (labels) => labels[label] === value);
  const inMs = (seconds: number | undefined) => (seconds === undefined ? null : seconds * 1000);
  return { count: countOf(times), mean_ms: inMs(meanOf(times)), p95_ms: inMs(quantileOf(times, 0.95)) };
}

function named<Name extends string>(name: Name, { count, ...times }: Times) {
  return { [name]: count, ...times } as Record<Name, number> & Omit<Times, 'count'>;
}

function agentsOf(frame: Frame): Snapshot['agents'] {
  const { readings } = frame;
  return readings.labelValues('canvas_agent_calls_total', 'agent_type').map((type) => {
    const calls = readings.total('canvas_agent_calls_total', (labels) => labels.agent_type === type);
    const failed = readings.total(
      'canvas_agent_calls_total',
      (labels) => labels.agent_type === type && labels.outcome === 'failed',
    );
    const { mean_ms, p95_ms } = timesOf(frame, 'canvas_agent_execution_seconds', 'agent_type', type);
    return { type, calls, failed, mean_ms, p95_ms };
  });
}

function importsOf(imports: DashboardSources['imports']): Snapshot['imports'] {
  const { pending, processing } = imports.unfinished();
  const { data } = imports.history(shownImports, 0);
  return {
    waiting: pending,
    running: processing,
    latest: data.map((task) => ({
      id: task.task_id,
      status: task.status,
      progress: task.progress,
      imported: task.imported_count,
      skipped: task.skipped_count,
      failed: task.failed_count,
      created: task.created_at,
      completed: task.completed_at,
      ...(task.completed_at === null ? speedOf(imports, task.task_id) : { rows_per_second: null, eta_seconds: null }),
    })),
  };
}

function speedOf(imports: DashboardSources['imports'], taskId: string) {
  const { rows_per_second, eta_seconds } = imports.progress(taskId);
  return { rows_per_second, eta_seconds };
}
