import { readFileSync } from 'node:fs';
import { ownFile } from '../own-file.js';
import type { AgentType } from './agent-types.js';
import { anchors } from './answers/anchors.js';
import type { AnswerForm } from './answers/answer.js';
import { comparison } from './answers/comparison.js';
import { explanation } from './answers/explanation.js';
import { levels } from './answers/levels.js';
import { plan } from './answers/plan.js';
import { questions } from './answers/questions.js';
import { score } from './answers/score.js';

/**
 * An agent: what it is told (`prompts/<type>.md`), and the form of its answer.
 * @source product contract, Agents; story-17.4 task 3
 */
export interface Agent {
  readonly type: AgentType;
  readonly prompt: string;
  readonly form: AnswerForm;
}

const forms: Record<AgentType, AnswerForm> = {
  'basic-decomposition': questions,
  'deep-decomposition': questions,
  'question-decomposition': questions,
  'oral-explanation': explanation,
  'four-level-explanation': levels,
  'clarification-path': explanation,
  'comparison-table': comparison,
  'example-teaching': explanation,
  'memory-anchor': anchors,
  'scoring-agent': score,
  'verification-question-agent': questions,
  'canvas-orchestrator': plan,
};

const promptText = (name: string) => readFileSync(ownFile(`agents/prompts/${name}.md`), 'utf8').trim();

/**
 * All agents, their prompts read from the files beside this one.
 * @throws Error when a prompt is missing
 * @source product contract, Agents
 */
export function readAgents(): ReadonlyMap<AgentType, Agent> {
  const common = promptText('common');
  return new Map(
    (Object.keys(forms) as AgentType[]).map((type) => {
      const prompt = `${promptText(type)}\n\n${common}`;
      return [type, { type, prompt, form: forms[type] }];
    }),
  );
}
