import type { WatchedScheduler } from '../observers/scheduling/observe-scheduler.js';
import { addedSince, countOf, type LatencyCounts, meanOf, noLatencies, quantileOf } from './reading/latency-counts.js';
import type { Reading } from './reading/reading.js';
import type { Saving, Summary } from './summary-schema.js';

/**
 * What a summary is made of besides readings: `now` and `before` frame its window; `startedAtMs` is of the same
 * clock as they are.
 * @source product contract, Monitoring (`GET /metrics/summary`)
 */
export interface SummarySources {
  /** Epoch ms. */
  wallMs: number;
  startedAtMs: number;
  before: Reading;
  now: Reading;
  scheduler: WatchedScheduler;
  process: { residentBytes: number; heapUsedBytes: number };
  enabled: Record<string, boolean>;
  savings: Record<string, Saving>;
}

const rounded = (value: number | undefined, digits = 3) =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toFixed(digits));
const inMs = (seconds: number | undefined) => rounded(seconds === undefined ? undefined : seconds * 1000);
const within = (value: number | undefined) =>
  value === undefined ? null : Math.min(1, Math.max(0, rounded(value, 4) ?? 0));
const perDay = (perSecond: number | undefined) => (perSecond === undefined ? undefined : perSecond * 24 * 60 * 60);
const orNull = (value: number | undefined) => value ?? null;

function agentFigures(now: LatencyCounts, before: LatencyCounts | undefined) {
  const added = addedSince(now, before);
  return {
    invocations_total: countOf(now),
    avg_execution_time_s: rounded(meanOf(added)),
    p95_execution_time_s: rounded(quantileOf(added, 0.95)),
  };
}

function sumOf(all: Iterable<LatencyCounts>): LatencyCounts {
  let total = noLatencies;
  for (const one of all) {
    total =
      total === noLatencies
        ? one
        : {
            bounds: one.bounds,
            counts: one.counts.map((count, index) => count + (total.counts[index] ?? 0)),
            sum: one.sum + total.sum,
          };
  }
  return total;
}

function memoryFigures({ now, before }: SummarySources, type: 'graphiti' | 'temporal' | 'semantic') {
  const all = now.memory.get(type) ?? noLatencies;
  const added = addedSince(all, before.memory.get(type));
  const up = now.memoryUp.get(type);
  return {
    queries_total: countOf(all),
    avg_latency_ms: inMs(meanOf(added)),
    p95_latency_ms: inMs(quantileOf(added, 0.95)),
    reachable: up === undefined ? null : up === 1,
  };
}

function cacheFigures({ now, before }: SummarySources) {
  const names = new Set([...now.cacheHits.keys(), ...now.cacheMisses.keys()]);
  const figures = [...names].sort().map((name) => {
    const [hits, misses] = [now.cacheHits.get(name) ?? 0, now.cacheMisses.get(name) ?? 0];
    const addedHits = hits - (before.cacheHits.get(name) ?? 0);
    const added = addedHits + misses - (before.cacheMisses.get(name) ?? 0);
    const hit_rate = added === 0 ? null : within(addedHits / added);
    return [name, { requests_total: hits + misses, hits_total: hits, hit_rate }] as const;
  });
  return Object.fromEntries(figures);
}

/**
 * Makes the summary. Of a window in which nothing happened there are no means and percentiles: they are null there.
 * @source product contract, Monitoring (`GET /metrics/summary`)
 */
export function summarise(sources: SummarySources): Summary {
  const { wallMs, startedAtMs, before, now, scheduler, enabled, savings } = sources;
  const windowSeconds = (now.atMs - before.atMs) / 1000;
  const added = addedSince(now.latency, before.latency);
  const requests = now.requests - before.requests;
  const average = inMs(meanOf(added));
  const errorRate = requests === 0 ? 0 : (within((now.errors - before.errors) / requests) ?? 0);
  const caches = cacheFigures(sources);
  return {
    timestamp: new Date(wallMs).toISOString(),
    uptime_seconds: rounded((now.atMs - startedAtMs) / 1000) ?? 0,
    window_seconds: rounded(windowSeconds) ?? 0,
    api: {
      requests_total: now.requests,
      requests_per_second: windowSeconds > 0 ? (rounded(requests / windowSeconds) ?? 0) : 0,
      avg_latency_ms: average,
      p50_latency_ms: inMs(quantileOf(added, 0.5)),
      p95_latency_ms: inMs(quantileOf(added, 0.95)),
      p99_latency_ms: inMs(quantileOf(added, 0.99)),
      error_rate: errorRate,
      concurrent_requests: now.concurrentRequests,
    },
    agents: {
      ...agentFigures(sumOf(now.agents.values()), sumOf(before.agents.values())),
      by_type: Object.fromEntries(
        [...now.agents].sort().map(([type, counts]) => [type, agentFigures(counts, before.agents.get(type))]),
      ),
    },
    memory_system: {
      graphiti: memoryFigures(sources, 'graphiti'),
      temporal: memoryFigures(sources, 'temporal'),
      semantic: memoryFigures(sources, 'semantic'),
    },
    resources: {
      cpu_ratio: within(scheduler.load.cpu),
      memory_ratio: within(scheduler.load.memory),
      event_loop_delay_ms: rounded(scheduler.load.event_loop),
      resident_bytes: sources.process.residentBytes,
      heap_used_bytes: sources.process.heapUsedBytes,
      database_bytes: orNull(now.databaseBytes),
      database_growth_bytes_per_day: rounded(perDay(now.databaseGrowthBytesPerSecond), 0),
      disk_free_bytes: orNull(now.diskFreeBytes),
      disk_free_ratio: within(now.diskFreeRatio),
      scheduler: { limit: scheduler.limit, running: scheduler.running, waiting: scheduler.waiting },
    },
    caches,
    cache_hit_rate: caches.canvas_files?.hit_rate ?? null,
    optimization_enabled: enabled,
    optimization_savings: savings,
    api_requests_total: now.requests,
    avg_latency_ms: average ?? 0,
    error_rate: errorRate,
    concurrent_requests: now.concurrentRequests,
  };
}
