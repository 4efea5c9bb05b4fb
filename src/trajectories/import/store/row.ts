import type { Trajectory } from '../../trajectory.js';
import { isSameInBoth } from '../source/parsed-record.js';
import type { TextEncoding } from '../source/text-reader.js';
import type { CutLists } from '../text/record-cutter.js';
import { joinTexts, type TextArena } from './memory/text-arena.js';

/**
 * One row of the `trajectories` table before it is written. `record_json` still lacks `created_at`, which a replaced
 * row hands on: {@link recordEnding} adds it. `encoding` makes UTF-8 of its texts; `trajectory_id` is the same in both.
 * @source product contract, Trajectories ("Record")
 */
export interface TrajectoryRow {
  encoding: TextEncoding;
  trajectory_id: string;
  data_id: string;
  agent_name: string;
  training_id: string;
  question: string;
  ground_truth: string;
  termination_reason: string;
  source: string;
  import_id: string;
  reward: number;
  toolcall_reward: number;
  res_reward: number;
  exec_time: number;
  epoch_id: number;
  iteration_id: number;
  sample_id: number;
  step_count: number;
  is_bookmarked: boolean;
  is_success: boolean;
  tags: string[];
  notes: string;
  created_at: number;
  updated_at: number;
  seq: number;
  /** UTF-8. */
  record_json: Buffer;
}

/** What a replaced row hands on to the row that replaces it. @source product contract, Trajectories (on_conflict) */
export type KeptFields = Pick<TrajectoryRow, 'created_at' | 'tags' | 'notes' | 'is_bookmarked'>;

/**
 * Writes a record down as a row. `seq` is set when the row is committed.
 * @param lists the text of the record's lists, which the record itself lacks then
 * @source product contract, Trajectories ("Record"); trajectory-optimization 2.2-A
 */
export function toRow(
  trajectory: Trajectory,
  importId: string,
  encoding: TextEncoding = 'utf8',
  arena: TextArena | undefined = undefined,
  lists: CutLists | undefined = undefined,
): TrajectoryRow {
  const { tags, notes, is_bookmarked, updated_at, step_count, created_at, ...record } = trajectory;
  const parts = lists ? partsAround(record, lists) : [JSON.stringify(record)];
  return {
    encoding,
    trajectory_id: record.trajectory_id,
    data_id: record.data_id,
    agent_name: record.agent_name,
    training_id: record.training_id,
    question: asText(record.task.question),
    ground_truth: asText(record.task.ground_truth),
    termination_reason: record.termination_reason,
    source: record.source,
    import_id: importId,
    reward: record.reward,
    toolcall_reward: record.toolcall_reward,
    res_reward: record.res_reward,
    exec_time: record.exec_time,
    epoch_id: record.epoch_id,
    iteration_id: record.iteration_id,
    sample_id: record.sample_id,
    step_count,
    is_bookmarked,
    is_success: record.reward > 0,
    tags,
    notes,
    created_at,
    updated_at,
    seq: 0,
    record_json: arena ? arena.write(parts, encoding) : joinTexts(parts, encoding),
  };
}

/** The text of a record in the order of its fields, the lists put in as they are. */
function partsAround(
  record: Omit<Trajectory, 'tags' | 'notes' | 'is_bookmarked' | 'updated_at' | 'step_count' | 'created_at'>,
  lists: CutLists,
): (string | Buffer)[] {
  const { trajectory_id, data_id, task, steps: _steps, chat_completions: _chat, ...rest } = record;
  const head = JSON.stringify({ trajectory_id, data_id, task });
  const tail = JSON.stringify(rest);
  return [
    `${head.slice(0, -1)},"steps":`,
    lists.steps,
    ',"chat_completions":',
    lists.chatCompletions,
    `,${tail.slice(1)}`,
  ];
}

/**
 * What stands for the last brace of `record_json` in the table: the time that a replaced row hands on.
 * @source product contract, Trajectories ("Record")
 */
export function recordEnding(row: TrajectoryRow): string {
  return `,"created_at":${row.created_at}}`;
}

const copiesOfRecord = 5;
const bytesPerCharacter = 8;
const bytesPerRow = 1024;

/**
 * Roughly the memory that a row takes on its way into the table, in bytes: as text, as column, as the copies that the
 * database makes of it.
 * @source product contract, Promises 6
 */
export function rowBytes(row: TrajectoryRow): number {
  const characters = row.question.length + row.ground_truth.length;
  return bytesPerRow + row.record_json.length * copiesOfRecord + characters * bytesPerCharacter;
}

/**
 * Tells whether a record read as `latin1` has the ids that it has when it is read as characters.
 * @source product contract, Trajectories ("Record")
 */
export function hasPlainIds({ trajectory_id, data_id }: Trajectory): boolean {
  return isSameInBoth(trajectory_id) && isSameInBoth(data_id);
}

/** Questions and truths are text as a rule; lists and objects are searched by their JSON text. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
