import { Counter, Histogram, type Registry } from 'prom-client';
import type { TrajectoryEvent } from '../../trajectories/index.js';
import type { HotCounter } from '../hot-series.js';
import { storageSeconds } from './buckets.js';

/** The parts name their ways after what they do; one label value for all makes before and after comparable. */
const variants = { native: 'optimized', by_ids: 'optimized', baseline: 'baseline', whole_table: 'baseline' } as const;

/**
 * Queries of trajectories and the upkeep of their tables.
 * @source trajectory-optimization 2.2; product contract, Monitoring ("Names")
 */
export function observeTrajectories(registry: Registry, cacheRequests: HotCounter): (event: TrajectoryEvent) => void {
  const registers = [registry];
  const queries = new Histogram({
    name: 'canvas_query_seconds',
    help: 'Time to read trajectories or their analysis from the database',
    labelNames: ['operation', 'variant'],
    buckets: storageSeconds,
    registers,
  });
  const rows = new Counter({
    name: 'canvas_query_rows_total',
    help: 'Rows that queries answered',
    labelNames: ['operation'],
    registers,
  });
  const analysisWrites = new Histogram({
    name: 'canvas_analysis_write_seconds',
    help: 'Time to store one analysis row durably',
    buckets: storageSeconds,
    registers,
  });
  const recordWrites = new Histogram({
    name: 'canvas_record_write_seconds',
    help: 'Time to write to one record durably',
    labelNames: ['operation'],
    buckets: storageSeconds,
    registers,
  });
  const upkeep = new Histogram({
    name: 'canvas_table_upkeep_seconds',
    help: 'Time to build an index or to tidy a table',
    labelNames: ['table', 'task'],
    buckets: storageSeconds,
    registers,
  });
  const upkeepFailures = new Counter({
    name: 'canvas_table_upkeep_failures_total',
    help: 'Times that the upkeep of a table failed',
    labelNames: ['table'],
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'query':
        queries.observe({ operation: event.operation, variant: variants[event.variant] }, event.durationSeconds);
        rows.inc({ operation: event.operation }, event.rows);
        break;
      case 'row_ids':
        cacheRequests.bind('row_ids', event.found).value += 1;
        break;
      case 'query_cache':
        cacheRequests.bind('query', event.found).value += 1;
        break;
      case 'analysis_lookup':
        queries.observe({ operation: 'analysis', variant: variants[event.variant] }, event.durationSeconds);
        rows.inc({ operation: 'analysis' }, event.rows);
        break;
      case 'analysis_written':
        analysisWrites.observe(event.durationSeconds);
        break;
      case 'record_written':
        recordWrites.observe({ operation: event.operation }, event.durationSeconds);
        break;
      case 'index_built':
        upkeep.observe({ table: event.table, task: 'index' }, event.durationSeconds);
        break;
      case 'table_optimized':
        upkeep.observe({ table: event.table, task: 'optimize' }, event.durationSeconds);
        break;
      case 'care_failed':
        upkeepFailures.inc({ table: event.table });
        break;
    }
  };
}
