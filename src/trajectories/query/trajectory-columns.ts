/**
 * The columns of text; `tags` and `record_json` stand alone.
 * @source product contract, Trajectories ("Record")
 */
export const textColumns = [
  'trajectory_id',
  'data_id',
  'agent_name',
  'training_id',
  'question',
  'ground_truth',
  'termination_reason',
  'source',
  'notes',
] as const;
/** The columns of numbers. @source product contract, Trajectories ("Record") */
export const numberColumns = [
  'reward',
  'toolcall_reward',
  'res_reward',
  'exec_time',
  'created_at',
  'updated_at',
] as const;
/** The columns of whole numbers. @source product contract, Trajectories ("Record") */
export const integerColumns = ['epoch_id', 'iteration_id', 'sample_id', 'step_count'] as const;
/** The columns of truth values. @source product contract, Trajectories ("Record") */
export const flagColumns = ['is_bookmarked', 'is_success'] as const;

/** Columns of text. @source product contract, Trajectories ("Record") */
export type TextColumn = (typeof textColumns)[number];
/** Columns of numbers: rewards, seconds, epoch seconds. @source product contract, Trajectories ("Record") */
export type NumberColumn = (typeof numberColumns)[number];
/** Columns of whole numbers of 32 bits. @source product contract, Trajectories ("Record") */
export type IntegerColumn = (typeof integerColumns)[number];
/** Columns of truth values. @source product contract, Trajectories ("Record") */
export type FlagColumn = (typeof flagColumns)[number];
/** Columns that pages can be sorted by. @source product contract, Settled details ("Sortable: every scalar field") */
export type ScalarColumn = TextColumn | NumberColumn | IntegerColumn | FlagColumn;
/** Columns that a reader can be asked for. @source product contract, Trajectories ("Record") */
export type Column = ScalarColumn | 'tags' | 'record_json';

/** The columns that pages can be sorted by. @source product contract, Settled details ("Sortable: every scalar field") */
export const sortableColumns = [...textColumns, ...numberColumns, ...integerColumns, ...flagColumns] as const;

/**
 * A stored row, with the columns that were asked for: text, numbers, truth values, `tags` as a list of texts, and
 * `record_json` as UTF-8 bytes (decoding and encoding it again would be most of the work of a large page).
 * @source product contract, Trajectories ("Record")
 */
export type TrajectoryRow = {
  [Name in Column]?: Name extends 'tags'
    ? string[]
    : Name extends 'record_json'
      ? Uint8Array
      : Name extends NumberColumn | IntegerColumn
        ? number
        : Name extends FlagColumn
          ? boolean
          : string;
};

/**
 * The names of answers that differ from the column's name.
 * @source product contract, Trajectories ("each row")
 */
export const columnOfField: ReadonlyMap<string, ScalarColumn> = new Map<string, ScalarColumn>([
  ...sortableColumns.map((column) => [column, column] as const),
  ['questionId', 'data_id'],
  ['isSuccess', 'is_success'],
]);

/**
 * What `sort_by` takes, in the order it is listed to a client that asks for something else.
 * @source product contract, Settled details ("Sortable")
 */
export const sortableFields: readonly string[] = [...columnOfField.keys()];
