/**
 * Looks now and then whether the batches of an import say and store what the original way would have: a few ids of a batch
 * are looked up one by one, a few of its stored rows are compared with the same rows built alone. It runs within the
 * import, which alone has the rows; the first batch is looked at, then one after each pause. What was wrong is put right
 * before the import goes on.
 */
import type { Table as ArrowTable } from 'apache-arrow';
import { listLiteral, numberLiteral, retryOnConflict, stringLiteral, type Table } from '../../../lance/index.js';
import { trajectorySchema } from '../../trajectory-schema.js';
import type { ImportFlag } from './batch-committer.js';
import type { KeptFields, TrajectoryRow } from './row.js';
import { buildTable } from './row-builder.js';
import { addStored, lookupColumns } from './row-lookup.js';
import { singleRowWriter } from './row-writer.baseline.js';

/** @source product contract, Optimisations (`batch_import`, `bulk_duplicate_check`, `verification.sample_rate`) */
export interface BatchComparisonOptions {
  table: Table;
  importId: string;
  /** Pause between two looks of the same kind; up to twice as long after one that took long. */
  eachMs: number;
  /** What a look has found: what differs, or nothing. */
  onChecked(flag: ImportFlag, difference: string | undefined): void;
  /** Milliseconds of a clock that never goes back. */
  now?(): number;
}

const rowsCompared = 8;
const idsCompared = 64;
/** Looking up one id may take as long as reading all of them. */
const lookupMs = 50;
const fewestIds = 2;
/** A look may take a twentieth of the time, ... */
const restRatio = 20;
/** ... unless the next one would come too late. */
const longestPause = 1.8;

/**
 * The looks of one import.
 * @source product contract, Optimisations (`batch_import`, `bulk_duplicate_check`)
 */
export class BatchComparison {
  readonly #options: BatchComparisonOptions;
  /** When the next look of each kind is due. */
  readonly #dueAt = new Map<ImportFlag, number>();

  constructor(options: BatchComparisonOptions) {
    this.#options = options;
  }

  /**
   * Compares what one query has found of these ids with what a query for each finds.
   * @returns whether they agree, as far as was looked
   */
  async agreesOnIds(ids: readonly string[], found: ReadonlyMap<string, KeptFields>): Promise<boolean> {
    if (!this.#isDue('bulk_duplicate_check')) return true;
    const { table, onChecked, now = systemNow } = this.#options;
    const known = ids.filter((id) => found.has(id));
    const unknown = ids.filter((id) => !found.has(id));
    const chosen = interleaved(spread(known, idsCompared / 2), spread(unknown, idsCompared / 2));
    const startedAt = now();
    let difference: string | undefined;
    for (const [place, id] of chosen.entries()) {
      if (place >= fewestIds && now() - startedAt > lookupMs) break;
      const stored = await table
        .query()
        .where(`trajectory_id = ${stringLiteral(id)}`)
        .select(lookupColumns)
        .toArray();
      difference = differenceOfLookups(found.get(id), stored);
      if (difference !== undefined) break;
    }
    this.#looked('bulk_duplicate_check', startedAt);
    onChecked('bulk_duplicate_check', difference);
    return difference === undefined;
  }

  /**
   * Stores a batch, and compares some of its rows with what the original way would have stored; if they differ, the whole
   * batch is stored the original way.
   * @param commit stores it, in one commit
   * @returns whether they agree, as far as was looked
   */
  async agreesOnRows(
    how: 'add' | 'replace',
    rows: readonly TrajectoryRow[],
    commit: () => Promise<void>,
  ): Promise<boolean> {
    const { table, onChecked, now = systemNow } = this.#options;
    const before = this.#isDue('batch_import')
      ? { version: await table.version(), rows: await table.countRows() }
      : undefined;
    await commit();
    if (before === undefined) return true;
    const startedAt = now();
    const look = await this.#look(how, rows, before);
    this.#looked('batch_import', startedAt);
    if (look === undefined) return true;
    if (look.difference !== undefined) await this.#storeAgain(how, rows);
    onChecked('batch_import', look.difference);
    return look.difference === undefined;
  }

  /** @returns undefined where nothing can be said: what was stored stays, for it is stored */
  async #look(
    how: 'add' | 'replace',
    rows: readonly TrajectoryRow[],
    before: { version: number; rows: number },
  ): Promise<{ difference: string | undefined } | undefined> {
    const { table } = this.#options;
    try {
      // Another writer's commit between may have changed some of these rows.
      if ((await table.version()) !== before.version + 1) return undefined;
      const places = spread([...rows.keys()], rowsCompared);
      const chosen = places.map((place) => rows[place]!);
      if (how === 'replace') {
        const filter = `trajectory_id IN ${listLiteral(chosen.map(({ trajectory_id }) => trajectory_id))}`;
        return { difference: differenceOfRows(chosen, await table.query().where(filter).toArrow()) };
      }
      const added = (await table.countRows()) - before.rows;
      if (added !== rows.length) return { difference: `${rows.length} rows were to be added, ${added} were` };
      // New rows come last: to look for them by their ids would be to read those of all rows.
      const stored = await table.takeOffsets(places.map((place) => before.rows + place)).toArrow();
      return { difference: differenceOfRows(chosen, stored) };
    } catch {
      return undefined;
    }
  }

