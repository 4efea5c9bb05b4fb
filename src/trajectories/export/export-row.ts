import type { AnalysisNote } from '../analysis/analysis-lookup.js';
import { rowText } from '../query/row-text.js';
import { type Column, columnOfField, type TrajectoryRow } from '../query/trajectory-columns.js';

/** One trajectory and what its analysis says, on the way into a file. @source product contract, Trajectories ("export") */
export interface ExportRow {
  row: TrajectoryRow;
  note: AnalysisNote | undefined;
}

/** The value of a cell; null where the record has no such field. @source product contract, Trajectories ("export") */
export type Cell = string | number | boolean | null;

/** What a column of a table holds, for formats that must know before the first row. @source Apache Parquet, "Types" */
export type CellType = 'text' | 'number' | 'integer' | 'flag' | 'optional text';

/**
 * A column of a table: its name, its type, and how a row fills it.
 * @source product contract, Trajectories ("export")
 */
export interface TableColumn {
  name: string;
  type: CellType;
  /** Columns of the database that it is made from. */
  needs: readonly Column[];
  cell(row: ExportRow): Cell;
}

/** The field that stands for the whole row, as the list answers it. @source product contract, Trajectories ("each row") */
export const wholeRowField = 'record_json';

/** Fields of a table when none are asked for, in this order. @source product contract, Trajectories ("Record") */
export const tableFields: readonly string[] = [
  'trajectory_id',
  'data_id',
  'question',
  'ground_truth',
  'agent_name',
  'training_id',
  'epoch_id',
  'iteration_id',
  'sample_id',
  'reward',
  'toolcall_reward',
  'res_reward',
  'step_count',
  'exec_time',
  'termination_reason',
  'isSuccess',
  'category',
  'rootCause',
  'is_bookmarked',
  'tags',
  'notes',
  'source',
  'created_at',
  'updated_at',
];

const numbers = new Set<string>(['reward', 'toolcall_reward', 'res_reward', 'exec_time', 'created_at', 'updated_at']);
const integers = new Set<string>(['epoch_id', 'iteration_id', 'sample_id', 'step_count']);
const flags = new Set<string>(['is_bookmarked', 'is_success']);

/** What a whole row is made from. */
const wholeRow: readonly Column[] = [
  'record_json',
  'data_id',
  'tags',
  'notes',
  'is_bookmarked',
  'updated_at',
  'step_count',
  'is_success',
];

/**
 * The column for a field. Lists and objects become their JSON text.
 * @param field any name; one that no record has gives empty cells
 * @source product contract, Trajectories ("`fields=` narrows")
 */
export function tableColumn(field: string): TableColumn {
  if (field === 'category') return { name: field, type: 'text', needs: [], cell: ({ note }) => note?.category ?? '' };
  if (field === 'rootCause') return { name: field, type: 'text', needs: [], cell: ({ note }) => note?.rootCause ?? '' };
  if (field === 'tags') {
    return { name: field, type: 'text', needs: ['tags'], cell: ({ row }) => JSON.stringify(row.tags ?? []) };
  }
  if (field === wholeRowField) {
    return { name: field, type: 'text', needs: wholeRow, cell: ({ row, note }) => rowText(row, note).toString() };
  }
  const column = columnOfField.get(field);
  if (column) return { name: field, type: typeOf(column), needs: [column], cell: ({ row }) => row[column] ?? null };
  return { name: field, type: 'optional text', needs: ['record_json'], cell: ({ row }) => recordCell(row, field) };
}

function typeOf(column: string): CellType {
  if (numbers.has(column)) return 'number';
  if (integers.has(column)) return 'integer';
  return flags.has(column) ? 'flag' : 'text';
}

/** A row is parsed once, however many of its fields are asked for. */
const parsed = new WeakMap<TrajectoryRow, Record<string, unknown>>();

function recordCell(row: TrajectoryRow, field: string): string | null {
  let record = parsed.get(row);
  if (!record) {
    record = JSON.parse(Buffer.from(row.record_json ?? '{}').toString()) as Record<string, unknown>;
    parsed.set(row, record);
  }
  const value = Object.hasOwn(record, field) ? record[field] : undefined;
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
