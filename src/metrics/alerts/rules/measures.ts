import { addedSince, countOf, type LatencyCounts, quantileOf } from '../../summary/reading/latency-counts.js';
import { canvasEndpoint, longWork, type Reading } from '../../summary/reading/reading.js';

/**
 * What a measure says now, for one set of labels. `count` is how many events the value was made from, where that is
 * known; undefined `value`: nothing can be said.
 * @source Prometheus documentation, "Querying basics" (instant vector)
 */
export interface Measured {
  labels: Readonly<Record<string, string>>;
  value: number | undefined;
  count?: number;
}

/**
 * What its values are, which decides how they are written in texts.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export type Unit = 'seconds' | 'ratio' | 'bytes' | 'count' | 'state';

/**
 * Something that alert rules may watch, told twice: for this process, and as an expression for Prometheus over the same
 * metrics. A test holds the two together.
 * - `windowed`: it is told of a window, such as the last 5 minutes
 * - `promql`: `only` narrows the series, such as `memory_type="graphiti"`; empty for all
 * - `counts`: the expression of how many events it is made from, for rules that want a least number of them
 * @source product contract, "Facts from the documents that the seeds cite"
 */
export interface Measure {
  unit: Unit;
  labels: readonly string[];
  windowed: boolean;
  now(now: Reading, before: Reading): Measured[];
  promql(window: string, only: string): string;
  counts?(window: string, only: string): string;
}

const plain = (value: number | undefined): Measured[] => [{ labels: {}, value }];
const oneFor = (label: string, values: Map<string, number>): Measured[] =>
  [...values].map(([name, value]) => ({ labels: { [label]: name }, value }));

function slowest(label: string, now: Map<string, LatencyCounts>, before: Map<string, LatencyCounts>): Measured[] {
  return [...now].map(([name, latencies]) => {
    const added = addedSince(latencies, before.get(name));
    return { labels: { [label]: name }, value: quantileOf(added, 0.95), count: countOf(added) };
  });
}

/** A selector of series; empty matchers are left out. */
function select(metric: string, ...matchers: string[]): string {
  const given = matchers.filter((matcher) => matcher !== '').join(',');
  return given === '' ? metric : `${metric}{${given}}`;
}

/** A gauge of the process; of several processes, the worst. */
const gauge = (
  metric: string,
  labels: readonly string[],
  now: Measure['now'],
  unit: Unit,
  worst: 'max' | 'min' = 'max',
): Measure => ({
  unit,
  labels,
  windowed: false,
  now,
  promql: (_window, only) => {
    const by = labels.length === 0 ? '' : ` by (${labels.join(', ')}) `;
    return `${worst}${by}(${select(metric, only)})`;
  },
});

const percentileBy = (
  label: string,
  metric: string,
  of: (reading: Reading) => Map<string, LatencyCounts>,
): Measure => ({
  unit: 'seconds',
  labels: [label],
  windowed: true,
  now: (now, before) => slowest(label, of(now), of(before)),
  promql: (window, only) =>
    `histogram_quantile(0.95, sum by (${label}, le) (rate(${select(`${metric}_bucket`, only)}[${window}])))`,
  counts: (window, only) => `sum by (${label}) (increase(${select(`${metric}_count`, only)}[${window}]))`,
});

/** The latency of some requests. */
const requestPercentile = (matchers: string, of: (reading: Reading) => LatencyCounts): Measure => ({
  unit: 'seconds',
  labels: [],
  windowed: true,
  now: (now, before) => {
    const added = addedSince(of(now), of(before));
    return [{ labels: {}, value: quantileOf(added, 0.95), count: countOf(added) }];
  },
  promql: (window) => {
    const buckets = select('canvas_api_request_latency_seconds_bucket', matchers);
    return `histogram_quantile(0.95, sum by (le) (rate(${buckets}[${window}])))`;
  },
  counts: (window) => `sum(increase(${select('canvas_api_request_latency_seconds_count', matchers)}[${window}]))`,
});

const canvasCache = 'cache="canvas_files"';

/**
 * All measures, by the name under which rules know them.
 * @source product contract, "Facts from the documents that the seeds cite" (alerts)
 */