  async #storeAgain(how: 'add' | 'replace', rows: readonly TrajectoryRow[]): Promise<void> {
    const { table, importId } = this.#options;
    if (how === 'add') {
      const [first, last] = [rows[0]!.seq, rows.at(-1)!.seq].map(numberLiteral);
      const ofThisBatch = `import_id = ${stringLiteral(importId)} AND seq >= ${first} AND seq <= ${last}`;
      await retryOnConflict(() => table.delete(ofThisBatch));
    }
    await singleRowWriter[how](table, rows, () => {});
  }

  #isDue(flag: ImportFlag): boolean {
    return (this.#options.now ?? systemNow)() >= (this.#dueAt.get(flag) ?? Number.NEGATIVE_INFINITY);
  }

  #looked(flag: ImportFlag, startedAt: number): void {
    const { eachMs, now = systemNow } = this.#options;
    const at = now();
    this.#dueAt.set(flag, at + Math.max(eachMs, Math.min(eachMs * longestPause, (at - startedAt) * restRatio)));
  }
}

/**
 * The looks of a run, where it is to have some.
 * @source product contract, Optimisations (`verification.sample_rate`)
 */
export function comparisonFor(
  run: { importId: string; compareEachMs?: number | undefined },
  table: Table,
  tell: (checked: { flag: ImportFlag; difference: string | undefined }) => void,
): BatchComparison | undefined {
  if (run.compareEachMs === undefined) return undefined;
  const onChecked = (flag: ImportFlag, difference: string | undefined) => tell({ flag, difference });
  return new BatchComparison({ table, importId: run.importId, eachMs: run.compareEachMs, onChecked });
}

const systemNow = () => performance.now();

/** The first, the last, and some between, evenly. */
function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * (all.length - 1)) / (most - 1))]!);
}

function interleaved<T>(some: readonly T[], others: readonly T[]): T[] {
  const longest = Math.max(some.length, others.length);
  return Array.from({ length: longest }, (_, i) => [...some.slice(i, i + 1), ...others.slice(i, i + 1)]).flat();
}

/** Where several rows have an id, either way may give any of them. */
function differenceOfLookups(
  found: KeptFields | undefined,
  rows: readonly Record<string, unknown>[],
): string | undefined {
  if (found === undefined) return rows.length === 0 ? undefined : 'an id that is stored was not found';
  if (rows.length === 0) return 'an id was found that is not stored';
  const text = JSON.stringify(found);
  const isOneOfThem = rows.some((row) => {
    const one = new Map<string, KeptFields>();
    addStored(one, [row]);
    return JSON.stringify([...one.values()][0]) === text;
  });
  return isOneOfThem ? undefined : 'a stored row was found with other contents';
}

/** Row for row, column by column, against the same row built alone. */
function differenceOfRows(rows: readonly TrajectoryRow[], given: unknown): string | undefined {
  const stored = given as ArrowTable;
  const placeOf = new Map<unknown, number>();
  const seqs = stored.getChild('seq');
  for (let i = 0; i < stored.numRows; i++) {
    if (placeOf.has(seqs?.get(i))) return 'a row is stored twice';
    placeOf.set(seqs?.get(i), i);
  }
  for (const [index, row] of rows.entries()) {
    const place = placeOf.get(row.seq);
    const name = `row ${index + 1} of ${rows.length} looked at`;
    if (place === undefined) return `${name}: not stored`;
    const alone = buildTable([row]);
    for (const { name: column } of trajectorySchema.fields) {
      if (textOf(alone, column, 0) !== textOf(stored, column, place)) return `${name}: another ${column}`;
    }
  }
  return undefined;
}

function textOf(table: ArrowTable, column: string, place: number): string {
  const value: unknown = table.getChild(column)?.get(place);
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null
    ? JSON.stringify([...(value as Iterable<unknown>)])
    : String(value);
}
