import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { Problem } from '../errors.js';
import { isStopping, type TaskContext } from '../scheduler/index.js';
import type { Agent } from './agent.js';
import type { AgentCanvases } from './agent-canvases.js';
import type { AgentType } from './agent-types.js';
import { type CanvasView, type Drawing, type NodeView, viewOf } from './canvas/canvas-view.js';
import { drawCards } from './canvas/drawing.js';
import { surroundings } from './canvas/surroundings.js';
import { errorGroup } from './error-group.js';
import { modelMissing, targetUnknown } from './errors.js';
import type { AgentEvent } from './events.js';
import type { ChatMessage, ChatModel } from './model/chat-model.js';
import type { KnownAnswers } from './model/known-answers.js';
import { structuredAnswer } from './model/structured-answer.js';
import type { Invocation } from './parameters.js';

/**
 * What one call of an agent made. `nodes` and `edges` are on the canvas, or would be with `is_dry_run`.
 * @source product contract, Agents (`POST /agents/invoke`)
 */
export interface AgentResult {
  answer: unknown;
  nodes: Drawing['nodes'];
  edges: Drawing['edges'];
  /** ETag of the canvas with them; null for a dry run. */
  etag: string | null;
  is_dry_run: boolean;
  is_cached: boolean;
  model: string;
  model_time_ms: number;
}

/**
 * What the agents work with.
 * @source product contract, Agents
 */
export interface AgentRunnerOptions {
  agents: ReadonlyMap<AgentType, Agent>;
  canvases: AgentCanvases;
  model: ChatModel | undefined;
  answers: KnownAnswers;
  onEvent(event: AgentEvent): void;
}

interface Asked {
  agent: Agent;
  canvas: CanvasView;
  answer: unknown;
  isCached: boolean;
  modelSeconds: number;
  model: string;
}

/** Ids as editors make them: sixteen hexadecimal digits, all of them random, unlike those in the middle of a UUID. */
function newId(): string {
  const uuid = randomUUID();
  return uuid.slice(0, 4) + uuid.slice(24);
}

function findTarget(canvas: CanvasView, id: string | undefined): NodeView | undefined {
  if (id === undefined) return undefined;
  const target = canvas.nodes.find((node) => node.id === id);
  if (!target) throw targetUnknown(id);
  return target;
}

function conversation(agent: Agent, invocation: Invocation, canvas: CanvasView, target?: NodeView): ChatMessage[] {
  const { instructions, language } = invocation.parameters;
  const wishes = [
    language === undefined ? '' : `Answer in this language: ${language}.`,
    instructions === undefined ? '' : `Mind besides: ${instructions}`,
  ].filter((wish) => wish !== '');
  const content = [surroundings(canvas, target), ...wishes].join('\n\n');
  return [
    { role: 'system', content: agent.prompt },
    { role: 'user', content },
  ];
}

/** Whether its caller or the end of the service called it off: a time that is over is a failure. */
function isCalledOff({ aborted, reason }: AbortSignal): boolean {
  return aborted && (!(reason instanceof Problem) || isStopping(reason));
}

/**
 * Runs single calls of agents: reads the canvas, asks the model (or finds the answer among the known ones), and draws
 * the answer. It knows nothing of queues and jobs.
 * @source product contract, Agents; story-17.4 task 3
 */
export class AgentRunner {
  readonly #options: AgentRunnerOptions;

  constructor(options: AgentRunnerOptions) {
    this.#options = options;
  }

  /** Refuses what would fail anyway, before anything waits in a queue or reaches the model.
   * @throws Problem MODEL_NOT_CONFIGURED, AGENT_TARGET_UNKNOWN, and those of reading a canvas
   */
  async check(invocation: Invocation): Promise<void> {
    if (!this.#options.model) throw modelMissing();
    findTarget(viewOf(await this.#options.canvases.read(invocation.canvas_path)), invocation.target_node_id);
  }

  /**
   * @param context its signal calls it off; once the canvas is being written that has no effect
   * @throws Problem of {@link check}, of the model, of the way to it, and of writing the canvas
   */
  async run(invocation: Invocation, context: TaskContext): Promise<AgentResult> {
    const { signal } = context;
    const startedAt = performance.now();
    let modelSeconds = 0;
    let isCached = false;
    const report = (rest: Pick<AgentEvent, 'outcome' | 'error'>) =>
      this.#options.onEvent({
        type: 'agent_finished',
        agent: invocation.agent_type,
        canvasPath: invocation.canvas_path,
        ...(invocation.target_node_id === undefined ? {} : { nodeId: invocation.target_node_id }),
        isDryRun: invocation.parameters.dry_run === true,
        isCached,
        durationSeconds: (performance.now() - startedAt) / 1000,
        modelSeconds,
        ...rest,
      });
    try {
      const asked = await this.#ask(invocation, context);
      ({ modelSeconds, isCached } = asked);
      const result = await this.#draw(invocation, asked);
      report({ outcome: 'done' });
      return result;
    } catch (error) {
      report(isCalledOff(signal) ? { outcome: 'cancelled' } : { outcome: 'failed', error: errorGroup(error) });
      throw error;
    }
  }

  async #ask(invocation: Invocation, { signal, permit }: TaskContext): Promise<Asked> {
    const { agents, canvases, model, answers } = this.#options;
    if (!model) throw modelMissing();
    const agent = agents.get(invocation.agent_type) as Agent;
    const canvas = viewOf(await canvases.read(invocation.canvas_path));
    const target = findTarget(canvas, invocation.target_node_id);
    const { temperature, max_tokens: maxTokens } = invocation.parameters;
    const messages = conversation(agent, invocation, canvas, target);
    const question = { messages, form: agent.form, temperature, maxTokens };
    signal.throwIfAborted();
    const startedAt = performance.now();
    const { answer, isCached } = await answers.find(model, question, signal, (shared) =>
      structuredAnswer(model, question, shared, permit),
    );
    signal.throwIfAborted();
    return { agent, canvas, answer, isCached, modelSeconds: (performance.now() - startedAt) / 1000, model: model.name };
  }

  async #draw(invocation: Invocation, asked: Asked): Promise<AgentResult> {
    const cards = asked.agent.form.cards(asked.answer);
    let drawing: Drawing = { nodes: [], edges: [] };
    const ids: string[] = [];
    // Drawn again on the same canvas it is the same, ids too: a writer that is compared with another runs both.
    const draw = (canvas: CanvasView) => {
      let used = 0;
      const nextId = () => {
        const id = ids[used] ?? newId();
        ids[used++] = id;
        return id;
      };
      drawing = drawCards(cards, canvas, findTarget(canvas, invocation.target_node_id), nextId);
      return drawing;
    };
    let etag: string | null = null;
    if (invocation.parameters.dry_run) draw(asked.canvas);
    else etag = (await this.#options.canvases.add(invocation.canvas_path, (newest) => draw(viewOf(newest)))).etag;
    return {
      answer: asked.answer,
      nodes: drawing.nodes,
      edges: drawing.edges,
      etag,
      is_dry_run: invocation.parameters.dry_run === true,
      is_cached: asked.isCached,
      model: asked.model,
      model_time_ms: Math.round(asked.modelSeconds * 1000),
    };
  }
}
