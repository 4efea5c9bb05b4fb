import { Counter, Histogram, type Registry } from 'prom-client';
import type { CanvasSearchEvent, NodeProgress } from '../../../memory/index.js';
import { askedGauges, type Watch } from '../asked-gauges.js';
import { storageSeconds } from '../buckets.js';
import type { TimeMemoryQuery } from './memory-queries.js';

/**
 * Searches over canvas nodes, and the upkeep of their vectors.
 * @source product contract, Monitoring ("Names")
 */
export function observeCanvasSearch(
  registry: Registry,
  timeQuery: TimeMemoryQuery,
): (event: CanvasSearchEvent) => void {
  const registers = [registry];
  const upkeep = new Histogram({
    name: 'canvas_node_search_upkeep_seconds',
    help: 'Time of one step of the upkeep of the search over canvas nodes',
    labelNames: ['task'],
    buckets: storageSeconds,
    registers,
  });
  const nodes = new Counter({
    name: 'canvas_node_search_nodes_total',
    help: 'Canvas nodes on their way into the search',
    labelNames: ['outcome'],
    registers,
  });
  const failures = new Counter({
    name: 'canvas_node_search_upkeep_failures_total',
    help: 'Times that the upkeep of the search over canvas nodes broke off',
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'searched':
        timeQuery('semantic', 'search', event.durationSeconds);
        break;
      case 'nodes_stored':
        upkeep.observe({ task: 'nodes' }, event.durationSeconds);
        nodes.inc({ outcome: 'stored' }, event.nodes);
        nodes.inc({ outcome: 'embedded' }, event.made);
        break;
      case 'nodes_failed':
        nodes.inc({ outcome: 'failed' }, event.nodes);
        break;
      case 'index_built':
        upkeep.observe({ task: 'vector_index' }, event.durationSeconds);
        break;
      case 'upkeep_failed':
        failures.inc();
        break;
    }
  };
}

/**
 * How far the search over canvas nodes is.
 * @source product contract, Monitoring ("Names")
 */
export function watchCanvasSearch(registry: Registry): Watch<NodeProgress> {
  return askedGauges<NodeProgress>(
    registry,
    { canvases: 0, waiting: 0 },
    {
      canvas_node_search_canvases: ['Canvases that the search over nodes knows', ({ canvases }) => canvases],
      canvas_node_search_waiting: ['Changed canvases that it has not looked at yet', ({ waiting }) => waiting],
    },
  );
}
