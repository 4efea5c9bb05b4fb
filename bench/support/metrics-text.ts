import type { Client } from './client.js';
import { expectStatus } from './client.js';

/**
 * The running service's metrics at one moment.
 * @source Prometheus documentation, "Exposition formats"
 */
export interface MetricsText {
  /** Sum of the series of that name whose labels include the given ones; undefined when there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined;
}

/**
 * Reads the text format as far as a sum over series needs it.
 * @source Prometheus documentation, "Exposition formats"
 */
export function parseMetrics(text: string): MetricsText {
  const series = text
    .split('\n')
    .map((line) => /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, labels = '', value]) => ({ name, labels: `,${labels},`, value: Number(value) }));
  return {
    value(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `,${label}="${value}",`);
      const found = series.filter((one) => one.name === name && wanted.every((label) => one.labels.includes(label)));
      return found.length === 0 ? undefined : found.reduce((sum, one) => sum + one.value, 0);
    },
  };
}

/**
 * Asks the service for its metrics.
 * @source product contract, Monitoring (`GET /metrics`)
 */
export async function scrapeMetrics(client: Client): Promise<MetricsText> {
  const answer = expectStatus(await client.request('GET', '/metrics'), [200], 'GET /metrics');
  return parseMetrics(answer.body.toString());
}
