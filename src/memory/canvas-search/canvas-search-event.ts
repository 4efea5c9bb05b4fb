import type { AskedQuery } from '../asked-query.js';

/**
 * What the search over canvas nodes reports, for metrics.
 * - `searched`: a search was answered; `asked` tells what was asked, made when it is wanted
 * - `nodes_stored`: nodes of changed canvases that say something new were stored, or others taken out; `made` of them got
 *   a vector that was asked for
 * - `nodes_failed`: nodes could not get a vector; they are tried again later
 * - `index_built`: the vectors are divided into neighbourhoods
 * - `upkeep_failed`: the work behind the scenes broke off; it is begun again later
 * @source story-17.4 AC5; product contract, Monitoring ("Names")
 */
export type CanvasSearchEvent =
  | { type: 'searched'; durationSeconds: number; results: number; asked?: () => AskedQuery }
  | { type: 'nodes_stored'; canvases: number; nodes: number; made: number; durationSeconds: number }
  | { type: 'nodes_failed'; nodes: number }
  | { type: 'index_built'; nodes: number; durationSeconds: number }
  | { type: 'upkeep_failed' };
