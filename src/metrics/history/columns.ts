import { requestSeconds } from '../observers/buckets.js';
import { quantileOf } from '../summary/reading/latency-counts.js';
import { keptCaches, memoryTypes } from './series.js';

/**
 * One point of the history before it is shown: what each series came to, over so many seconds.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface Point {
  seconds: number;
  /** By the name of the series; NaN where nothing is known. */
  get(series: string): number;
}

/**
 * One number of a point as it is shown; null where there is none to show.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export interface Column {
  name: string;
  of(point: Point): number | null;
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);
const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);
const perSecond = (name: string, series: string): Column => ({
  name,
  of: (point) => (point.seconds > 0 ? known(point.get(series) / point.seconds) : null),
});
const asItIs = (name: string, factor = 1): Column => ({ name, of: (point) => known(point.get(name) * factor) });
const meanMs = (name: string, timer: string): Column => ({
  name,
  of: (point) => share(1000 * point.get(`${timer}_seconds`), point.get(`${timer}_count`)),
});

const lastBucket = requestSeconds.length;
/** How many requests of the point took at most as long as each bound; the last counts all. */
const latencyCountsOf = (point: Point) =>
  Array.from({ length: lastBucket + 1 }, (_, index) => point.get(`latency_le_${index}`) || 0);
const latencyMs = (percent: number): Column => ({
  name: `latency_p${percent}_ms`,
  of(point) {
    const seconds = quantileOf({ bounds: requestSeconds, counts: latencyCountsOf(point), sum: 0 }, percent / 100);
    return seconds === undefined ? null : seconds * 1000;
  },
});
const bucket = (index: number): Column => ({
  name: `latency_bucket_${index}`,
  of(point) {
    const upTo = point.get(`latency_le_${index}`);
    return known(index === 0 ? upTo : upTo - point.get(`latency_le_${index - 1}`));
  },
});

/**
 * The columns of an answer, in their order, behind the time of the point. Rates are per second; `latency_bucket_n` are
 * counts of requests in the n-th bucket of time; ratios lie between 0 and 1.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export const shownColumns: readonly Column[] = [
  perSecond('requests_per_second', 'requests'),
  perSecond('client_errors_per_second', 'client_errors'),
  perSecond('server_errors_per_second', 'server_errors'),
  { name: 'error_ratio', of: (point) => share(point.get('server_errors'), point.get('requests')) },
  { name: 'client_error_ratio', of: (point) => share(point.get('client_errors'), point.get('requests')) },
  asItIs('concurrent'),
  {
    name: 'latency_mean_ms',
    of: (point) => share(1000 * point.get('latency_seconds'), point.get(`latency_le_${lastBucket}`)),
  },
  latencyMs(50),
  latencyMs(95),
  latencyMs(99),
  ...Array.from({ length: lastBucket + 1 }, (_, index) => bucket(index)),
  ...keptCaches.map(
    (cache): Column => ({
      name: `hit_ratio.${cache}`,
      of: (point) => share(point.get(`hits.${cache}`), point.get(`hits.${cache}`) + point.get(`misses.${cache}`)),
    }),
  ),
  ...memoryTypes.map((type) => meanMs(`memory_ms.${type}`, `memory.${type}`)),
  perSecond('agents_per_second', 'agents_count'),
  meanMs('agent_ms', 'agents'),
  perSecond('agents_failed_per_second', 'agents_failed'),
  perSecond('writes_per_second', 'writes'),
  perSecond('file_writes_per_second', 'file_writes'),
  asItIs('pending_writes'),
  perSecond('import_rows_per_second', 'import_rows'),
  perSecond('queries_per_second', 'queries_count'),
  meanMs('query_ms', 'queries'),
  asItIs('scheduler_limit'),
  asItIs('scheduler_running'),
  asItIs('scheduler_waiting'),
  asItIs('load_cpu'),
  asItIs('load_memory'),
  asItIs('cpu'),
  asItIs('rss_bytes'),
  asItIs('heap_bytes'),
  { name: 'loop_p99_ms', of: (point) => known(1000 * point.get('loop_p99_seconds')) },
  { name: 'loop_max_ms', of: (point) => known(1000 * point.get('loop_max_seconds')) },
];

/** Enough to draw, and half as long. */
const digits = 4;

/**
 * A point as a row: its time (epoch seconds), then a value for each column.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export function rowOf(time: number, point: Point): (number | null)[] {
  return [
    time,
    ...shownColumns.map((column) => {
      const value = column.of(point);
      return value === null ? null : Number(value.toPrecision(digits));
    }),
  ];
}

/**
 * A point by the names of its columns, unrounded.
 * @source product contract, Monitoring (`GET /dashboard`)
 */
export function namedColumns(point: Point): Record<string, number | null> {
  return Object.fromEntries(shownColumns.map((column) => [column.name, column.of(point)]));
}
