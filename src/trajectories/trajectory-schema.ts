import { arrow } from '../lance/index.js';

const { Bool, Field, Float64, Int32, List, Schema, Utf8 } = arrow;

const text = (name: string) => new Field(name, new Utf8(), false);
const number = (name: string) => new Field(name, new Float64(), false);
const count = (name: string) => new Field(name, new Int32(), false);
const flag = (name: string) => new Field(name, new Bool(), false);

/**
 * Columns of the `trajectories` table. Whatever is filtered, sorted or changed later has a column of its own; the
 * record as it was imported (steps, chat and unknown fields included) is the JSON text `record_json`, from which the
 * mutable fields (`tags`, `notes`, `is_bookmarked`, `updated_at`) are left out: their columns are the truth.
 *
 * - `seq`: unique and rising, the tie-break of every sort (sorting by text is many times dearer).
 * - `is_success`: from the analysis row, without one `reward > 0`; kept in step so that its filter stays native.
 * - times: epoch seconds as float64, since filters on timestamp columns take no plain numbers.
 * - `import_id`: the task that brought the row, so that a task taken up again after a crash knows its own rows.
 * @source product contract, Trajectories ("Record"); trajectory-optimization 2.2-A
 */
export const trajectorySchema = new Schema([
  text('trajectory_id'),
  text('data_id'),
  text('agent_name'),
  text('training_id'),
  text('question'),
  text('ground_truth'),
  text('termination_reason'),
  text('source'),
  text('import_id'),
  number('reward'),
  number('toolcall_reward'),
  number('res_reward'),
  number('exec_time'),
  count('epoch_id'),
  count('iteration_id'),
  count('sample_id'),
  count('step_count'),
  flag('is_bookmarked'),
  flag('is_success'),
  new Field('tags', new List(new Field('item', new Utf8(), true)), false),
  text('notes'),
  number('created_at'),
  number('updated_at'),
  number('seq'),
  text('record_json'),
]);

/**
 * Columns of the `analysis` table: at most one row a trajectory.
 * @source product contract, Trajectories ("analysis rows"); trajectory-optimization 2.2-B
 */
export const analysisSchema = new Schema([
  text('trajectory_id'),
  flag('is_success'),
  text('category'),
  text('root_cause'),
  text('suggestion'),
  number('updated_at'),
]);

/** The tables of the trajectory half. @source product contract, Trajectories */
export const tableNames = { trajectories: 'trajectories', analysis: 'analysis' } as const;

/**
 * Beside the tables: what the statistics were made from, for the next start. It may be deleted at any time.
 * @source product contract, Trajectories ("/api/analysis/stats")
 */
export const figuresFile = 'trajectories.figures';

/**
 * Beside the tables: how large the largest record is. Without it the records are read through once.
 * @source product contract, Promises 6
 */
export const largestRecordFile = 'trajectories.largest';

/**
 * Fields that change after the import or are worked out from others: columns and the analysis row hold them, the
 * stored record text never does.
 * @source product contract, Trajectories ("each row")
 */
export const overlaidFields = [
  'tags',
  'notes',
  'is_bookmarked',
  'updated_at',
  'step_count',
  'questionId',
  'isSuccess',
  'category',
  'rootCause',
] as const;
