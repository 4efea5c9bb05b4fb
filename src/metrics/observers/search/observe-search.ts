import { Counter, Histogram, type Registry } from 'prom-client';
import type { SearchEvent, VectorProgress } from '../../../trajectories/index.js';
import { askedGauges, type Watch } from '../asked-gauges.js';
import { storageSeconds } from '../buckets.js';

/**
 * Searches in trajectories, and the upkeep of what they rest on.
 * @source product contract, Monitoring ("Names")
 */
export function observeSearch(registry: Registry): (event: SearchEvent) => void {
  const registers = [registry];
  const searches = new Histogram({
    name: 'canvas_search_seconds',
    help: 'Time to answer a search in trajectories',
    labelNames: ['kind', 'way'],
    buckets: storageSeconds,
    registers,
  });
  const upkeep = new Histogram({
    name: 'canvas_search_upkeep_seconds',
    help: 'Time of one step of the upkeep of the search',
    labelNames: ['task'],
    buckets: storageSeconds,
    registers,
  });
  const vectors = new Counter({
    name: 'canvas_search_vectors_total',
    help: 'Vectors of questions, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const failures = new Counter({
    name: 'canvas_search_upkeep_failures_total',
    help: 'Times that the upkeep of the search broke off',
    registers,
  });

  const indexFailures = new Counter({
    name: 'canvas_search_index_failures_total',
    help: 'Times that an index of the search could not be read',
    labelNames: ['index'],
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'searched':
        searches.observe({ kind: event.kind, way: event.way }, event.durationSeconds);
        break;
      case 'text_index_built':
        upkeep.observe({ task: 'text_index' }, event.durationSeconds);
        break;
      case 'vector_index_built':
        upkeep.observe({ task: 'vector_index' }, event.durationSeconds);
        break;
      case 'vectors_stored':
        upkeep.observe({ task: 'vectors' }, event.durationSeconds);
        vectors.inc({ outcome: 'stored' }, event.questions);
        break;
      case 'vectors_removed':
        vectors.inc({ outcome: 'removed' }, event.questions);
        break;
      case 'vectors_failed':
        vectors.inc({ outcome: 'failed' }, event.questions);
        break;
      case 'index_failed':
        indexFailures.inc({ index: event.index });
        break;
      case 'upkeep_failed':
        failures.inc();
        break;
    }
  };
}

/**
 * How far the vectors are.
 * @source product contract, Monitoring ("Names")
 */
export function watchVectors(registry: Registry): Watch<VectorProgress> {
  return askedGauges<VectorProgress>(
    registry,
    { questions: 0, ratio: 0 },
    {
      canvas_search_questions: ['Questions that have a vector', ({ questions }) => questions],
      canvas_search_progress_ratio: ['Share of the trajectories that the last pass looked at', ({ ratio }) => ratio],
    },
  );
}
