import { setImmediate } from 'node:timers/promises';
import type { Table } from '../../lance/index.js';
import type { AnalysisLookup } from '../analysis/analysis-lookup.js';
import { rowIdsOf, rowsOf } from '../query/arrow-rows.js';
import { createSorting } from '../query/order/sorting.js';
import type { PageQuery } from '../query/page-query.js';
import type { Column, TrajectoryRow } from '../query/trajectory-columns.js';
import { type ExportFormat, exportFiles } from './export-format.js';
import type { ExportRow } from './export-row.js';

/** Which rows, in what order, with which fields, in what form. @source product contract, Trajectories ("export") */
export interface ExportQuery extends Pick<PageQuery, 'filter' | 'sortBy' | 'order'> {
  fields?: readonly string[];
  format: ExportFormat;
}

/** Some bytes of the file, and how many rows are in them. @source product contract, Trajectories ("export") */
export interface ExportChunk {
  bytes: Uint8Array;
  rows: number;
}

/**
 * All rows of one export on their way into its file. It holds eight bytes for each row and two slices of rows, and reads
 * a slice only when all but the one before were taken.
 * @source product contract, Trajectories ("export")
 */
export interface ExportScan {
  /** Call it once. It may be left at any chunk. */
  chunks(): AsyncGenerator<ExportChunk>;
  /** Lets go of everything once what is being read has been. */
  close(): Promise<void>;
}

/** Where rows come from. @source product contract, Trajectories ("export") */
export interface ExportScanOptions {
  /** A handle of the table of its own, which stays on one version. It is closed with the scan. */
  table: Table;
  analysisLookup: AnalysisLookup;
  /** No stored record's text has more bytes; undefined where that is not known. */
  largestRecord?(): number | undefined;
}

/** Columns that hold a whole record's text, or may hold nearly all of it. */
const longTexts: readonly Column[] = ['record_json', 'question', 'ground_truth', 'notes', 'tags'];
const firstSliceRows = 16;
/** Each reading costs some milliseconds, however few its rows. */
const maxSliceRows = 2048;
const sliceBytes = 4 * 1024 * 1024;
/** However large the records turn out to be that come after small ones. */
const mostSliceBytes = 128 * 1024 * 1024;

/**
 * Works the order out; the rows are read as the chunks are taken.
 * @throws what the database throws; the table is closed then
 * @source product contract, Trajectories ("export")
 */
export async function openExportScan(
  { table, analysisLookup, largestRecord }: ExportScanOptions,
  { filter, sortBy, order, fields, format }: ExportQuery,
): Promise<ExportScan> {
  const file = await exportFiles[format].create(fields);
  const columns = [...new Set<Column>([...file.needs, 'trajectory_id'])];
  const largest = columns.some((column) => longTexts.includes(column)) ? largestRecord?.() : undefined;
  const mostRows = Math.max(1, Math.min(maxSliceRows, Math.floor(mostSliceBytes / (largest ?? 1))));
  let reading: Promise<unknown> = Promise.resolve();

  async function orderedIds(): Promise<BigUint64Array> {
    const sorting = createSorting(table, Number.POSITIVE_INFINITY);
    const { ids } = await sorting.first({ filter, sortBy, order, page: 1, pageSize: 1 }, Number.POSITIVE_INFINITY);
    return ids;
  }

  async function slice(ids: readonly bigint[]): Promise<ExportRow[]> {
    const found = await table
      .takeRowIds([...ids])
      .select([...columns])
      .withRowId()
      .toArrow();
    const rows = rowsOf(found, columns);
    if (rows.length !== ids.length) throw new Error(`expected ${ids.length} rows of the snapshot, got ${rows.length}`);
    const places = new Map(Array.from(rowIdsOf(found), (id, place) => [id, place] as const));
    const notes = await analysisLookup(rows.map((row) => row.trajectory_id ?? ''));
    return ids.map((id) => {
      const row = rows[places.get(id)!]!;
      return { row, note: notes.get(row.trajectory_id ?? '') };
    });
  }

  const ids = await orderedIds().catch((error: unknown) => {
    table.close();
    throw error;
  });

  function readFrom(from: number, size: number): Promise<ExportRow[]> {
    const rows = slice(Array.from(ids.subarray(from, from + size)));
    reading = rows.catch(() => {});
    return rows;
  }

  /** The next slice is read while the last one is written. */
  async function* chunks(): AsyncGenerator<ExportChunk> {
    yield { bytes: file.start(), rows: 0 };
    let done = 0;
    let next = ids.length > 0 ? readFrom(0, Math.min(firstSliceRows, mostRows)) : undefined;
    while (next) {
      const rows = await next;
      const read = done + rows.length;
      next = read < ids.length ? readFrom(read, Math.min(mostRows, nextSize(rows))) : undefined;
      for (let from = 0; from < rows.length; from += file.rowsAtOnce) {
        const part = rows.slice(from, from + file.rowsAtOnce);
        yield { bytes: file.add(part), rows: part.length };
        done += part.length;
        await setImmediate();
      }
    }
    yield { bytes: file.end(), rows: 0 };
  }

  return {
    chunks,
    async close() {
      await reading;
      table.close();
    },
  };
}

/** Records differ in size a thousandfold, so slices follow the size of the last ones, at most doubling. */
function nextSize(rows: readonly ExportRow[]): number {
  const textBytes = rows.reduce(
    (sum, { row }) => sum + longTexts.reduce((bytes, name) => bytes + lengthOf(row[name]), 0),
    0,
  );
  const fitting = Math.floor((sliceBytes * rows.length) / Math.max(1, textBytes));
  return Math.max(1, Math.min(maxSliceRows, rows.length * 2, fitting));
}

/** Characters of texts, bytes of a record. */
function lengthOf(value: TrajectoryRow[Column]): number {
  if (Array.isArray(value)) return value.reduce((length, text) => length + text.length, 0);
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}
