import { type Chance, createChance } from './chance.js';
import { subjects } from './sample-topics.js';

/** Agents that the made trajectories name. @source product contract, Trajectories ("Record") */
export const sampleAgents = ['planner', 'retriever', 'tutor', 'examiner'] as const;
const endings = ['success', 'failed', 'timeout', 'max_iterations'];
const attempts = 8;
const pieceBytes = 64 * 1024;
const round = (value: number) => Number(value.toFixed(4));

function record(chance: Chance, question: number, attempt: number) {
  const { subject, topics } = chance.pick(subjects);
  const { name, statement } = chance.pick(topics);
  const [training, epoch, iteration] = [`run-${chance.whole(1, 4)}`, chance.whole(0, 9), chance.whole(0, 30)];
  const text = `第 ${question} 题 (${subject}): ${name}?`;
  return {
    trajectory_id: `q${question}-${training}-${epoch}-${iteration}-${attempt}`,
    data_id: `q${question}`,
    training_id: training,
    epoch_id: epoch,
    iteration_id: iteration,
    sample_id: attempt,
    agent_name: chance.pick(sampleAgents),
    task: { question: text, ground_truth: statement, subject },
    steps: Array.from({ length: chance.whole(2, 8) }, (_, index) => ({
      step_id: String(index),
      thought: statement.repeat(chance.whole(1, 4)),
      action: chance.pick(['search', 'open', 'compare', 'answer']),
      reward: round(chance.next()),
    })),
    chat_completions: [
      { role: 'user', content: text },
      { role: 'assistant', content: statement.repeat(chance.whole(2, 12)) },
    ],
    reward: chance.next() < 0.4 ? 0 : round(chance.next() * 2 - 0.6),
    toolcall_reward: round(chance.next() / 2),
    res_reward: round(chance.next() / 2),
    exec_time: round(2 + chance.next() * 60),
    termination_reason: chance.pick(endings),
  };
}

/**
 * Made trajectories as JSON lines, piece by piece: eight attempts at each question, the same on every run.
 * @source product contract, Trajectories ("Import formats")
 */
export function sampleTrajectories(count: number): ReadableStream<Uint8Array> {
  const chance = createChance(7);
  const encoder = new TextEncoder();
  let made = 0;
  return new ReadableStream({
    pull(controller) {
      let text = '';
      for (; made < count && text.length < pieceBytes; made++) {
        text += `${JSON.stringify(record(chance, Math.floor(made / attempts), made % attempts))}\n`;
      }
      if (text === '') controller.close();
      else controller.enqueue(encoder.encode(text));
    },
  });
}
