import { z } from 'zod';

const text = z.string();
const number = z.number();
const int32 = z.int32();

/**
 * One step of a run, as the trainer dumped it. Numbers and truth values that came as text are numbers and booleans.
 * @source product contract, Trajectories ("Record")
 */
export const trajectoryStepSchema = z.looseObject({
  step_id: z.union([number, text]).optional(),
  thought: z.unknown().optional(),
  model_response: z.unknown().optional(),
  chat_completions: z.unknown().optional(),
  info: z.unknown().optional(),
  reward: z.unknown().optional(),
  done: z.unknown().optional(),
  mc_return: z.unknown().optional(),
  action: z.unknown().optional(),
  observation: z.unknown().optional(),
});

/**
 * One trajectory in its normal form: flat, every known field present and of one type, unknown fields kept as they
 * came. Times are epoch seconds, `exec_time` is seconds.
 * @source product contract, Trajectories ("Record"); trajectory-optimization 2.2
 */
export const trajectoryRecordSchema = z
  .looseObject({
    trajectory_id: text.min(1),
    data_id: text.min(1),
    task: z.looseObject({ question: z.unknown(), ground_truth: z.unknown() }),
    steps: z.array(trajectoryStepSchema),
    chat_completions: z.array(z.looseObject({})),
    reward: number,
    toolcall_reward: number,
    res_reward: number,
    exec_time: number,
    epoch_id: int32,
    iteration_id: int32,
    sample_id: int32,
    training_id: text,
    agent_name: text,
    termination_reason: text,
    tags: z.array(text),
    notes: text,
    is_bookmarked: z.boolean(),
    source: text,
    created_at: number,
    updated_at: number,
    step_count: int32.min(0),
  })
  .meta({ id: 'Trajectory', description: 'One run of an agent on one question' });

/** A record in its normal form. @source product contract, Trajectories ("Record") */
export type Trajectory = z.infer<typeof trajectoryRecordSchema>;
