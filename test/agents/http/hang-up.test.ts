import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { FastifyReply } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Drawing } from '../../../src/agents/canvas/canvas-view.js';
import type { AgentEvent } from '../../../src/agents/events.js';
import { batchRoutes } from '../../../src/agents/http/batch-routes.js';
import { hangUpSignal } from '../../../src/agents/http/hang-up.js';
import { invokeRoutes } from '../../../src/agents/http/invoke-routes.js';
import { openAgents } from '../../../src/agents/open-agents.js';
import type { ExecutionEngine } from '../../../src/scheduler/index.js';
import { openTestScheduler } from '../../scheduler/open-test-scheduler.js';
import { openTestApp } from '../../support/app.js';
import { answersWith, threeQuestions } from '../../support/chat-server.js';
import { eventually } from '../../support/eventually.js';
import { type Behaviour, startMisbehavingServer } from '../../support/misbehaving-server.js';
import { startTestServer } from '../../support/server.js';

const nodes = [{ id: 't', type: 'text', text: '极限', x: 0, y: 0, width: 250, height: 60 }];
const invocation = { agent_type: 'basic-decomposition', canvas_path: 'a.canvas', target_node_id: 't' };

/** A model that never answers; `gone` resolves when its first request is given up. */
function endless(): { behaviour: Behaviour; gone: Promise<void> } {
  let leave = () => {};
  const gone = new Promise<void>((resolve) => {
    leave = resolve;
  });
  return { behaviour: (response) => void response.on('close', leave), gone };
}

/** A request over a socket that the test may cut. */
function send(origin: { port: number }, to: string, body: unknown) {
  const request = http.request({ host: '127.0.0.1', ...origin, path: to, method: 'POST' });
  request.setHeader('content-type', 'application/json');
  request.on('error', () => {});
  request.end(JSON.stringify(body));
  onTestFinished(() => void request.destroy());
  return request;
}

async function listeningApp(...behaviours: Behaviour[]) {
  const model = await startMisbehavingServer(...behaviours);
  const environment = { OPENAI_BASE_URL: `${model.origin}/v1`, OPENAI_MODEL: 'small' };
  const { server, folder } = await openTestApp({ environment });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const put = await server.inject({ method: 'PUT', url: '/canvas/a.canvas', payload: { nodes, edges: [] } });
  expect(put.statusCode).toBe(201);
  const { port } = server.server.address() as AddressInfo;
  const drawn = async () => (await server.inject({ url: '/canvas/a.canvas' })).json().nodes.length - nodes.length;
  return { model, server, folder, port, drawn };
}

describe('a client that hangs up', () => {
  it('ends its call: the model is asked no more, nothing is drawn', async () => {
    const { behaviour, gone } = endless();
    const { model, port, drawn } = await listeningApp(behaviour);
    const request = send({ port }, '/agents/invoke', invocation);
    await model.arrived(1);
    request.destroy();
    await gone;
    expect(await drawn()).toBe(0);
  });

  it('ends its batch: what is asked is given up, what waits never begins', async () => {
    const { behaviour, gone } = endless();
    const { model, folder, port, drawn } = await listeningApp(behaviour, answersWith(threeQuestions));
    const invocations = [invocation, { ...invocation, depends_on: [0] }];
    const request = send({ port }, '/agents/batch', { invocations });
    await model.arrived(1);
    request.destroy();
    await gone;
    const jobs = path.join(folder, 'jobs');
    const [name] = (await readdir(jobs)).filter((each) => each.endsWith('.json'));
    await eventually(async () =>
      expect(JSON.parse(await readFile(path.join(jobs, String(name)), 'utf8'))).toMatchObject({
        status: 'cancelled',
        tasks: [{ status: 'cancelled' }, { status: 'cancelled' }],
      }),
    );
    expect(model.requests).toHaveLength(1);
    expect(await drawn()).toBe(0);
  });

  it('cancels its batch also when it left while the job was being stored', async () => {
    let accept = (_: unknown) => {};
    let submitted = () => {};
    const isSubmitted = new Promise<void>((resolve) => {
      submitted = resolve;
    });
    let cancelled = (_: string) => {};
    const isCancelled = new Promise<string>((resolve) => {
      cancelled = resolve;
    });
    const never = new Promise<never>(() => {});
    const agents = {
      submit: () =>
        new Promise((resolve) => {
          accept = resolve;
          submitted();
        }),
      jobs: {
        cancel: async (id: string) => cancelled(id),
      },
    };
    const server = await startTestServer([batchRoutes(agents as never)]);
    await server.listen({ host: '127.0.0.1', port: 0 });
    const closed = new Promise<void>((resolve) => {
      server.server.once('connection', (socket) => socket.once('close', () => resolve()));
    });
    const request = send(server.server.address() as AddressInfo, '/agents/batch', { invocations: [invocation] });
    await isSubmitted;
    request.destroy();
    await closed;
    accept({ job: { id: 'the job' }, ended: never });
    expect(await isCancelled).toBe('the job');
  });

  it('ends nothing once the canvas is being written', async () => {
    const answer = JSON.stringify(threeQuestions);
    const events: AgentEvent[] = [];
    const { scheduler } = openTestScheduler();
    let begin = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let write = () => {};
    const written = new Promise<void>((resolve) => {
      write = resolve;
    });
    const drawn: Drawing[] = [];
    const agents = openAgents({
      canvases: {
        read: async () => ({ nodes, edges: [] }),
        async add(_, draw) {
          drawn.push(draw({ nodes, edges: [] }));
          begin();
          await written;
          return { etag: '"after"' };
        },
      },
      model: { name: 'small', identity: 'small', ask: async () => answer },
      answers: undefined,
      scheduler,
      engine: {} as ExecutionEngine,
      onEvent: (event) => events.push(event),
    });
    const server = await startTestServer([invokeRoutes(agents)]);
    await server.listen({ host: '127.0.0.1', port: 0 });
    const closed = new Promise<void>((resolve) => {
      server.server.once('connection', (socket) => socket.once('close', () => resolve()));
    });
    const request = send(server.server.address() as AddressInfo, '/agents/invoke', invocation);
    await hasBegun;
    request.destroy();
    await closed;
    write();
    await eventually(() => expect(events).toMatchObject([{ outcome: 'done' }]));
    expect(drawn).toMatchObject([{ nodes: [{}, {}, {}] }]);
    expect(scheduler.state().running).toBe(0);
  });

  it('is noticed when it left before anybody asked', () => {
    const reply = { raw: { destroyed: true, writableEnded: false, once: () => {} } } as unknown as FastifyReply;
    expect(hangUpSignal(reply).aborted).toBe(true);
    const answered = { raw: { destroyed: true, writableEnded: true, once: () => {} } } as unknown as FastifyReply;
    expect(hangUpSignal(answered).aborted).toBe(false);
  });
});
