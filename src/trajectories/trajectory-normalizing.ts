import type { Trajectory } from './trajectory.js';
import { overlaidFields } from './trajectory-schema.js';
import {
  checkId,
  isObject,
  maxRecordDepth,
  normalizeStep,
  readBoolean,
  readId,
  readInt32,
  readNumber,
  readObjects,
  readText,
  readTexts,
  unfitReason,
} from './trajectory-values.js';

type Fields = Record<string, unknown>;

/**
 * What became of one raw record: its normal form, or every reason why it was refused (`field: expected ..., got ...`).
 * @source product contract, Import formats
 */
export type NormalizedTrajectory = { ok: true; trajectory: Trajectory } | { ok: false; reasons: string[] };

/**
 * Brings a record to its normal form, flat or nested as trainers dump it. It takes the raw value over: parts of it
 * are changed in place and become parts of the result, so parse anew for a second reading.
 * @param importedAt epoch seconds, for records without times of their own
 * @source product contract, Import formats and Settled details; trajectory-optimization 1.2-A
 */
export function normalizeTrajectory(raw: unknown, importedAt = Date.now() / 1000): NormalizedTrajectory {
  if (!isObject(raw)) return { ok: false, reasons: [`expected an object, got ${kindOf(raw)}`] };
  const unfit = unfitReason(raw, maxRecordDepth);
  if (unfit) return { ok: false, reasons: [unfit] };

  const reasons: string[] = [];
  const fields = flatten(raw);
  const metrics = isObject(fields.metrics) ? fields.metrics : {};
  const chat = readObjects('chat_completions', fields.chat_completions, reasons);
  const steps = readObjects('steps', fields.steps, reasons);
  const task = readTask(fields.task, chat, reasons);
  const resReward = readNumber('res_reward', fields.res_reward ?? metrics.res_reward, reasons);
  const createdAt = readTime(fields.created_at, importedAt);

  const known: Omit<Trajectory, 'trajectory_id'> = {
    data_id: readId('data_id', fields.data_id, reasons),
    task: task as Trajectory['task'],
    steps,
    chat_completions: chat,
    reward: readReward(fields, resReward, reasons),
    toolcall_reward: readNumber('toolcall_reward', fields.toolcall_reward ?? metrics.toolcall_reward, reasons),
    res_reward: resReward,
    exec_time: readNumber('exec_time', fields.exec_time ?? metrics.total_time, reasons),
    epoch_id: readInt32('epoch_id', fields.epoch_id, reasons),
    iteration_id: readInt32('iteration_id', fields.iteration_id, reasons),
    sample_id: readInt32('sample_id', fields.sample_id, reasons),
    training_id: readText('training_id', fields.training_id, reasons),
    agent_name: readText('agent_name', fields.agent_name ?? task.agent_name, reasons),
    termination_reason: readText('termination_reason', fields.termination_reason, reasons),
    tags: readTexts('tags', fields.tags, reasons),
    notes: readText('notes', fields.notes, reasons),
    is_bookmarked: readBoolean('is_bookmarked', fields.is_bookmarked, reasons),
    source: readText('source', fields.source, reasons),
    created_at: createdAt,
    updated_at: readTime(fields.updated_at, createdAt),
    step_count: steps.length > 0 ? steps.length : readInt32('metrics.steps', metrics.steps, reasons, 0),
  };
  const trajectoryId = readTrajectoryId(fields, known, reasons);
  if (reasons.length > 0) return { ok: false, reasons };
  for (const step of steps) normalizeStep(step);
  const trajectory = { trajectory_id: trajectoryId, ...known } as Trajectory;
  keepUnknown(trajectory, fields);
  return { ok: true, trajectory };
}

const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value === 'string' ? 'text' : typeof value}`;

/** The nested form's inner fields stand beside its outer ones; where both name a field, the inner one counts. */
function flatten(raw: Fields): Fields {
  const inner = raw.trajectory;
  if (!isObject(inner)) return raw;
  const { trajectory: _inner, ...outer } = raw;
  return { ...outer, ...inner };
}

/** Looks under `task.task` too, where `problem` is the question; without a question the first user message is one. */
function readTask(raw: unknown, chat: readonly unknown[], reasons: string[]): Fields {
  let task: Fields = {};
  if (typeof raw === 'string') task = { question: raw };
  else if (isObject(raw)) {
    const { task: inner, ...outer } = raw;
    task = isObject(inner) ? { ...outer, ...inner } : { ...raw };
  } else if (raw !== undefined && raw !== null) reasons.push(`task: expected an object, got ${kindOf(raw)}`);
  const { question, ground_truth: groundTruth, problem, ...rest } = task;
  const kept = problem !== undefined && question !== undefined && question !== null ? { problem } : {};
  return {
    question: question ?? problem ?? firstUserMessage(chat),
    ground_truth: groundTruth ?? '',
    ...rest,
    ...kept,
  };
}

function firstUserMessage(chat: readonly unknown[]): string {
  const message = chat.find((entry) => isObject(entry) && entry.role === 'user') as Fields | undefined;
  const content = message?.content;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.map((part) => (isObject(part) ? part.text : part));
  return texts.filter((part) => typeof part === 'string').join('\n');
}

/** `final_reward`, then `trajectory_reward`, counts when it is not zero; else `reward`; else `res_reward`. */
function readReward(fields: Fields, resReward: number, reasons: string[]): number {
  const final = readNumber('final_reward', fields.final_reward, reasons);
  const ofTrajectory = readNumber('trajectory_reward', fields.trajectory_reward, reasons);
  const plain = readNumber('reward', fields.reward, reasons);
  return final || ofTrajectory || plain || resReward;
}

/** Epoch seconds; what is no number gives way to `otherwise`. */
function readTime(value: unknown, otherwise: number): number {
  if (value === undefined || value === null || typeof value === 'boolean') return otherwise;
  const faults: string[] = [];
  const time = readNumber('', value, faults);
  return faults.length > 0 || value === 'None' ? otherwise : time;
}

/**
 * The record's id. Trainers that sample a tree give every branch the id of its root: then the branch's own id is
 * made from the parts that name it.
 */
function readTrajectoryId(fields: Fields, known: Omit<Trajectory, 'trajectory_id'>, reasons: string[]): string {
  const id = readId('trajectory_id', fields.trajectory_id, reasons);
  const tree = readText('tree_id', fields.tree_id, reasons);
  if (tree === '' || tree === 'None' || id.split('-').length < 6 || id.endsWith(`-${tree}`)) return id;
  const { data_id, training_id, epoch_id, iteration_id, sample_id } = known;
  const ofBranch = `${data_id}-${training_id}-${epoch_id}-${iteration_id}-${sample_id}-${tree}`;
  checkId('trajectory_id', ofBranch, reasons);
  return ofBranch;
}

const overlaid = new Set<string>(overlaidFields);

/** Unknown fields stay. Defined, not assigned: a field named `__proto__` must stay a field. */
function keepUnknown(trajectory: Fields, fields: Fields): void {
  for (const name of Object.keys(fields)) {
    if (Object.hasOwn(trajectory, name) || overlaid.has(name)) continue;
    if (name === '__proto__') {
      Object.defineProperty(trajectory, name, {
        value: fields[name],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else trajectory[name] = fields[name];
  }
}
