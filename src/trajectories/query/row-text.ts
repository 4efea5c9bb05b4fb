import type { AnalysisNote } from '../analysis/analysis-lookup.js';
import { recordIds } from './record-ids.js';
import { type Column, columnOfField, type TrajectoryRow } from './trajectory-columns.js';

const emptyObject = Buffer.from('{}');
const noNote: AnalysisNote = { category: '', rootCause: '' };

/** Columns that a whole row is made from; its ids stand in the text, and each column read costs. */
const wholeRowColumns: readonly Column[] = [
  'record_json',
  'tags',
  'notes',
  'is_bookmarked',
  'updated_at',
  'step_count',
  'is_success',
];

/** Fields of answers that stand in a column, or in the analysis row; all others stand in the record's text. */
const textOnly = new Set(['question', 'ground_truth']);
const analysisFields = new Set(['category', 'rootCause']);

/**
 * Which columns must be read, and whether analysis rows must be, for rows of these fields (all fields when undefined).
 * @source product contract, Trajectories ("`fields=` narrows")
 */
export function neededColumns(fields: readonly string[] | undefined): { columns: readonly Column[]; notes: boolean } {
  if (!fields) return { columns: wholeRowColumns, notes: true };
  const columns = new Set<Column>();
  let notes = false;
  for (const field of fields) {
    if (analysisFields.has(field)) {
      notes = true;
      columns.add('trajectory_id');
    } else columns.add(columnOf(field) ?? 'record_json');
  }
  return { columns: [...columns], notes };
}

function columnOf(field: string): Exclude<Column, 'record_json'> | undefined {
  if (field === 'tags') return 'tags';
  return textOnly.has(field) ? undefined : columnOfField.get(field);
}

/**
 * The JSON text of a row in two parts that follow each other: bytes as they are stored, and text.
 * @source product contract, Trajectories ("each row")
 */
export interface RowParts {
  stored: Uint8Array;
  added: string;
}

const nothing = new Uint8Array(0);

/**
 * The JSON text of a row, in parts. A whole row is the stored text with the mutable and derived fields put at its end:
 * the record is never parsed. Fields that a record does not have are left out.
 * @param row with the columns that {@link neededColumns} names
 * @source product contract, Trajectories ("each row")
 */
export function rowParts(row: TrajectoryRow, note: AnalysisNote = noNote, fields?: readonly string[]): RowParts {
  if (fields) return { stored: nothing, added: narrowText(row, note, fields) };
  const record = row.record_json ?? emptyObject;
  const overlay = JSON.stringify({
    tags: row.tags,
    notes: row.notes,
    is_bookmarked: row.is_bookmarked,
    updated_at: row.updated_at,
    questionId: row.data_id ?? recordIds(record).dataId,
    step_count: row.step_count,
    isSuccess: row.is_success,
    ...note,
  });
  if (record.length <= emptyObject.length) return { stored: nothing, added: overlay };
  return { stored: record.subarray(0, -1), added: `,${overlay.slice(1)}` };
}

/**
 * The JSON text of a row, as UTF-8.
 * @param row with the columns that {@link neededColumns} names
 * @source product contract, Trajectories ("each row")
 */
export function rowText(row: TrajectoryRow, note: AnalysisNote = noNote, fields?: readonly string[]): Buffer {
  const { stored, added } = rowParts(row, note, fields);
  return Buffer.concat([stored, Buffer.from(added)]);
}

function narrowText(row: TrajectoryRow, note: AnalysisNote, fields: readonly string[]): string {
  const record =
    row.record_json === undefined
      ? {}
      : (JSON.parse(Buffer.from(row.record_json).toString()) as Record<string, unknown>);
  const members = fields.flatMap((field) => {
    const value = fieldValue(field, row, note, record);
    return value === undefined ? [] : [`${JSON.stringify(field)}:${JSON.stringify(value)}`];
  });
  return `{${members.join(',')}}`;
}

function fieldValue(field: string, row: TrajectoryRow, note: AnalysisNote, record: Record<string, unknown>): unknown {
  if (field === 'category') return note.category;
  if (field === 'rootCause') return note.rootCause;
  const column = columnOf(field);
  if (column) return row[column];
  return Object.hasOwn(record, field) ? record[field] : undefined;
}
