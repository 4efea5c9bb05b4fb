import { stringify } from 'csv-stringify/sync';
import type { ExportFile } from './export-format.js';
import { type Cell, tableColumn, tableFields } from './export-row.js';

const rowsAtOnce = 256;

const options = {
  record_delimiter: '\r\n',
  // A line break of any kind splits a cell that is not quoted.
  quoted_match: /[\r\n]/,
  cast: { boolean: String, number: String },
};

/**
 * A table with a header line; lines end in CR LF. Text that a spreadsheet would take for a formula gets a single quote
 * in front; numbers stay as they are.
 * @source RFC 4180; OWASP, "CSV Injection"
 */
export function csvFile(fields: readonly string[] = tableFields): ExportFile {
  const columns = fields.map(tableColumn);
  const text = (records: Cell[][]) => Buffer.from(records.length === 0 ? '' : stringify(records, options));
  return {
    needs: [...new Set(columns.flatMap((column) => column.needs))],
    rowsAtOnce,
    start: () => text([columns.map((column) => neutralised(column.name))]),
    add: (rows) => text(rows.map((row) => columns.map((column) => neutralised(column.cell(row))))),
    end: () => Buffer.alloc(0),
  };
}

/**
 * The cell, with a single quote in front when it is text that begins like a formula (fullwidth signs count too).
 * @source OWASP, "CSV Injection"
 */
export function neutralised(cell: Cell): Cell {
  return typeof cell === 'string' && /^[=+\-@\t\r\n＝＋－＠]/.test(cell) ? `'${cell}` : cell;
}
