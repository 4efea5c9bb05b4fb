import type { ExecutionEngine, Job, Scheduler } from '../scheduler/index.js';
import { readAgents } from './agent.js';
import type { AgentCanvases } from './agent-canvases.js';
import { type AgentResult, AgentRunner } from './agent-runner.js';
import { type Batch, jobOf } from './batch.js';
import { modelMissing } from './errors.js';
import type { AgentEvent } from './events.js';
import type { ChatModel } from './model/chat-model.js';
import { type AnswerStore, KnownAnswers } from './model/known-answers.js';
import type { Invocation } from './parameters.js';

/**
 * What the agents work with. Without `model` every call is refused with what to set; without `answers` equal questions
 * are asked anew each time.
 * @source product contract, Agents
 */
export interface AgentsOptions {
  canvases: AgentCanvases;
  model: ChatModel | undefined;
  answers: AnswerStore | undefined;
  scheduler: Pick<Scheduler, 'run'>;
  engine: Pick<ExecutionEngine, 'submit' | 'find' | 'cancel' | 'watch'>;
  onEvent(event: AgentEvent): void;
}

/**
 * The agents: single calls, batches of calls that depend on each other, and the jobs that batches become.
 * @source product contract, Agents; story-17.4 task 3
 */
export interface Agents {
  /**
   * @throws Problem MODEL_NOT_CONFIGURED, AGENT_TARGET_UNKNOWN, those of reading and writing a canvas, of the scheduler,
   * of the model and of the way to it (docs/errors.md); the signal's reason
   */
  invoke(invocation: Invocation, signal: AbortSignal): Promise<AgentResult>;
  /**
   * Begins a batch; each call tells its own end in the job.
   * @throws Problem MODEL_NOT_CONFIGURED, and those of the engine (cycle, unknown id, full queue)
   */
  submit(batch: Batch): Promise<{ job: Job; ended: Promise<Job> }>;
  readonly jobs: Pick<ExecutionEngine, 'find' | 'cancel' | 'watch'>;
}

/** Longer than the model's own time for all its tries: a last resort. */
const deadlineMs = 15 * 60 * 1000;
/** Somebody waits for a single call: a model that wants to be left alone for longer is said to. */
const maxPauseMs = 60_000;

/**
 * Reads the prompts; nothing runs yet.
 * @throws Error when a prompt is missing
 * @source product contract, Agents
 */
export function openAgents(options: AgentsOptions): Agents {
  const { canvases, model, answers, scheduler, engine, onEvent } = options;
  const runner = new AgentRunner({
    agents: readAgents(),
    canvases,
    model,
    answers: new KnownAnswers(answers),
    onEvent,
  });
  return {
    jobs: engine,
    async invoke(invocation, signal) {
      await runner.check(invocation);
      return scheduler.run((context) => runner.run(invocation, context), {
        name: invocation.agent_type,
        kind: 'agent',
        upstream: 'model',
        deadlineMs,
        maxPauseMs,
        signal,
      });
    },
    async submit(batch) {
      if (!model) throw modelMissing();
      return engine.submit(jobOf(batch, (invocation, context) => runner.run(invocation, context)));
    },
  };
}
