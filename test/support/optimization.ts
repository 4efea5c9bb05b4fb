import type { Optimization } from '../../src/optimization.js';

/** A switch that a test turns by hand; `failures` holds what was reported to it. */
export function fixedOptimization<Settings>(
  enabled: boolean,
  settings: Settings,
): Optimization<Settings> & { enabled: boolean; settings: Settings; failures: unknown[] } {
  const failures: unknown[] = [];
  return { enabled, settings, failures, failed: (error) => failures.push(error) };
}
