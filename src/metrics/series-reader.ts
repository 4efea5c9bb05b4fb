import type { Registry } from 'prom-client';

/**
 * One sample of a metric, as a scrape shows it: the name with its ending (`_bucket`, `_sum`, `_count`), the labels.
 * @source Prometheus documentation, "Data model"
 */
export interface Sample {
  name: string;
  labels: Readonly<Record<string, string | number>>;
  value: number;
}

/**
 * Reads all samples of one metric as they are now; none of a metric that there is not.
 * @source Prometheus documentation, "Data model"
 */
export type SeriesReader = (metric: string) => Promise<Sample[]>;

type Read = { values: { metricName?: string; labels: Sample['labels']; value: number }[] };

/**
 * Reads metrics from the registry that `/metrics` shows, so that every figure of the service has one source.
 * @source product contract, Promises 7
 */
export function seriesReader(registry: Registry): SeriesReader {
  return async (metric) => {
    const found = registry.getSingleMetric(metric) as { get(): Promise<unknown> } | undefined;
    if (found === undefined) return [];
    const { values } = (await found.get()) as Read;
    return values.map(({ metricName, labels, value }) => ({ name: metricName ?? metric, labels, value }));
  };
}
