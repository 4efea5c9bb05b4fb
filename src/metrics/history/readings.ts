import type { Sample, SeriesReader } from '../series-reader.js';
import { type LatencyCounts, latencyCounts, noLatencies } from '../summary/reading/latency-counts.js';

/**
 * Whether a series is among those that are asked for.
 * @source Prometheus documentation, "Querying basics" (label matchers)
 */
export type Passes = (labels: Sample['labels']) => boolean;

const all: Passes = () => true;

/**
 * Series whose labels have these values.
 * @source Prometheus documentation, "Querying basics" (label matchers)
 */
export const labelled =
  (wanted: Readonly<Record<string, string>>): Passes =>
  (labels) =>
    Object.entries(wanted).every(([name, value]) => labels[name] === value);

/**
 * The values of some metrics at one moment. A metric that is not there, or has no series yet, reads as nothing.
 * @source product contract, Monitoring ("Names")
 */
export class Readings {
  readonly #samples: ReadonlyMap<string, Sample[]>;

  constructor(samples: ReadonlyMap<string, Sample[]>) {
    this.#samples = samples;
  }

  /** The sum of the series of a counter or a gauge; 0 without any. */
  total(metric: string, passes = all): number {
    let total = 0;
    for (const { value, labels } of this.#of(metric)) if (passes(labels)) total += value;
    return total;
  }

  /** The value of one series; undefined when there is none. */
  value(metric: string, passes = all): number | undefined {
    return this.#of(metric).find(({ labels }) => passes(labels))?.value;
  }

  /** The values that a label has, in order. */
  labelValues(metric: string, label: string): string[] {
    const values = this.#of(metric).map(({ labels }) => String(labels[label] ?? ''));
    return [...new Set(values)].filter((value) => value !== '').sort();
  }

  /** Some series of a histogram, added up. */
  histogram(metric: string, passes = all): LatencyCounts {
    const found = latencyCounts(this.#of(metric), (labels) => (passes(labels) ? 'wanted' : undefined));
    return found.get('wanted') ?? noLatencies;
  }

  #of(metric: string): Sample[] {
    return this.#samples.get(metric) ?? [];
  }
}

/**
 * Reads some metrics. Leave out those that forget what they tell: the event loop's are set back by each reading.
 * @source product contract, Promises 7
 */
export async function readMetrics(read: SeriesReader, metrics: readonly string[]): Promise<Readings> {
  const entries = await Promise.all(metrics.map(async (metric) => [metric, await read(metric)] as const));
  return new Readings(new Map(entries));
}
