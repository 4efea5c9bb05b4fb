import type { Column } from '../query/trajectory-columns.js';
import type { ExportRow } from './export-row.js';

/** The formats, as they are asked for. @source product contract, Trajectories ("format=csv|jsonl|json|parquet") */
export const exportFormats = ['csv', 'jsonl', 'json', 'parquet'] as const;

/** A format. @source product contract, Trajectories ("format=csv|jsonl|json|parquet") */
export type ExportFormat = (typeof exportFormats)[number];

/**
 * Turns rows into the bytes of one file. `start`, then `add` for some rows at a time, then `end`; each answers the
 * bytes that follow.
 * @source product contract, Trajectories ("export")
 */
export interface ExportFile {
  /** Columns of the database that rows must have. */
  needs: readonly Column[];
  /** Rows that `add` takes at most: so long nothing else runs. */
  rowsAtOnce: number;
  start(): Uint8Array;
  add(rows: readonly ExportRow[]): Uint8Array;
  end(): Uint8Array;
}

/** Media types, and how a file of each format is made; what makes it is loaded when it is asked for. @source RFC 4180; RFC 8259; IANA media types */
export const exportFiles: Record<
  ExportFormat,
  { mediaType: string; create(fields: readonly string[] | undefined): Promise<ExportFile> }
> = {
  csv: {
    mediaType: 'text/csv; charset=utf-8; header=present',
    create: async (fields) => (await import('./csv-file.js')).csvFile(fields),
  },
  jsonl: {
    mediaType: 'application/x-ndjson',
    create: async (fields) => (await import('./json-file.js')).jsonLinesFile(fields),
  },
  json: {
    mediaType: 'application/json; charset=utf-8',
    create: async (fields) => (await import('./json-file.js')).jsonArrayFile(fields),
  },
  parquet: {
    mediaType: 'application/vnd.apache.parquet',
    create: async (fields) => (await import('./parquet-file.js')).parquetFile(fields),
  },
};
