/** The 97.5 % point of the normal distribution. */
const z = 1.959964;
/** Those of Student's t for 1 to 4 degrees of freedom, where the series below is not good yet. */
const fewDegrees = [12.7062, 4.3027, 3.1824, 2.7764];

/**
 * The 97.5 % point of Student's t: by the first terms of its expansion about the normal one, good to 0.002 from 5
 * degrees of freedom on.
 * @source NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2; Abramowitz and Stegun 26.7.5
 */
export function studentT(degrees: number): number {
  const known = fewDegrees[degrees - 1];
  if (known !== undefined) return known;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3;
}

/**
 * The mean of independent values, and where it lies with 95 % confidence; no bounds for a single value. Undefined
 * without values.
 * @source NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2
 */
export function meanInterval(
  values: readonly number[],
): { mean: number; bounds: [low: number, high: number] | undefined } | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, bounds: undefined };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const reach = studentT(count - 1) * Math.sqrt(variance / count);
  return { mean, bounds: [mean - reach, mean + reach] };
}
