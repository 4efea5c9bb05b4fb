import type { ListQuery } from './query/trajectory-repository.js';

/**
 * A query as one may write it down: names, tests and amounts, never a value that somebody looked for. `explain` tells how
 * it is read when nothing is known from before, as the database's own steps without their values, and the version of
 * the table that is read now.
 * @source issue "slow-query log"; OpenTelemetry semantic conventions, "Database" (db.query.summary)
 */
export interface AskedQuery {
  shape: Readonly<Record<string, unknown>>;
  explain?(): Promise<ExplainedQuery>;
}

/** @source issue "plan" */
export interface ExplainedQuery {
  plan: string[];
  indexes: { column: string; kind: string }[];
  tableVersion: number;
}

/** The steps that are this service's own, in their words. @source product contract, Trajectories ("`explain=true`") */
export const ownSteps = {
  take: 'take the rows of the page by row id',
  order: 'put them in the known order of all rows',
  values: 'tell them from values kept in the order of all rows',
  readAll: 'read all rows',
  filter: 'filter in memory',
  page: 'cut out the page',
} as const;

const known: ReadonlySet<string> = new Set(Object.values(ownSteps));
const operator = /^\s*((?:[A-Z][a-z0-9]*)+(?:Exec|Read|Scan|Query|Index|Lookup))(?=[:,]|$)/;

/**
 * What may be kept of a plan: the names of its steps. Everything else in a line may hold what a client looked for, and a
 * line may even be the rest of such a text, so that only known words pass.
 * @source issue "never values that may be secret"
 */
export function stepNames(plan: readonly string[]): string[] {
  return plan.flatMap((line) => {
    if (known.has(line)) return [line];
    const name = operator.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });
}

/** @source issue "query shape" */
export function shapeOf(query: ListQuery): AskedQuery['shape'] {
  const { filter, sortBy, order, page, pageSize, fields, walk } = query;
  const filters = filter.map((condition) => {
    const columns = 'columns' in condition ? condition.columns.join('|') : condition.column;
    const texts = 'texts' in condition ? ` ${condition.texts.length}` : '';
    return `${columns} ${condition.test}${texts}`;
  });
  return {
    filters,
    sort: `${sortBy} ${order}`,
    ...(walk ? { walk: walk.after ? 'on' : 'start' } : { page }),
    page_size: pageSize,
    ...(fields && { fields: [...fields] }),
  };
}
