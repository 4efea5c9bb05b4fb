import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { FlagEvent } from '../../optimizations/index.js';

/** Fine at the lower end, where answers come from memory; seconds. */
const comparedBuckets = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/**
 * What is on, what failed, what the comparisons with the original way found, and whether the configuration file was last read well.
 * @source story-17.4 AC7; product contract, Settled details (`canvas_config_reload_success`)
 */
export function observeFlags(registry: Registry): (event: FlagEvent) => void {
  const registers = [registry];
  const reloads = new Counter({
    name: 'canvas_config_reloads_total',
    help: 'Readings of config/optimization.yaml',
    labelNames: ['result'],
    registers,
  });
  const reloadSuccess = new Gauge({
    name: 'canvas_config_reload_success',
    help: 'Whether config/optimization.yaml was good when it was last read',
    registers,
  });
  const enabled = new Gauge({
    name: 'canvas_optimization_enabled',
    help: 'Whether an optimisation is on now; flag "all" is the master switch',
    labelNames: ['flag'],
    registers,
  });
  const failures = new Counter({
    name: 'canvas_optimization_failures_total',
    help: 'Times that an optimised path failed and the original one answered',
    labelNames: ['flag'],
    registers,
  });
  const comparisons = new Counter({
    name: 'canvas_optimization_comparisons_total',
    help: 'Answers of an optimised path that were to be compared with those of the original one',
    labelNames: ['flag', 'result'],
    registers,
  });
  const compared = new Histogram({
    name: 'canvas_optimization_compared_seconds',
    help: 'Time of the same answer, optimised and original',
    labelNames: ['flag', 'variant'],
    buckets: comparedBuckets,
    registers,
  });
  const rollbacks = new Counter({
    name: 'canvas_optimization_rollbacks_total',
    help: 'Optimisations that the service turned off by itself',
    labelNames: ['flag', 'cause'],
    registers,
  });
  const rolledBack = new Gauge({
    name: 'canvas_optimization_rolled_back',
    help: 'Whether the service has turned an optimisation off by itself, and nobody has turned it on again',
    labelNames: ['flag'],
    registers,
  });
  for (const result of ['success', 'invalid', 'missing']) reloads.inc({ result }, 0);

  return (event) => {
    switch (event.type) {
      case 'config_read':
        if (event.result !== 'defaults') reloads.inc({ result: event.result });
        reloadSuccess.set(event.result === 'success' || event.result === 'defaults' ? 1 : 0);
        break;
      case 'switch_set':
        enabled.set({ flag: event.flag }, event.effective ? 1 : 0);
        if (event.flag === 'all') break;
        failures.inc({ flag: event.flag }, 0);
        comparisons.inc({ flag: event.flag, result: 'mismatch' }, 0);
        rolledBack.inc({ flag: event.flag }, 0);
        break;
      case 'optimization_failed':
        failures.inc({ flag: event.flag });
        break;
      case 'compared':
        comparisons.inc({ flag: event.flag, result: event.result });
        if (event.result !== 'equal' || !event.times) break;
        compared.observe({ flag: event.flag, variant: 'optimized' }, event.times.optimisedSeconds);
        compared.observe({ flag: event.flag, variant: 'baseline' }, event.times.originalSeconds);
        break;
      case 'rolled_back':
        if (event.isNew) rollbacks.inc({ flag: event.flag, cause: event.cause });
        rolledBack.set({ flag: event.flag }, 1);
        break;
      case 'rollback_ended':
        rolledBack.set({ flag: event.flag }, 0);
        break;
    }
  };
}
