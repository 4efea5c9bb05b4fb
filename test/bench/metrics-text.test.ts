import { expect, test } from 'vitest';
import { parseMetrics } from '../../bench/support/metrics-text.js';

const text = `# HELP reads_total Reads.
# TYPE reads_total counter
reads_total{outcome="hit",variant="optimized"} 95
reads_total{outcome="miss",variant="optimized"} 5
lag_p99_seconds 0.0123
`;

test('series of one name are summed, or chosen by their labels', () => {
  const metrics = parseMetrics(text);
  expect(metrics.value('reads_total')).toBe(100);
  expect(metrics.value('reads_total', { outcome: 'hit' })).toBe(95);
  expect(metrics.value('lag_p99_seconds')).toBe(0.0123);
});

test('a series that is not there has no value', () => {
  const metrics = parseMetrics(text);
  expect(metrics.value('writes_total')).toBeUndefined();
  expect(metrics.value('reads_total', { outcome: 'hi' })).toBeUndefined();
});
