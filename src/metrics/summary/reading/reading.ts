import type { Sample, SeriesReader } from '../../series-reader.js';
import { type LatencyCounts, latencyCounts, noLatencies } from './latency-counts.js';

/**
 * What the service has counted and holds at one moment, brought together over the series that nobody needs apart.
 * Counters count from the start of the process; `atMs` is by the monotonic clock.
 * @source story-17.4 AC5; product contract, Monitoring (`/metrics/summary`)
 */
export interface Reading {
  atMs: number;
  requests: number;
  /** Requests answered with a status of 500 or above. */
  errors: number;
  /** Without {@link longWork}. */
  latency: LatencyCounts;
  /** Readings of single canvases. */
  canvasReads: LatencyCounts;
  /** By type of agent. */
  agents: Map<string, LatencyCounts>;
  /** By type of memory. */
  memory: Map<string, LatencyCounts>;
  /** By name of the cache. */
  cacheHits: Map<string, number>;
  cacheMisses: Map<string, number>;
  /** By flag. */
  mismatches: Map<string, number>;
  /** By flag: 1 when the service turned it off by itself. */
  rolledBack: Map<string, number>;
  concurrentRequests: number;
  writerPendingWrites: number;
  writerPendingBytes: number;
  /** By configuration file: 1 when it was good when last read, else 0. */
  configGood: Map<string, number>;
  /** By type of memory: 1 when it can be reached, else 0. */
  memoryUp: Map<string, number>;
  databaseBytes: number | undefined;
  databaseGrowthBytesPerSecond: number | undefined;
  diskFreeBytes: number | undefined;
  diskFreeRatio: number | undefined;
}

/**
 * Endpoints whose time is that of a model, or of as much as the client sends or asks for: kept out of the latency of
 * requests, which would say nothing otherwise. They have histograms of their own. A regular expression, as Prometheus
 * and JavaScript both read it.
 * @source product contract, "The seed's targets, and ours" (agents: our overhead beyond the model's own time)
 */
export const longWork =
  '/agents/(invoke|batch)|/api/import(/json|/from-path)?|/api/analysis/import|/api/trajectories/export|/knowledge/add';

/**
 * The pattern of the route at which a canvas is read.
 * @source product contract, Canvases (`GET /canvas/{path}`)
 */
export const canvasEndpoint = '/canvas/:path';

const isLongWork = new RegExp(`^(?:${longWork})$`);

const text = (label: string | number | undefined) => String(label ?? '');

function total(samples: Sample[], passes: (labels: Sample['labels']) => boolean = () => true): number {
  return samples.reduce((sum, { labels, value }) => (passes(labels) ? sum + value : sum), 0);
}

function totalBy(samples: Sample[], label: string, passes: (labels: Sample['labels']) => boolean = () => true) {
  const totals = new Map<string, number>();
  for (const { labels, value } of samples) {
    const key = text(labels[label]);
    if (passes(labels)) totals.set(key, (totals.get(key) ?? 0) + value);
  }
  return totals;
}

/**
 * The metrics that a reading is made of.
 * @source product contract, Monitoring ("Names")
 */
export const metricsRead = [
  'canvas_api_requests_total',
  'canvas_api_request_latency_seconds',
  'canvas_api_concurrent_requests',
  'canvas_agent_execution_seconds',
  'canvas_memory_query_seconds',
  'canvas_memory_up',
  'canvas_cache_requests_total',
  'canvas_optimization_comparisons_total',
  'canvas_optimization_rolled_back',
  'canvas_writer_pending_writes',
  'canvas_writer_pending_bytes',
  'canvas_config_reload_success',
  'canvas_alert_config_reload_success',
  'canvas_database_bytes',
  'canvas_database_growth_bytes_per_second',
  'canvas_disk_free_bytes',
  'canvas_disk_free_ratio',
] as const;

/**
 * Reads what there is now.
 * @param atMs of the monotonic clock
 * @source product contract, Monitoring
 */
export async function takeReading(read: SeriesReader, atMs: number): Promise<Reading> {
  const entries = await Promise.all(metricsRead.map(async (name) => [name, await read(name)] as const));
  const all = new Map<string, Sample[]>(entries);
  const samplesOf = (name: (typeof metricsRead)[number]) => all.get(name) ?? [];
  const onlyValue = (name: (typeof metricsRead)[number]) => samplesOf(name)[0]?.value;
  const requests = samplesOf('canvas_api_requests_total');
  const seconds = samplesOf('canvas_api_request_latency_seconds');
  const latency = latencyCounts(seconds, ({ endpoint }) => (isLongWork.test(text(endpoint)) ? undefined : 'api'));
  const canvasReads = latencyCounts(seconds, ({ method, endpoint }) =>
    method === 'GET' && endpoint === canvasEndpoint ? 'canvas' : undefined,
  );
  const tables = samplesOf('canvas_database_bytes');
  const caches = samplesOf('canvas_cache_requests_total');
  const configGood = Object.entries({
    optimization: onlyValue('canvas_config_reload_success'),
    alerts: onlyValue('canvas_alert_config_reload_success'),
  }).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return {
    atMs,
    requests: total(requests),
    errors: total(requests, ({ status }) => text(status).startsWith('5')),
    latency: latency.get('api') ?? noLatencies,
    canvasReads: canvasReads.get('canvas') ?? noLatencies,
    agents: latencyCounts(samplesOf('canvas_agent_execution_seconds'), ({ agent_type }) => text(agent_type)),
    memory: latencyCounts(samplesOf('canvas_memory_query_seconds'), ({ memory_type }) => text(memory_type)),
    cacheHits: totalBy(caches, 'cache', ({ outcome }) => outcome === 'hit'),
    cacheMisses: totalBy(caches, 'cache', ({ outcome }) => outcome === 'miss'),
    mismatches: totalBy(
      samplesOf('canvas_optimization_comparisons_total'),
      'flag',
      ({ result }) => result === 'mismatch',
    ),
    rolledBack: totalBy(samplesOf('canvas_optimization_rolled_back'), 'flag'),
    concurrentRequests: onlyValue('canvas_api_concurrent_requests') ?? 0,
    writerPendingWrites: onlyValue('canvas_writer_pending_writes') ?? 0,
    writerPendingBytes: onlyValue('canvas_writer_pending_bytes') ?? 0,
    configGood: new Map(configGood),
    memoryUp: totalBy(samplesOf('canvas_memory_up'), 'memory_type'),
    databaseBytes: tables.length === 0 ? undefined : total(tables),
    databaseGrowthBytesPerSecond: onlyValue('canvas_database_growth_bytes_per_second'),
    diskFreeBytes: onlyValue('canvas_disk_free_bytes'),
    diskFreeRatio: onlyValue('canvas_disk_free_ratio'),
  };
}
