import type { AskedQuery } from '../asked-query.js';

/**
 * What searching reports, for metrics.
 * - `searched`: a search was answered; `way` says whether an index gave the rows or all rows were read; `asked` tells what
 *   was asked, made when it is wanted
 * - `text_index_built`: a full-text index is in use
 * - `vectors_stored`: questions were embedded and stored; `vectors_removed`: questions that no trajectory has any more
 * - `vectors_failed`: questions could not be embedded; they are tried again later
 * - `vector_index_built`: the vectors are divided into neighbourhoods
 * - `index_failed`: an index could not be read and is built anew; searches look at all rows or vectors meanwhile
 * - `upkeep_failed`: the work behind the scenes broke off; it is begun again later
 * @source story-17.4 AC5; product contract, Monitoring ("Names")
 */
export type SearchEvent =
  | {
      type: 'searched';
      kind: 'text' | 'similar';
      way: 'index' | 'scan';
      durationSeconds: number;
      rows: number;
      asked?: () => AskedQuery;
    }
  | { type: 'text_index_built'; column: string; durationSeconds: number }
  | { type: 'vectors_stored'; questions: number; durationSeconds: number }
  | { type: 'vectors_removed'; questions: number }
  | { type: 'vectors_failed'; questions: number }
  | { type: 'vector_index_built'; questions: number; durationSeconds: number }
  | { type: 'index_failed'; index: 'text' | 'vectors' }
  | { type: 'upkeep_failed' };
