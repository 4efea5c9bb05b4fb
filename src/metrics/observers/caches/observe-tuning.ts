import { Counter, type Registry } from 'prom-client';
import type { TuningEvent } from '../../../tuning/index.js';

/**
 * What tuning changed; the names of caches and limits are the service's own.
 * @source product contract, Monitoring ("caches")
 */
export function observeTuning(registry: Registry): (event: TuningEvent) => void {
  const changes = new Counter({
    name: 'canvas_cache_tuning_changes_total',
    help: 'Limits of caches that tuning changed',
    labelNames: ['cache', 'limit', 'direction'],
    registers: [registry],
  });
  return ({ cache, limit, direction }) => changes.inc({ cache, limit, direction });
}
