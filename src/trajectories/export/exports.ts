import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Table } from '../../lance/index.js';
import type { AnalysisLookup } from '../analysis/analysis-lookup.js';
import { rowIdsOf, rowsOf } from '../query/arrow-rows.js';
import { createSorting } from '../query/order/sorting.js';
import type { PageQuery } from '../query/page-query.js';
import type { Column } from '../query/trajectory-columns.js';
import { exportsBusy } from './errors.js';
import { type ExportFile, type ExportFormat, exportFiles } from './export-format.js';
import type { ExportRow } from './export-row.js';

/** Which rows, in what order, with which fields, in what form. @source product contract, Trajectories ("export") */
export interface ExportQuery extends Pick<PageQuery, 'filter' | 'sortBy' | 'order'> {
  fields?: readonly string[];
  format: ExportFormat;
}

/** How an export ended. `aborted`: the client left. @source product contract, Trajectories ("export") */
export interface ExportOutcome {
  format: ExportFormat;
  result: 'completed' | 'aborted' | 'failed';
  rows: number;
  bytes: number;
  durationSeconds: number;
}

/** Where rows come from and whom to tell. @source product contract, Trajectories ("export") */
export interface ExportsOptions {
  /** A handle of the table of its own, which stays on the newest version of now. */
  openSnapshot(): Promise<Table>;
  analysisLookup: AnalysisLookup;
  onExported(outcome: ExportOutcome, error?: unknown): void;
}

/**
 * Writes all rows that pass a filter into one file, streamed. The rows are those of one moment, whatever is written
 * meanwhile. It holds eight bytes for each row and two slices of rows, reads a slice only when all but the one before were
 * taken, and stops when the reader leaves. A failure in the middle breaks the stream off: a file that ends well is whole.
 * @source product contract, Trajectories ("export")
 */
export interface Exports {
  /** @throws Problem EXPORTS_BUSY */
  open(query: ExportQuery): Promise<Readable>;
}

const maxAtOnce = 4;
const firstSliceRows = 16;
/** Each reading costs some milliseconds, however few its rows. */
const maxSliceRows = 2048;
const sliceBytes = 4 * 1024 * 1024;

/** @source product contract, Trajectories ("export") */
export function createExports({ openSnapshot, analysisLookup, onExported }: ExportsOptions): Exports {
  let underWay = 0;

  async function slice(table: Table, ids: readonly bigint[], columns: readonly Column[]): Promise<ExportRow[]> {
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

  /** Everything is let go of when the stream is closed, also when nobody ever read from it. */
  function stream(table: Table, ids: BigUint64Array, file: ExportFile, format: ExportFormat): Readable {
    const startedAt = performance.now();
    const columns = [...new Set<Column>([...file.needs, 'trajectory_id'])];
    const outcome: ExportOutcome = { format, result: 'aborted', rows: 0, bytes: 0, durationSeconds: 0 };
    let reading: Promise<unknown> = Promise.resolve();
    let failure: unknown;

    function readFrom(from: number, size: number): Promise<ExportRow[]> {
      const rows = slice(table, Array.from(ids.subarray(from, from + size)), columns);
      reading = rows.catch(() => {});
      return rows;
    }

    /** The next slice is read while the last one is written. */
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield file.start();
      let next = ids.length > 0 ? readFrom(0, firstSliceRows) : undefined;
      while (next) {
        const rows = await next;
        const read = outcome.rows + rows.length;
        next = read < ids.length ? readFrom(read, nextSize(rows)) : undefined;
        for (let from = 0; from < rows.length; from += file.rowsAtOnce) {
          const part = rows.slice(from, from + file.rowsAtOnce);
          yield file.add(part);
          outcome.rows += part.length;
          await setImmediate();
        }
      }
      yield file.end();
    }

    async function* counted(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunks()) {
          outcome.bytes += chunk.length;
          if (chunk.length > 0) yield chunk;
        }
        outcome.result = 'completed';
      } catch (error) {
        outcome.result = 'failed';
        failure = error;
        throw error;
      }
    }

    const readable = Readable.from(counted(), { objectMode: false, highWaterMark: 1 });
    readable.once('close', () => {
      underWay -= 1;
      outcome.durationSeconds = (performance.now() - startedAt) / 1000;
      onExported(outcome, failure);
      void reading.then(() => table.close());
    });
    return readable;
  }

  return {
    async open({ filter, sortBy, order, fields, format }) {
      if (underWay >= maxAtOnce) throw exportsBusy(maxAtOnce);
      underWay += 1;
      let table: Table | undefined;
      try {
        table = await openSnapshot();
        const sorting = createSorting(table, Number.POSITIVE_INFINITY);
        const { ids } = await sorting.first({ filter, sortBy, order, page: 1, pageSize: 1 }, Number.POSITIVE_INFINITY);
        return stream(table, ids, exportFiles[format].create(fields), format);
      } catch (error) {
        underWay -= 1;
        table?.close();
        throw error;
      }
    },
  };
}

/** Records differ in size a thousandfold, so slices follow the size of the last ones, at most doubling. */
function nextSize(rows: readonly ExportRow[]): number {
  const recordBytes = rows.reduce((sum, { row }) => sum + (row.record_json?.length ?? 0), 0);
  const fitting = Math.floor((sliceBytes * rows.length) / Math.max(1, recordBytes));
  return Math.max(1, Math.min(maxSliceRows, rows.length * 2, fitting));
}
