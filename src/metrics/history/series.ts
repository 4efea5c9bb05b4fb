import { requestSeconds } from '../observers/buckets.js';
import { countOf, type LatencyCounts } from '../summary/reading/latency-counts.js';
import type { ProcessState } from './process-readings.js';
import { labelled, type Passes, type Readings } from './readings.js';

/**
 * How the samples of one point are joined: `count` adds up what a counter gained, the others keep the mean, the
 * largest or the last value.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export type SeriesKind = 'count' | 'mean' | 'max' | 'last';

/**
 * What the service says of itself at one moment. `latency` is the histogram of all requests but those whose time is
 * another's (a model's, an upload's).
 * @source product contract, Monitoring
 */
export interface Frame {
  readings: Readings;
  latency: LatencyCounts;
  process: ProcessState;
}

/**
 * One number that is kept over time. A value that is not known is NaN.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface Series {
  name: string;
  kind: SeriesKind;
  read(frame: Frame): number;
}

/**
 * The caches whose hits are kept over time, by their names in `canvas_cache_requests_total`.
 * @source story-17.4 AC1 (hit ratio)
 */
export const keptCaches = ['canvas_files', 'query', 'row_ids', 'embedding', 'memory_results', 'llm_responses'] as const;

/**
 * The memories, by their names in `canvas_memory_query_seconds`.
 * @source story-17.4 AC5
 */
export const memoryTypes = ['graphiti', 'temporal', 'semantic'] as const;

/**
 * The metrics that a frame is read from.
 * @source docs/metrics.md
 */
export const readMetricNames = [
  'canvas_api_requests_total',
  'canvas_api_request_latency_seconds',
  'canvas_api_concurrent_requests',
  'canvas_cache_requests_total',
  'canvas_cache_tier_hits_total',
  'canvas_memory_query_seconds',
  'canvas_memory_up',
  'canvas_agent_calls_total',
  'canvas_agent_execution_seconds',
  'canvas_writes_total',
  'canvas_file_writes_total',
  'canvas_file_write_requests_total',
  'canvas_writer_pending_writes',
  'canvas_import_committed_rows_total',
  'canvas_import_batch_seconds',
  'canvas_query_seconds',
  'canvas_scheduler_limit',
  'canvas_scheduler_running',
  'canvas_scheduler_waiting',
  'canvas_scheduler_load_ratio',
  'canvas_embedding_batch_texts',
  'canvas_events_scanned_total',
  'canvas_events_partitions_read_total',
  'canvas_prewarm_progress_ratio',
  'canvas_prewarm_seconds',
  'canvas_optimization_failures_total',
] as const;

const statusOf =
  (pattern: RegExp): Passes =>
  ({ status }) =>
    pattern.test(String(status));

const counter = (name: string, metric: string, passes?: Passes): Series => ({
  name,
  kind: 'count',
  read: ({ readings }) => readings.total(metric, passes),
});
const timer = (name: string, metric: string, passes?: Passes): Series[] => [
  { name: `${name}_count`, kind: 'count', read: ({ readings }) => countOf(readings.histogram(metric, passes)) },
  { name: `${name}_seconds`, kind: 'count', read: ({ readings }) => readings.histogram(metric, passes).sum },
];
const gauge = (name: string, kind: SeriesKind, metric: string, passes?: Passes): Series => ({
  name,
  kind,
  read: ({ readings }) => readings.value(metric, passes) ?? Number.NaN,
});
const ofProcess = (name: string, kind: SeriesKind, key: keyof ProcessState): Series => ({
  name,
  kind,
  read: ({ process }) => process[key],
});

/**
 * All that is kept over time. A name that goes, or comes, leaves the others' past as it is.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const keptSeries: readonly Series[] = [
  counter('requests', 'canvas_api_requests_total'),
  counter('client_errors', 'canvas_api_requests_total', statusOf(/^4/)),
  counter('server_errors', 'canvas_api_requests_total', statusOf(/^5/)),
  gauge('concurrent', 'max', 'canvas_api_concurrent_requests'),
  { name: 'latency_seconds', kind: 'count', read: ({ latency }) => latency.sum },
  ...Array.from(
    { length: requestSeconds.length + 1 },
    (_, index): Series => ({
      name: `latency_le_${index}`,
      kind: 'count',
      read: ({ latency }) => latency.counts[index] ?? 0,
    }),
  ),
  ...keptCaches.flatMap((cache) => [
    counter(`hits.${cache}`, 'canvas_cache_requests_total', labelled({ cache, outcome: 'hit' })),
    counter(`misses.${cache}`, 'canvas_cache_requests_total', labelled({ cache, outcome: 'miss' })),
  ]),
  ...memoryTypes.flatMap((type) =>
    timer(`memory.${type}`, 'canvas_memory_query_seconds', labelled({ memory_type: type })),
  ),
  ...timer('agents', 'canvas_agent_execution_seconds'),
  counter('agents_failed', 'canvas_agent_calls_total', labelled({ outcome: 'failed' })),
  counter('writes', 'canvas_writes_total', labelled({ outcome: 'stored' })),
  counter('file_writes', 'canvas_file_writes_total', labelled({ outcome: 'stored' })),
  gauge('pending_writes', 'max', 'canvas_writer_pending_writes'),
  counter('import_rows', 'canvas_import_committed_rows_total'),
  ...timer('queries', 'canvas_query_seconds', labelled({ operation: 'list' })),
  gauge('scheduler_limit', 'last', 'canvas_scheduler_limit'),
  gauge('scheduler_running', 'max', 'canvas_scheduler_running'),
  gauge('scheduler_waiting', 'max', 'canvas_scheduler_waiting'),
  gauge('load_cpu', 'mean', 'canvas_scheduler_load_ratio', labelled({ signal: 'cpu' })),
  gauge('load_memory', 'mean', 'canvas_scheduler_load_ratio', labelled({ signal: 'memory' })),
  ofProcess('cpu', 'mean', 'cpuRatio'),
  ofProcess('rss_bytes', 'mean', 'rssBytes'),
  ofProcess('heap_bytes', 'mean', 'heapBytes'),
  ofProcess('loop_p99_seconds', 'max', 'eventLoopP99Seconds'),
  ofProcess('loop_max_seconds', 'max', 'eventLoopMaxSeconds'),
];
