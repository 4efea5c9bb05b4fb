import { type AnswerCheck, type Optimization, withFallback } from '../../optimization.js';
import type { AnalysisLookup, AnalysisNote } from '../analysis/analysis-lookup.js';
import { type AskedQuery, shapeOf, stepNames } from '../asked-query.js';
import { cursorInvalid, trajectoryNotFound } from '../errors.js';
import type { TrajectoryEvent } from '../trajectory-events.js';
import { notesCheck, onePage, pageCheck } from './comparing/answer-checks.js';
import type { ComparedReader } from './comparing/index-comparison.js';
import type { LookAtVersion } from './comparing/look-at-version.js';
import type { PageQuery, ReadingPlan, RowPosition, TrajectoryReader } from './page-query.js';
import { layOut } from './page-text.js';
import { recordIds } from './record-ids.js';
import { neededColumns, type RowParts, rowParts } from './row-text.js';
import type { TrajectoryRow } from './trajectory-columns.js';

/**
 * A page as a client asks for it; without `fields` rows are whole.
 * @source product contract, Trajectories ("GET /api/trajectories")
 */
export interface ListQuery extends Omit<PageQuery, 'walk'> {
  fields?: readonly string[];
  walk?: { after?: CarriedPosition; at?: string };
}

/**
 * A position as a cursor carries it; a value that would make it long is left out, and looked up by `seq`.
 * @source product contract, Settled details ("`?cursor=`")
 */
export type CarriedPosition = Pick<RowPosition, 'seq'> & Partial<RowPosition>;

/**
 * A page of rows as JSON texts in UTF-8, and how many rows there are on all pages.
 * @source product contract, Trajectories ("GET /api/trajectories")
 */
export interface TextPage {
  rows: Buffer[];
  total: number;
  /** In a walk: where this page ended; absent when nothing follows. */
  next?: RowPosition;
  /** The whole answer, where it was made already. */
  text?: Buffer;
}

/**
 * How a list would be answered now.
 * @source product contract, Trajectories ("`explain=true` tells plan, index, cache")
 */
export interface Explanation extends ReadingPlan {
  variant: 'optimized' | 'baseline';
  query_cache: 'hit' | 'miss' | 'off';
}

/**
 * Reads trajectories with their analysis; rows are JSON texts in UTF-8, ready to be sent.
 * @source trajectory-optimization 2.2
 */
export interface TrajectoryRepository {
  /** @throws Problem CURSOR_INVALID when the row where a walk stands is needed and gone */
  list(query: ListQuery): Promise<TextPage>;
  explain(query: ListQuery): Promise<Explanation>;
  /** @throws Problem TRAJECTORY_NOT_FOUND */
  get(trajectoryId: string): Promise<Buffer>;
}

/** The two ways of each optimisation, and its flag. @source trajectory-optimization 2.2 */
export interface TrajectoryRepositoryOptions {
  reader: TrajectoryReader;
  baselineReader: TrajectoryReader;
  /** Answers as `baselineReader` does, quicker, where only the answer is wanted: for comparisons. */
  lookReader?: Pick<TrajectoryReader, 'list' | 'get' | 'valueAt'>;
  /** The same for an earlier version of the table. */
  lookAtVersion?: LookAtVersion;
  /** Whether it is the indexes that have made an answer of `reader` wrong. */
  isOfIndexes?: ComparedReader['isOfIndexes'];
  nativeQuery: Optimization<unknown>;
  analysisLookup: AnalysisLookup;
  baselineAnalysisLookup: AnalysisLookup;
  /** As `lookReader`, for `baselineAnalysisLookup`. */
  lookAnalysisLookup?: AnalysisLookup;
  /** As `isOfIndexes`, for `analysisLookup`: asked with what is wrong with the notes of these ids. */
  isOfAnalysisIndexes?(
    ids: readonly string[],
    difference: (notes: ReadonlyMap<string, AnalysisNote>) => Promise<string | undefined> | string | undefined,
  ): Promise<boolean>;
  analysisByIds: Optimization<unknown>;
  /** The version of the table that is read now; 0 when left out. */
  tableVersion?(): Promise<number>;
  /** The same for the analysis table. */
  analysisVersion?(): Promise<number>;
  onEvent(event: TrajectoryEvent): void;
}

type Variant = 'native' | 'baseline';
type PageReader = Pick<TrajectoryReader, 'list' | 'get' | 'valueAt'>;

/**
 * Puts the readers and the analysis lookups behind their flags; each flag is asked here and nowhere else.
 * @source trajectory-optimization 2.2
 */
