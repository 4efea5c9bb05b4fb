import { Counter, Gauge, type Registry } from 'prom-client';
import type { FlagEvent } from '../../optimizations/index.js';

/**
 * What is on, what failed, and whether the configuration file was last read well.
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
  for (const result of ['success', 'invalid', 'missing']) reloads.inc({ result }, 0);

  return (event) => {
    switch (event.type) {
      case 'config_read':
        if (event.result !== 'defaults') reloads.inc({ result: event.result });
        reloadSuccess.set(event.result === 'success' || event.result === 'defaults' ? 1 : 0);
        break;
      case 'switch_set':
        enabled.set({ flag: event.flag }, event.effective ? 1 : 0);
        if (event.flag !== 'all') failures.inc({ flag: event.flag }, 0);
        break;
      case 'optimization_failed':
        failures.inc({ flag: event.flag });
        break;
    }
  };
}
