/**
 * The value below which the given share of the samples lies, interpolated between neighbours.
 * @param share 0..1
 * @returns NaN for no samples
 * @source Hyndman and Fan (1996), "Sample Quantiles in Statistical Packages", definition 7
 */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = Float64Array.from(samples).sort();
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/**
 * The middle of the samples; NaN for none.
 * @source Hyndman and Fan (1996), definition 7
 */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/**
 * How far the rounds lie apart: quartiles where there are at least five of them, else the lowest and the highest.
 * @source house rules, "benchmark tables generated, not typed"
 */
export interface Spread {
  low: number;
  high: number;
  kind: 'quartiles' | 'min..max';
}

/**
 * Low and high end of the rounds; both NaN for none.
 * @source house rules, "benchmark tables generated, not typed"
 */
export function spread(rounds: readonly number[]): Spread {
  if (rounds.length >= 5) return { low: quantile(rounds, 0.25), high: quantile(rounds, 0.75), kind: 'quartiles' };
  return { low: quantile(rounds, 0), high: quantile(rounds, 1), kind: 'min..max' };
}