export const measures = {
  /** 95 % of requests took at most this long; agents, imports and exports apart. */
  api_latency_p95_seconds: requestPercentile(`endpoint!~"${longWork}"`, ({ latency }) => latency),
  /** 95 % of the readings of a canvas took at most this long. */
  canvas_read_p95_seconds: requestPercentile(
    `method="GET",endpoint="${canvasEndpoint}"`,
    ({ canvasReads }) => canvasReads,
  ),
  /** Share of requests answered with a status of 500 or above. */
  api_error_ratio: {
    unit: 'ratio',
    labels: [],
    windowed: true,
    now: (now, before) => {
      const count = now.requests - before.requests;
      return [{ labels: {}, value: count === 0 ? undefined : (now.errors - before.errors) / count, count }];
    },
    promql: (window) =>
      `sum(rate(canvas_api_requests_total{status=~"5.."}[${window}])) / sum(rate(canvas_api_requests_total[${window}]))`,
    counts: (window) => `sum(increase(canvas_api_requests_total[${window}]))`,
  },
  /** 95 % of the calls of an agent took at most this long. */
  agent_p95_seconds: percentileBy('agent_type', 'canvas_agent_execution_seconds', ({ agents }) => agents),
  /** 95 % of what a memory was asked took at most this long. */
  memory_query_p95_seconds: percentileBy('memory_type', 'canvas_memory_query_seconds', ({ memory }) => memory),
  /** 1 while a memory can be reached, else 0. */
  memory_up: gauge(
    'canvas_memory_up',
    ['memory_type'],
    ({ memoryUp }) => oneFor('memory_type', memoryUp),
    'state',
    'min',
  ),
  /** Requests being answered now. */
  concurrent_requests: gauge(
    'canvas_api_concurrent_requests',
    [],
    ({ concurrentRequests }) => plain(concurrentRequests),
    'count',
  ),
  /** Share of canvases that were read from the cache. */
  canvas_cache_hit_ratio: {
    unit: 'ratio',
    labels: [],
    windowed: true,
    now: (now, before) => {
      const added = (of: (reading: Reading) => Map<string, number>) =>
        (of(now).get('canvas_files') ?? 0) - (of(before).get('canvas_files') ?? 0);
      const hits = added(({ cacheHits }) => cacheHits);
      const count = hits + added(({ cacheMisses }) => cacheMisses);
      return [{ labels: {}, value: count === 0 ? undefined : hits / count, count }];
    },
    // By its misses: a cache that has not had one hit has no series of hits either.
    promql: (window) =>
      `1 - sum(rate(canvas_cache_requests_total{${canvasCache},outcome="miss"}[${window}])) / ` +
      `sum(rate(canvas_cache_requests_total{${canvasCache}}[${window}]))`,
    counts: (window) => `sum(increase(canvas_cache_requests_total{${canvasCache}}[${window}]))`,
  },
  /** Bytes of writes that wait, or whose file is behind. */
  writer_pending_bytes: gauge(
    'canvas_writer_pending_bytes',
    [],
    ({ writerPendingBytes }) => plain(writerPendingBytes),
    'bytes',
  ),
  /** Writes that wait, or whose file is behind. */
  writer_pending_writes: gauge(
    'canvas_writer_pending_writes',
    [],
    ({ writerPendingWrites }) => plain(writerPendingWrites),
    'count',
  ),
  /** Answers of an optimisation that were not those of its baseline. */
  optimization_mismatches: {
    unit: 'count',
    labels: ['flag'],
    windowed: true,
    now: (now, before) =>
      [...now.mismatches].map(([flag, count]) => ({
        labels: { flag },
        value: count - (before.mismatches.get(flag) ?? 0),
      })),
    promql: (window, only) =>
      `sum by (flag) (increase(${select('canvas_optimization_comparisons_total', 'result="mismatch"', only)}[${window}]))`,
  },
  /** 1 while an optimisation is off because the service turned it off by itself. */
  optimization_rolled_back: gauge(
    'canvas_optimization_rolled_back',
    ['flag'],
    ({ rolledBack }) => oneFor('flag', rolledBack),
    'state',
  ),
  /** 1 while a configuration file was good when it was last read, else 0. */
  config_good: {
    unit: 'state',
    labels: ['file'],
    windowed: false,
    now: ({ configGood }) => oneFor('file', configGood),
    // The label is made here, so that a selector of it comes last.
    promql: (_window, only) => {
      const named = (metric: string, file: string) => `label_replace(${metric}, "file", "${file}", "", "")`;
      const files = { optimization: 'canvas_config_reload_success', alerts: 'canvas_alert_config_reload_success' };
      const chosen = Object.entries(files).filter(([file]) => only === '' || only === `file="${file}"`);
      return `min by (file) (${chosen.map(([file, metric]) => named(metric, file)).join(' or ')})`;
    },
  },
  /** Bytes that can still be stored where the data is. */
  disk_free_bytes: gauge('canvas_disk_free_bytes', [], ({ diskFreeBytes }) => plain(diskFreeBytes), 'bytes', 'min'),
  /** Share of the disk with the data that is free. */
  disk_free_ratio: gauge('canvas_disk_free_ratio', [], ({ diskFreeRatio }) => plain(diskFreeRatio), 'ratio', 'min'),
} satisfies Record<string, Measure>;

/**
 * The name of a measure, as in `config/alerts.yaml`.
 * @source product contract, Monitoring (`/metrics/alerts`: "rules live in config")
 */
export type MeasureName = keyof typeof measures;

/**
 * All of them, in order.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export const measureNames = Object.keys(measures) as [MeasureName, ...MeasureName[]];

/**
 * One measure by its name.
 * @source product contract, Monitoring (`/metrics/alerts`)
 */
export const measureOf = (name: MeasureName): Measure => measures[name];
