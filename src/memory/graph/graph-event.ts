import type { AskedQuery } from '../asked-query.js';

/**
 * What the graph memory reports, for metrics.
 * - `answered`: a search was answered, from where, in how long; `asked` tells what was asked, made when it is wanted
 * - `asked`: the provider itself was asked to do something
 * - `ingested`: what a server had accepted is stored there now, or was given up waiting for
 * - `vectors_missing`: a search or an episode had to do without vectors, because the model gave none
 * - `extraction_failed`: the chat model gave no facts; the content itself was kept in their place
 * - `upkeep_failed`: the work behind the scenes broke off; it is begun again later
 * @source story-17.4 AC5; product contract, Monitoring (`canvas_memory_query_seconds`)
 */
export type GraphEvent =
  | {
      type: 'answered';
      cache: 'hit' | 'miss' | 'stale';
      durationSeconds: number;
      facts?: number;
      asked?: () => AskedQuery;
    }
  | { type: 'asked'; operation: GraphOperation; outcome: 'ok' | 'failed'; durationSeconds: number }
  | { type: 'ingested'; outcome: 'stored' | 'lost'; durationSeconds: number }
  | { type: 'vectors_missing' }
  | { type: 'extraction_failed' }
  | { type: 'upkeep_failed' };

/** @source product contract, Monitoring (`canvas_memory_query_seconds{memory_type,operation}`) */
export type GraphOperation = 'search' | 'add' | 'delete';
