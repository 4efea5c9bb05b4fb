import type { CanvasSearchEvent, EventStoreEvent, GraphEvent } from '../../memory/index.js';
import type { SearchEvent, TrajectoryEvent } from '../../trajectories/index.js';

/** The queries that are watched. @source issue "slow-query log" */
export type QueryOperation =
  | 'list'
  | 'get'
  | 'text_search'
  | 'question_figures'
  | 'failure_figures'
  | 'similar_search'
  | 'canvas_search'
  | 'graph_search'
  | 'events';

/**
 * One answered query. `shape` holds names, operators and amounts, no values; `explain` may be dear and is asked once the
 * answer is out.
 * @source issue "slow-query log"
 */
export interface AnsweredQuery {
  operation: QueryOperation;
  durationSeconds: number;
  rows: number | undefined;
  asked:
    | (() => {
        shape: Readonly<Record<string, unknown>>;
        explain?(): Promise<{ plan: string[]; tableVersion?: number | string; indexes?: unknown[] }>;
      })
    | undefined;
}

/** @returns the query that the event tells of; undefined for all other events @source issue "slow-query log" */
export function trajectoryQuery(event: TrajectoryEvent): AnsweredQuery | undefined {
  if (event.type === 'figures_computed') {
    const { kind, durationSeconds, rows } = event;
    const operation = kind === 'questions' ? 'question_figures' : 'failure_figures';
    return { operation, durationSeconds, rows, asked: undefined };
  }
  if (event.type !== 'query') return undefined;
  const { operation, durationSeconds, rows, asked } = event;
  return { operation, durationSeconds, rows, asked };
}

/** @returns the query that the event tells of; undefined for all other events @source issue "slow-query log" */
export function searchQuery(event: SearchEvent): AnsweredQuery | undefined {
  if (event.type !== 'searched') return undefined;
  const { kind, durationSeconds, rows, asked } = event;
  return { operation: kind === 'text' ? 'text_search' : 'similar_search', durationSeconds, rows, asked };
}

/** @returns the query that the event tells of; undefined for all other events @source issue "slow-query log" */
export function canvasSearchQuery(event: CanvasSearchEvent): AnsweredQuery | undefined {
  if (event.type !== 'searched') return undefined;
  const { durationSeconds, results, asked } = event;
  return { operation: 'canvas_search', durationSeconds, rows: results, asked };
}

/** @returns the query that the event tells of; undefined for all other events @source issue "slow-query log" */
export function graphQuery(event: GraphEvent): AnsweredQuery | undefined {
  if (event.type !== 'answered') return undefined;
  const { durationSeconds, facts, asked } = event;
  return { operation: 'graph_search', durationSeconds, rows: facts, asked };
}

/** @returns the query that the event tells of; undefined for all other events @source issue "slow-query log" */
export function eventQuery(event: EventStoreEvent): AnsweredQuery | undefined {
  if (event.type !== 'events_queried') return undefined;
  const { durationSeconds, rows, asked } = event;
  return { operation: 'events', durationSeconds, rows, asked };
}
