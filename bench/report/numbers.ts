/**
 * Three significant digits, thousands apart, no exponent: `0.0123`, `4.56`, `12,300`.
 * @source house rules, "benchmark tables generated, not typed"
 */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (value === 0) return '0';
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

const glued = new Set(['x', '%', '']);

/**
 * A number with its unit: `12.3 ms`, `15.2x`, `55%`.
 * @source house rules, "benchmark tables generated, not typed"
 */
export function formatQuantity(value: number, unit: string): string {
  return `${formatNumber(value)}${glued.has(unit) ? '' : ' '}${unit}`;
}
