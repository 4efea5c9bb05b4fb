import type { Counter, Registry } from 'prom-client';
import { headerLines, seriesName } from './exposition.js';

type Value = { value: number; labels: Record<string, string | number>; metricName?: string };

/** Hands a metric of our own to the registry, which asks nothing of it but its name and `get()`. */
function register(registry: Registry, metric: HotCounter | HotHistogram): void {
  registry.registerMetric(metric as unknown as Counter);
}

const labelled = (names: readonly string[], values: string[]) =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));

/**
 * One series of a {@link HotCounter}.
 * @source Prometheus documentation, "Metric types"
 */
export interface Tally {
  value: number;
}

/**
 * A counter for paths that run for each request: a series is bound once, and counting is one addition.
 * The registry's own counter checks and joins the labels each time.
 * @source Prometheus documentation, "Metric types"
 */
export class HotCounter {
  readonly name: string;
  readonly help: string;
  readonly type = 'counter';
  readonly labelNames: readonly string[];
  readonly #series = new Map<string, { values: string[]; shown: string; tally: Tally }>();

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    register(registry, this);
  }

  /** The series with these label values, in the order of the label names. Keep it where speed matters. */
  bind(...values: string[]): Tally {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (!series) {
      const shown = `${seriesName(this.name, labelled(this.labelNames, values))} `;
      series = { values, shown, tally: { value: 0 } };
      this.#series.set(key, series);
    }
    return series.tally;
  }

  async get() {
    const values: Value[] = [...this.#series.values()].map((series) => ({
      value: series.tally.value,
      labels: labelled(this.labelNames, series.values),
    }));
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' };
  }

  /** As a scrape shows it, in a tenth of the time that the registry takes for it. */
  text(): string {
    let text = headerLines(this);
    for (const { shown, tally } of this.#series.values()) text += `\n${shown}${tally.value}`;
    return text;
  }
}

/**
 * One series of a {@link HotHistogram}: how many values fell into each bucket (the last one is open), and their sum.
 * @source Prometheus documentation, "Histograms and summaries"
 */
export class Distribution {
  readonly counts: Float64Array;
  readonly #bounds: readonly number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** `text` is what a scrape showed when `textTotal` values were observed. */
interface DistributionSeries {
  readonly values: string[];
  readonly shown: string[];
  readonly distribution: Distribution;
  text: string;
  textTotal: number;
}

/**
 * A histogram for paths that run for each request; see {@link HotCounter}. `bounds` rise.
 * @source Prometheus documentation, "Histograms and summaries"
 */
export class HotHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, DistributionSeries>();

  constructor(
    registry: Registry,
    name: string,
    help: string,
    labelNames: readonly string[],
    bounds: readonly number[],
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#bounds = bounds;
    register(registry, this);
  }

  /** The series with these label values, in the order of the label names. Keep it where speed matters. */
  bind(...values: string[]): Distribution {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (!series) {
      const distribution = new Distribution(this.#bounds);
      series = { values, shown: this.#names(values), distribution, text: '', textTotal: -1 };
      this.#series.set(key, series);
    }
    return series.distribution;
  }

  async get() {
    const values: Value[] = [...this.#series.values()].flatMap((series) => {
      const { distribution } = series;
      const labels = labelled(this.labelNames, series.values);
      let total = 0;
      const buckets = [...this.#bounds, '+Inf' as const].map((le, index) => {
        total += distribution.counts[index] ?? 0;
        return { value: total, labels: { le, ...labels }, metricName: `${this.name}_bucket` };
      });
      return [
        ...buckets,
        { value: distribution.sum, labels, metricName: `${this.name}_sum` },
        { value: total, labels, metricName: `${this.name}_count` },
      ];
    });
    return { name: this.name, help: this.help, type: this.type, values, aggregator: 'sum' };
  }

  /** As a scrape shows it. Most series are as they were at the last one, and so is their text. */
  text(): string {
    const texts = [headerLines(this)];
    for (const series of this.#series.values()) texts.push(this.#textOf(series));
    return texts.join('\n');
  }

  #textOf(series: DistributionSeries): string {
    const { shown, distribution } = series;
    const { counts, sum } = distribution;
    const total = counts.reduce((all, count) => all + count);
    if (total === series.textTotal) return series.text;
    const lines: string[] = [];
    let below = 0;
    for (let bucket = 0; bucket < counts.length; bucket++) {
      below += counts[bucket] as number;
      lines.push(`${shown[bucket]}${below}`);
    }
    lines.push(`${shown[counts.length]}${sum}`, `${shown[counts.length + 1]}${total}`);
    series.text = lines.join('\n');
    series.textTotal = total;
    return series.text;
  }

  /** The beginning of each line of a series: its buckets, its sum, its count. */
  #names(values: string[]): string[] {
    const labels = labelled(this.labelNames, values);
    const buckets = [...this.#bounds, '+Inf'].map((le) => seriesName(`${this.name}_bucket`, { le, ...labels }));
    return [...buckets, seriesName(`${this.name}_sum`, labels), seriesName(`${this.name}_count`, labels)].map(
      (name) => `${name} `,
    );
  }
}
