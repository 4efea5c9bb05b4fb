import { neededColumns, rowText } from '../query/row-text.js';
import type { ExportFile } from './export-format.js';
import type { ExportRow } from './export-row.js';

const rowsAtOnce = 512;
const nothing = Buffer.alloc(0);
const newline = Buffer.from('\n');
const separator = Buffer.from(',\n');

/**
 * One row a line, as the list answers it: the importer takes it back.
 * @source JSON Lines; product contract, Import formats
 */
export function jsonLinesFile(fields: readonly string[] | undefined): ExportFile {
  return {
    ...source(fields),
    start: () => nothing,
    add: (rows) => Buffer.concat(rows.flatMap((row) => [textOf(row, fields), newline])),
    end: () => nothing,
  };
}

/**
 * One JSON array, a row a line.
 * @source RFC 8259
 */
export function jsonArrayFile(fields: readonly string[] | undefined): ExportFile {
  let isFirst = true;
  return {
    ...source(fields),
    start: () => Buffer.from('[\n'),
    add(rows) {
      const parts = rows.flatMap((row, i) =>
        i === 0 && isFirst ? [textOf(row, fields)] : [separator, textOf(row, fields)],
      );
      isFirst &&= rows.length === 0;
      return Buffer.concat(parts);
    },
    end: () => Buffer.from('\n]\n'),
  };
}

const source = (fields: readonly string[] | undefined) => ({ needs: neededColumns(fields).columns, rowsAtOnce });

const textOf = ({ row, note }: ExportRow, fields: readonly string[] | undefined) => rowText(row, note, fields);
