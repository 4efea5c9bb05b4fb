import { meanInterval } from './mean-interval.js';

/** Pairs that are kept; older ones give way. */
const keptPairs = 1000;
/** With fewer pairs nothing is said to be distinguishable. */
const fewestPairs = 10;

/**
 * One way's figures. `count`: times it was measured. The names end as the contract has them; where `unit` is not `ms` the
 * figures are in that unit all the same. Null: not measured yet.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export interface VariantFigures {
  count: number;
  mean_ms: number | null;
  p95_ms: number | null;
}

/**
 * What an optimisation saves, from its last 1,000 pairs: each pair is the same request, or the same piece of work, both
 * ways. `saved_ms` is the mean difference (negative: it costs), `interval` where that lies with 95 % confidence (Student's
 * t of the differences), `distinguishable` whether the interval leaves zero out, on ten pairs at least; `samples_missing` is how
 * many more it takes for that. `unit` `ms`: times measured; any other: counted both ways.
 * @source product contract, Settled details (`optimization_savings[flag]`); story-17.4 AC6
 */
export interface PairedFigures {
  baseline: VariantFigures;
  optimized: VariantFigures;
  saved_ms: number | null;
  saved_ratio: number | null;
  interval: [low: number, high: number] | null;
  samples: number;
  samples_missing: number;
  distinguishable: boolean;
  unit: string;
}

/**
 * Collects pairs of one flag and tells what they say. Figures are worked out when they are asked for, and kept until the
 * next pair.
 * @source product contract, Settled details (`optimization_savings[flag]`)
 */
export class Pairs {
  readonly #optimised: number[] = [];
  readonly #original: number[] = [];
  #unit: string;
  #total = 0;
  #sums = { optimised: 0, original: 0 };
  #figures: PairedFigures | undefined;

  constructor(unit: string) {
    this.#unit = unit;
  }

  get isEmpty(): boolean {
    return this.#total === 0;
  }

  /** What all pairs together came to, those that gave way included. */
  totals(): { unit: string; optimised: number; original: number } {
    return { unit: this.#unit, ...this.#sums };
  }

  /** A pair in another unit than those before begins anew. */
  add(unit: string, optimised: number, original: number): void {
    if (unit !== this.#unit) {
      this.#unit = unit;
      this.#optimised.length = 0;
      this.#original.length = 0;
      this.#total = 0;
      this.#sums = { optimised: 0, original: 0 };
    }
    this.#sums.optimised += optimised;
    this.#sums.original += original;
    const place = this.#total % keptPairs;
    this.#optimised[place] = optimised;
    this.#original[place] = original;
    this.#total += 1;
    this.#figures = undefined;
  }

  figures(): PairedFigures {
    this.#figures ??= this.#workOut();
    return this.#figures;
  }

  #workOut(): PairedFigures {
    const [optimised, original] = [this.#optimised, this.#original];
    const interval = meanInterval(original.map((value, index) => value - (optimised[index] ?? 0)));
    const baseline = figuresOf(original, this.#total);
    const saved = interval?.mean ?? null;
    return {
      baseline,
      optimized: figuresOf(optimised, this.#total),
      saved_ms: saved,
      saved_ratio: saved === null || !baseline.mean_ms ? null : saved / baseline.mean_ms,
      interval: interval?.bounds ?? null,
      samples: original.length,
      samples_missing: Math.max(0, fewestPairs - original.length),
      distinguishable:
        original.length >= fewestPairs &&
        interval?.bounds !== undefined &&
        (interval.bounds[0] > 0 || interval.bounds[1] < 0),
      unit: this.#unit,
    };
  }
}

function figuresOf(values: readonly number[], count: number): VariantFigures {
  if (values.length === 0) return { count: 0, mean_ms: null, p95_ms: null };
  const sorted = [...values].sort((a, b) => a - b);
  const p95 = sorted[Math.min(sorted.length - 1, Math.ceil(0.95 * sorted.length) - 1)] ?? null;
  return { count, mean_ms: values.reduce((sum, value) => sum + value, 0) / values.length, p95_ms: p95 };
}
