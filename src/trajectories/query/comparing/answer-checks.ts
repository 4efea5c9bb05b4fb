import type { AnswerCheck } from '../../../optimization.js';
import type { AnalysisNote } from '../../analysis/analysis-lookup.js';
import type { Page } from '../page-query.js';
import type { TrajectoryRow } from '../trajectory-columns.js';
import type { TextPage } from '../trajectory-repository.js';

/**
 * Names the state of the data that answers are made from; another one after each change.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export type DataVersion = () => Promise<string>;

const inJson = (value: unknown) =>
  JSON.stringify(value, (_key, inside: unknown) =>
    inside instanceof Uint8Array ? Buffer.from(inside).toString('base64') : inside,
  );

function sameValue(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  return Object.is(one, other) || (typeof one === 'object' && inJson(one) === inJson(other));
}

function differenceOfRows(optimised: TrajectoryRow, original: TrajectoryRow): string | undefined {
  const columns = new Set([...Object.keys(optimised), ...Object.keys(original)]) as Set<keyof TrajectoryRow>;
  for (const column of columns) if (!sameValue(optimised[column], original[column])) return `another ${column}`;
  return undefined;
}

/** Which row is the first that differs, and in what; counts before it. */
function differenceOfLists<Row>(
  optimised: { rows: readonly Row[]; total?: number; next?: unknown },
  original: { rows: readonly Row[]; total?: number; next?: unknown },
  differ: (optimised: Row, original: Row) => string | undefined,
): string | undefined {
  if (optimised.total !== original.total) return `a total of ${optimised.total} against ${original.total}`;
  if (optimised.rows.length !== original.rows.length) {
    return `${optimised.rows.length} rows against ${original.rows.length}`;
  }
  for (const [place, row] of optimised.rows.entries()) {
    const difference = differ(row, original.rows[place] as Row);
    if (difference !== undefined) return `row ${place + 1} of ${optimised.rows.length}: ${difference}`;
  }
  const [next, wanted] = [JSON.stringify(optimised.next), JSON.stringify(original.next)];
  return next === wanted ? undefined : 'another place for the next page';
}

/**
 * Compares pages, or single records, column by column.
 * @source product contract, Optimisations (`native_query`, `scalar_indexes`)
 */
export function pageCheck(version: DataVersion): AnswerCheck<Page> {
  return {
    version,
    difference: (optimised, original) => differenceOfLists(optimised, original, differenceOfRows),
    bytesOf: ({ rows }) => rows.reduce((bytes, row) => bytes + (row.record_json?.length ?? 0), 0),
  };
}

/**
 * A record, or that there is none, as a page.
 * @source product contract, Optimisations (`native_query`, `scalar_indexes`)
 */
export const onePage = (row: TrajectoryRow | undefined): Page => ({ rows: row ? [row] : [], total: row ? 1 : 0 });

/**
 * Compares pages of rows as texts.
 * @source product contract, Optimisations (`query_cache`)
 */
export function textPageCheck(version: DataVersion): AnswerCheck<TextPage> {
  const differ = (one: Buffer, other: Buffer) => (one.equals(other) ? undefined : 'another text');
  return {
    version,
    difference: (optimised, original) => differenceOfLists(optimised, original, differ),
    bytesOf: ({ rows, text }) => text?.length ?? rows.reduce((bytes, row) => bytes + row.length, 0),
  };
}

/**
 * Compares what is known of the analysis of some trajectories.
 * @source product contract, Optimisations (`analysis_by_ids`)
 */
export function notesCheck(version: DataVersion): AnswerCheck<ReadonlyMap<string, AnalysisNote>> {
  return {
    version,
    difference(optimised, original) {
      if (optimised.size !== original.size) return `${optimised.size} analysis rows against ${original.size}`;
      for (const [id, note] of original) {
        const found = optimised.get(id);
        if (found?.category !== note.category) return 'another category, or none';
        if (found.rootCause !== note.rootCause) return 'another root cause';
      }
      return undefined;
    },
  };
}
