import type { Sample } from '../../series-reader.js';

/**
 * A histogram as it stands: how many values were at most each bound, in all (`counts` has one more entry than
 * `bounds`: all values), and their sum. Seconds, where it is about time.
 * @source Prometheus documentation, "Histograms and summaries"
 */
export interface LatencyCounts {
  bounds: readonly number[];
  counts: readonly number[];
  sum: number;
}

/**
 * A histogram of nothing.
 * @source Prometheus documentation, "Histograms and summaries"
 */
export const noLatencies: LatencyCounts = { bounds: [], counts: [0], sum: 0 };

/**
 * How many values there are.
 * @source Prometheus documentation, "Histograms and summaries"
 */
export const countOf = ({ counts }: LatencyCounts): number => counts.at(-1) ?? 0;

const boundOf = (le: string | number | undefined) => (le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le));

/**
 * Brings the series of one histogram metric together under the keys that `keyOf` gives them; series whose key is
 * undefined are left out.
 * @source Prometheus documentation, "Aggregation operators" (`sum by`)
 */
export function latencyCounts(
  samples: Sample[],
  keyOf: (labels: Sample['labels']) => string | undefined,
): Map<string, LatencyCounts> {
  const gathered = new Map<string, { buckets: Map<number, number>; sum: number }>();
  for (const { name, labels, value } of samples) {
    const isBucket = name.endsWith('_bucket');
    if (!isBucket && !name.endsWith('_sum')) continue;
    const key = keyOf(labels);
    if (key === undefined) continue;
    const { buckets, sum } = gathered.get(key) ?? { buckets: new Map<number, number>(), sum: 0 };
    const le = boundOf(labels.le);
    if (isBucket) buckets.set(le, (buckets.get(le) ?? 0) + value);
    gathered.set(key, { buckets, sum: isBucket ? sum : sum + value });
  }
  return new Map(
    [...gathered].map(([key, { buckets, sum }]) => {
      const bounds = [...buckets.keys()].sort((a, b) => a - b);
      const counts = bounds.map((bound) => buckets.get(bound) ?? 0);
      return [key, { bounds: bounds.filter(Number.isFinite), counts, sum }];
    }),
  );
}

/**
 * What was added since an earlier state; without one, everything.
 * @source Prometheus documentation, "Functions" (`increase`)
 */
export function addedSince(now: LatencyCounts, before: LatencyCounts | undefined): LatencyCounts {
  if (before === undefined || before.bounds.length === 0) return now;
  return {
    bounds: now.bounds,
    counts: now.counts.map((count, index) => count - (before.counts[index] ?? 0)),
    sum: now.sum - before.sum,
  };
}

/**
 * The mean; undefined of nothing.
 * @source story-17.4 AC5
 */
export function meanOf(latencies: LatencyCounts): number | undefined {
  const count = countOf(latencies);
  return count === 0 ? undefined : latencies.sum / count;
}

/**
 * The value that a share of all values does not exceed, as `histogram_quantile` estimates it: values lie evenly within
 * their bucket, and what lies beyond the last bound counts as that bound. Undefined of nothing.
 * @param share 0 to 1
 * @source Prometheus documentation, "Functions" (`histogram_quantile`)
 */
export function quantileOf({ bounds, counts }: LatencyCounts, share: number): number | undefined {
  const total = counts.at(-1) ?? 0;
  if (total === 0) return undefined;
  const rank = share * total;
  const bucket = counts.findIndex((count) => count >= rank);
  if (bucket >= bounds.length) return bounds.at(-1);
  const upper = bounds[bucket] as number;
  const lower = bucket === 0 ? 0 : (bounds[bucket - 1] as number);
  const below = bucket === 0 ? 0 : (counts[bucket - 1] as number);
  const inside = (counts[bucket] as number) - below;
  return inside === 0 ? upper : lower + ((upper - lower) * (rank - below)) / inside;
}
