import { describe, expect, it } from 'vitest';
import { readAgents } from '../../src/agents/agent.js';
import { AgentRunner } from '../../src/agents/agent-runner.js';
import type { Drawing } from '../../src/agents/canvas/canvas-view.js';
import type { AgentEvent } from '../../src/agents/events.js';
import type { ChatModel, ChatRequest } from '../../src/agents/model/chat-model.js';
import { KnownAnswers } from '../../src/agents/model/known-answers.js';
import { invocationSchema } from '../../src/agents/parameters.js';
import { Problem } from '../../src/errors.js';
import { threeQuestions } from '../support/chat-server.js';

const node = (id: string, x: number) => ({ id, type: 'text', x, y: 0, width: 200, height: 100, text: `关于 ${id}` });

function runnerOn(canvas: { nodes: unknown[]; edges: unknown[] }, answer: unknown = threeQuestions) {
  const asked: ChatRequest[] = [];
  const drawn: Drawing[] = [];
  const events: AgentEvent[] = [];
  const model: ChatModel = {
    name: 'small',
    identity: 'small',
    async ask(request) {
      asked.push(request);
      if (answer instanceof Error) throw answer;
      return JSON.stringify(answer);
    },
  };
  const options = {
    agents: readAgents(),
    canvases: {
      read: async () => canvas,
      add: async (_: string, draw: (newest: unknown) => Drawing) => {
        drawn.push(draw(canvas));
        return { etag: '"after"' };
      },
    },
    model: model as ChatModel | undefined,
    answers: new KnownAnswers(undefined),
    onEvent: (event: AgentEvent) => void events.push(event),
  };
  return { runner: new AgentRunner(options), options, asked, drawn, events };
}

const invocation = (more: object = {}) =>
  invocationSchema.parse({ agent_type: 'basic-decomposition', canvas_path: 'a.canvas', target_node_id: 't', ...more });
const never = { signal: new AbortController().signal };

describe('AgentRunner', () => {
  it('draws the answer beside the target, on the newest canvas', async () => {
    const { runner, drawn, asked, events } = runnerOn({
      nodes: [node('t', 0), { id: 'broken' }, node('u', 400)],
      edges: [],
    });
    const result = await runner.run(invocation(), never);
    expect(result).toMatchObject({ etag: '"after"', is_dry_run: false, is_cached: false, model: 'small' });
    expect(result.nodes.map(({ text }) => text)).toEqual([
      '什么是极限？\n\n> 想一想靠近',
      '为什么要用 ε？',
      '举一个例子',
    ]);
    expect(result.edges.every(({ fromNode }) => fromNode === 't')).toBe(true);
    expect(new Set([...result.nodes, ...result.edges].map(({ id }) => id)).size).toBe(6);
    expect(drawn).toEqual([{ nodes: result.nodes, edges: result.edges }]);
    expect(asked[0]?.messages[0]?.content).toContain('three to seven basic questions');
    expect(asked[0]?.messages[1]?.content).toContain('关于 t');
    expect(events).toMatchObject([{ outcome: 'done', agent: 'basic-decomposition', isDryRun: false }]);
  });

  it('draws the same again, ids too, when it is asked to draw once more', async () => {
    const canvas = { nodes: [node('t', 0)], edges: [] };
    const { options } = runnerOn(canvas);
    const drawings: Drawing[] = [];
    const add = async (_: string, draw: (newest: unknown) => Drawing) => {
      drawings.push(draw(canvas), draw(canvas));
      return { etag: '"after"' };
    };
    const result = await new AgentRunner({ ...options, canvases: { ...options.canvases, add } }).run(
      invocation(),
      never,
    );
    expect(drawings[0]).toEqual(drawings[1]);
    expect(drawings[1]).toEqual({ nodes: result.nodes, edges: result.edges });
  });

  it('only shows it on a dry run, and passes on what the user wishes', async () => {
    const { runner, drawn, asked } = runnerOn({ nodes: [node('t', 0)], edges: [] });
    const parameters = { dry_run: true, language: '中文', instructions: '给高中生' };
    const result = await runner.run(invocation({ parameters }), never);
    expect(result).toMatchObject({ etag: null, is_dry_run: true });
    expect(result.nodes).toHaveLength(3);
    expect(drawn).toEqual([]);
    expect(asked[0]?.messages[1]?.content).toMatch(/Answer in this language: 中文\.\n\nMind besides: 给高中生$/);
  });

  it.each(['check', 'run'] as const)('asks no model about a target that is not there (%s)', async (method) => {
    const { runner, asked } = runnerOn({ nodes: [], edges: [] });
    const failing = method === 'check' ? runner.check(invocation()) : runner.run(invocation(), never);
    await expect(failing).rejects.toMatchObject({ code: 'AGENT_TARGET_UNKNOWN' });
    expect(asked).toEqual([]);
  });

  it('says what to set when there is no model', async () => {
    const { options } = runnerOn({ nodes: [node('t', 0)], edges: [] });
    const runner = new AgentRunner({ ...options, model: undefined });
    await expect(runner.check(invocation())).rejects.toMatchObject({
      code: 'MODEL_NOT_CONFIGURED',
      message: expect.stringContaining('OPENAI_BASE_URL'),
    });
  });

  it.each([
    [new Problem({ code: 'NETWORK_TIMEOUT', kind: 'upstream_timeout', message: '' }), 'network'],
    [new Problem({ code: 'CIRCUIT_OPEN', kind: 'unavailable', message: '' }), 'circuit_breaker'],
    [new Problem({ code: 'MODEL_BUSY', kind: 'unavailable', message: '' }), 'model'],
    [new Problem({ code: 'CANVAS_NOT_FOUND', kind: 'missing', message: '' }), 'canvas'],
    [new Error('a fault of ours'), 'agent'],
  ])('counts %s under %s', async (error, group) => {
    const { runner, events } = runnerOn({ nodes: [node('t', 0)], edges: [] }, error);
    await expect(runner.run(invocation(), never)).rejects.toBe(error);
    expect(events).toMatchObject([{ outcome: 'failed', error: group }]);
  });

  it.each([
    ['its time was over', 'TASK_DEADLINE_PASSED', 'upstream_timeout', { outcome: 'failed', error: 'agent' }],
    ['the service stopped', 'SCHEDULER_CLOSED', 'unavailable', { outcome: 'cancelled' }],
  ] as const)('counts it where %s', async (_, code, kind, counted) => {
    const { runner, events } = runnerOn({ nodes: [node('t', 0)], edges: [] });
    const task = new AbortController();
    const running = runner.run(invocation(), task);
    task.abort(new Problem({ code, kind, message: '' }));
    await expect(running).rejects.toMatchObject({ code });
    expect(events).toMatchObject([counted]);
  });

  it('writes nothing once it was called off', async () => {
    const { runner, drawn, events } = runnerOn({ nodes: [node('t', 0)], edges: [] });
    const caller = new AbortController();
    const running = runner.run(invocation(), caller);
    caller.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
    expect(drawn).toEqual([]);
    expect(events).toMatchObject([{ outcome: 'cancelled' }]);
  });
});
