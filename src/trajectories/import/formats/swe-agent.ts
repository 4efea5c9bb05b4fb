import { isObject } from '../../trajectory-values.js';
import { contentId, type Fields, fieldsOf, messageText, objectsOf, textOf } from './foreign-values.js';

/**
 * A `.traj` file of SWE-agent; one that is to be shown to the model as a demonstration may hold the history alone.
 * @source SWE-agent documentation, "Output files" (Trajectories) and "Demonstrations"
 */
export function isSweAgentRun(value: Fields): boolean {
  if (Array.isArray(value.trajectory)) return Array.isArray(value.history) || isObject(value.info);
  const isMessage = ({ role, agent }: Fields) => typeof role === 'string' && typeof agent === 'string';
  return value.trajectory === undefined && objectsOf(value.history).some(isMessage);
}

/**
 * The turns become steps, the history becomes the chat, the exit status says why it ended. The file does not name its
 * problem: the configuration for replays does, when it is there; else the problem's text names it. It holds no reward.
 * @source SWE-agent, `sweagent/types.py` (TrajectoryStep, HistoryItem, AgentInfo)
 */
export function fromSweAgent(value: Fields): Fields {
  const { trajectory, history, ...rest } = value;
  const problem = problemOf(value);
  const turns = Array.isArray(trajectory) ? trajectory : turnsOf(objectsOf(history));
  const demonstrated = objectsOf(history);
  const asked = demonstrated.find(({ role, is_demo }) => role === 'user' && is_demo !== true);
  const question = textOf(problem.text) ?? textOf(problem.problem_statement) ?? messageText(asked?.content);
  const dataId = textOf(problem.id) ?? textOf(value.instance_id) ?? `swe-agent-${contentId(question)}`;
  return {
    ...rest,
    trajectory_id: `${dataId}-${contentId(value)}`,
    data_id: dataId,
    task: { question, ground_truth: '' },
    steps: turns.map((turn, i) => stepOf(turn, i, turns.length)),
    chat_completions: history ?? [],
    exec_time: objectsOf(turns).reduce(
      (sum, { execution_time: time }) => sum + (Number.isFinite(time) ? Number(time) : 0),
      0,
    ),
    termination_reason: textOf(fieldsOf(value.info).exit_status) ?? '',
    agent_name: demonstrated.map(({ agent }) => textOf(agent)).find(Boolean) ?? 'SWE-agent',
    source: 'swe-agent',
  };
}

/** The turns of a history: what the agent answered, and what it was told next. */
function turnsOf(history: readonly Fields[]): Fields[] {
  return history.flatMap(({ role, thought, action, content, is_demo: isDemo }, i) => {
    if (role !== 'assistant' || isDemo === true) return [];
    const next = history[i + 1];
    const observation = next?.role === 'assistant' ? '' : messageText(next?.content);
    return [{ thought, action, response: messageText(content), observation }];
  });
}

function stepOf(turn: unknown, i: number, turns: number): unknown {
  if (!isObject(turn)) return turn;
  const { response, ...rest } = turn;
  return { step_id: i, ...rest, model_response: response, done: i === turns - 1 };
}

/** The problem as the configuration for replays names it: an object, or the JSON text of one. */
function problemOf({ replay_config: config }: Fields): Fields {
  try {
    return fieldsOf(fieldsOf(typeof config === 'string' ? JSON.parse(config) : config).problem_statement);
  } catch {
    return {};
  }
}