export function createTrajectoryRepository(options: TrajectoryRepositoryOptions): TrajectoryRepository {
  const { reader, baselineReader, lookReader, lookAtVersion, lookAnalysisLookup } = options;
  const { isOfIndexes, isOfAnalysisIndexes, nativeQuery, analysisByIds, onEvent } = options;

  const pages = pageCheck(async () => String(await options.tableVersion?.()));
  const notesOf = notesCheck(async () => String(await options.analysisVersion?.()));
  const records: AnswerCheck<TrajectoryRow | undefined> = {
    version: pages.version,
    difference: (optimised, original) => pages.difference(onePage(optimised), onePage(original)),
  };

  /** Reads the optimised way or the original one, and tells which it was. */
  async function read<T>(
    work: (reader: PageReader) => Promise<T>,
    check: AnswerCheck<T>,
  ): Promise<{ result: T; variant: Variant }> {
    const through = async (from: PageReader, variant: Variant) => ({ result: await work(from), variant });
    return withFallback(
      nativeQuery,
      () => through(reader, 'native'),
      () => through(baselineReader, 'baseline'),
      {
        ...ofResults(check),
        ...(lookReader && { look: () => through(lookReader, 'baseline') }),
        ...(lookAtVersion && {
          lookAt: (version: string) => lookAtVersion(Number(version), (from) => through(from, 'baseline')),
        }),
        ...(isOfIndexes && {
          isFromBeneath: ({ result }: { result: T }) => isOfIndexes(work, (answer) => check.difference(answer, result)),
        }),
      },
    );
  }

  async function lookUp(ids: readonly string[]): ReturnType<AnalysisLookup> {
    const startedAt = performance.now();
    const through = async (find: AnalysisLookup, variant: 'by_ids' | 'whole_table') => ({
      notes: await find(ids),
      variant,
    });
    const { notes, variant } = await withFallback(
      analysisByIds,
      () => through(options.analysisLookup, 'by_ids'),
      () => through(options.baselineAnalysisLookup, 'whole_table'),
      {
        version: notesOf.version,
        difference: (optimised, original) => notesOf.difference(optimised.notes, original.notes),
        ...(lookAnalysisLookup && { look: () => through(lookAnalysisLookup, 'whole_table') }),
        ...(isOfAnalysisIndexes && {
          isFromBeneath: (original) => isOfAnalysisIndexes(ids, (notes) => notesOf.difference(notes, original.notes)),
        }),
      },
    );
    onEvent({ type: 'analysis_lookup', variant, durationSeconds: secondsSince(startedAt), rows: ids.length });
    return notes;
  }

  async function partsOf(rows: readonly TrajectoryRow[], fields?: readonly string[]): Promise<RowParts[]> {
    const notes = neededColumns(fields).notes && rows.length > 0 ? await lookUp(rows.map(idOf)) : undefined;
    return rows.map((row) => rowParts(row, notes?.get(idOf(row)), fields));
  }

  function report(
    operation: 'list' | 'get',
    variant: Variant,
    startedAt: number,
    rows: number,
    asked: () => AskedQuery,
  ): void {
    onEvent({ type: 'query', operation, variant, durationSeconds: secondsSince(startedAt), rows, asked });
  }

  /** Of the way that answered; what it found out by answering is left aside. */
  function askedOf(query: ListQuery, variant: Variant): AskedQuery {
    const from = variant === 'native' ? reader : baselineReader;
    return {
      shape: shapeOf(query),
      async explain() {
        const { plan, indexes } = await from.explain(await placed(query, from), true);
        return { plan: stepNames(plan), indexes, tableVersion: (await options.tableVersion?.()) ?? 0 };
      },
    };
  }

  return {
    async list(query) {
      const startedAt = performance.now();
      const { columns } = neededColumns(query.fields);
      const { result, variant } = await read(async (from) => from.list(await placed(query, from), columns), pages);
      const parts = await partsOf(result.rows, query.fields);
      report('list', variant, startedAt, parts.length, () => askedOf(query, variant));
      return { ...result, ...layOut(parts, result, query) };
    },
    async explain(query) {
      const explained = async (from: TrajectoryReader, variant: Explanation['variant']): Promise<Explanation> => {
        const plan = await from.explain(await placed(query, from));
        return { ...plan, variant, query_cache: 'off' };
      };
      return withFallback(
        nativeQuery,
        () => explained(reader, 'optimized'),
        () => explained(baselineReader, 'baseline'),
      );
    },
    async get(trajectoryId) {
      const startedAt = performance.now();
      const { columns } = neededColumns(undefined);
      const reading = read((from) => from.get(trajectoryId, columns), records);
      // Beside it: whose analysis it is is known already.
      const [{ result, variant }, notes] = await Promise.all([reading, lookUp([trajectoryId])]);
      const parts = result && rowParts(result, notes.get(trajectoryId));
      report('get', variant, startedAt, parts ? 1 : 0, () => ({ shape: { by: 'trajectory_id' } }));
      if (!parts) throw trajectoryNotFound(trajectoryId);
      return Buffer.concat([parts.stored, Buffer.from(parts.added)]);
    },
  };
}

/** The check of what was read, whichever way. */
function ofResults<T>({ difference, bytesOf, version }: AnswerCheck<T>): AnswerCheck<{ result: T; variant: Variant }> {
  return {
    version,
    difference: (optimised, original) => difference(optimised.result, original.result),
    ...(bytesOf && { bytesOf: ({ result }) => bytesOf(result) }),
  };
}

/** The query with the value looked up that its cursor left out. */
async function placed({ walk, ...query }: ListQuery, reader: Pick<TrajectoryReader, 'valueAt'>): Promise<PageQuery> {
  if (!walk) return query;
  if (!walk.after) return { ...query, walk: {} };
  const { seq } = walk.after;
  const value = walk.after.value ?? (await reader.valueAt(seq, query.sortBy));
  if (value === undefined) throw cursorInvalid('the record where the walk stands is gone: start again');
  return { ...query, walk: { after: { seq, value } } };
}

/** Rows that show their analysis come with their id or with their text. */
const idOf = (row: TrajectoryRow) => row.trajectory_id ?? recordIds(row.record_json ?? emptyRecord).trajectoryId;
const emptyRecord = Buffer.from('{}');

const secondsSince = (startedAt: number) => (performance.now() - startedAt) / 1000;
