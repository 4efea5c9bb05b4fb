import { describe, expect, it } from 'vitest';
import { openTestApp } from '../../support/app.js';
import { answersWith, threeQuestions } from '../../support/chat-server.js';
import { type Behaviour, failsWith, hangs, startMisbehavingServer } from '../../support/misbehaving-server.js';

const canvas = `{
\t"nodes":[
\t\t{"id":"t","type":"text","text":"极限的定义","x":0,"y":0,"width":250,"height":60,"pinned":1.50},
\t\t{"id":"u","type":"text","text":"连续","x":500,"y":0,"width":250,"height":60}
\t],
\t"edges":[{"id":"e","fromNode":"t","toNode":"u"}]
}`;
const url = '/canvas/notes%2Flimits.canvas';
const path = 'notes/limits.canvas';
const invocation = (more: object = {}) => ({
  agent_type: 'basic-decomposition',
  canvas_path: path,
  target_node_id: 't',
  ...more,
});

async function appWith(...behaviours: Behaviour[]) {
  const model = await startMisbehavingServer(...behaviours);
  const environment = {
    OPENAI_BASE_URL: `${model.origin}/v1`,
    OPENAI_MODEL: 'small',
    OPENAI_API_KEY: 'key-of-the-test',
  };
  const { server, ...app } = await openTestApp({ environment });
  const put = await server.inject({
    method: 'PUT',
    url,
    headers: { 'content-type': 'application/json' },
    payload: canvas,
  });
  expect(put.statusCode).toBe(201);
  const post = (to: string, payload: object, headers = {}) =>
    server.inject({ method: 'POST', url: to, payload, headers });
  const nodes = async () => (await server.inject({ url })).json().nodes as { id: string; text: string }[];
  return { model, server, app, post, nodes };
}

describe('POST /agents/invoke', () => {
  it('draws the answer into the canvas, leaves all else as it was, and can be taken back', async () => {
    const { server, post, nodes } = await appWith(answersWith(threeQuestions));
    const edited = await server.inject({
      method: 'PATCH',
      url: `${url}/nodes/u`,
      headers: { 'content-type': 'application/merge-patch+json' },
      payload: '{"text":"连续性"}',
    });
    expect(edited.statusCode).toBe(200);
    const answered = await post('/agents/invoke', invocation());
    expect(answered.statusCode).toBe(200);
    const { result, ...rest } = answered.json();
    expect(rest).toMatchObject({ success: true, agent_type: 'basic-decomposition', error: null });
    expect(result).toMatchObject({ answer: threeQuestions, is_dry_run: false, is_cached: false, model: 'small' });
    const after = await server.inject({ url });
    expect(after.headers.etag).toBe(result.etag);
    expect(after.body).toContain('"pinned":1.50');
    expect((await nodes()).map(({ id }) => id)).toEqual([
      't',
      'u',
      ...result.nodes.map(({ id }: { id: string }) => id),
    ]);

    const { data } = (await server.inject({ url: `${url}/versions` })).json();
    const restored = await server.inject({ method: 'POST', url: `${url}/versions/${data[0].id}/restore` });
    expect(restored.statusCode).toBe(200);
    expect((await server.inject({ url })).body).toBe(canvas.replace('连续', '连续性'));
  });

  it('only shows what it would draw, and knows the answer the next time', async () => {
    const { model, post, nodes } = await appWith(answersWith(threeQuestions));
    const parameters = { dry_run: true };
    const shown = await post('/agents/invoke', invocation({ parameters }));
    expect(shown.json().result).toMatchObject({ is_dry_run: true, etag: null });
    expect(await nodes()).toHaveLength(2);
    const drawn = await post('/agents/invoke', invocation());
    expect(drawn.json().result).toMatchObject({ is_cached: true });
    expect(await nodes()).toHaveLength(5);
    expect(model.requests).toHaveLength(1);
  });

  it('refuses what cannot be done without asking the model', async () => {
    const { model, post } = await appWith(answersWith(threeQuestions));
    for (const [more, status, code] of [
      [{ agent_type: 'poet' }, 400, 'INPUT_INVALID'],
      [{ parameters: { temprature: 1 } }, 400, 'INPUT_INVALID'],
      [{ parameters: { temperature: 'warm' } }, 400, 'INPUT_INVALID'],
      [{ canvas_path: 'no.canvas' }, 404, 'CANVAS_NOT_FOUND'],
      [{ canvas_path: '../../etc/passwd' }, 400, 'CANVAS_PATH_INVALID'],
      [{ target_node_id: 'x"; --' }, 422, 'AGENT_TARGET_UNKNOWN'],
    ] as const) {
      const refused = await post('/agents/invoke', invocation(more));
      expect([more, refused.statusCode, refused.json().code]).toEqual([more, status, code]);
    }
    expect(model.requests).toEqual([]);
  });

  it('says in a problem document that the model failed, and changes nothing', async () => {
    const { post, nodes } = await appWith(failsWith(401));
    const failed = await post('/agents/invoke', invocation());
    expect([failed.statusCode, failed.json().code]).toEqual([502, 'MODEL_KEY_REFUSED']);
    expect(failed.body).not.toMatch(/key-of-the-test|127\.0\.0\.1/);
    expect(await nodes()).toHaveLength(2);
  });

  it('says what to set where no model is set up, and serves all else', async () => {
    const { server } = await openTestApp();
    const payload = invocation();
    for (const [to, body] of [
      ['/agents/invoke', payload],
      ['/agents/batch', { invocations: [payload] }],
    ] as const) {
      const refused = await server.inject({ method: 'POST', url: to, payload: body });
      expect([refused.statusCode, refused.json().code]).toEqual([503, 'MODEL_NOT_CONFIGURED']);
      expect(refused.json().detail).toContain('OPENAI_MODEL');
    }
    expect((await server.inject({ url: '/canvas' })).statusCode).toBe(200);
  });
});

describe('POST /agents/batch', () => {
  it('runs calls after those they depend on, and tells each outcome in the order of the list', async () => {
    const { post, nodes } = await appWith(answersWith(threeQuestions));
    const answered = await post('/agents/batch', {
      invocations: [
        invocation({ id: 'second', depends_on: [1] }),
        invocation({ agent_type: 'deep-decomposition' }),
        invocation({ target_node_id: 'gone' }),
        invocation({ id: 'never', depends_on: [2] }),
      ],
    });
    expect(answered.statusCode).toBe(200);
    const { results } = answered.json();
    expect(
      results.map(({ id, success, error }: Record<string, { code: string }>) => [id, success, error?.code]),
    ).toEqual([
      ['second', true, undefined],
      ['1', true, undefined],
      ['2', false, 'AGENT_TARGET_UNKNOWN'],
      ['never', false, 'JOB_TASK_SKIPPED'],
    ]);
    expect(await nodes()).toHaveLength(8);
  });

  it('refuses what cannot be ordered, naming it, without asking the model', async () => {
    const { model, post } = await appWith(answersWith(threeQuestions));
    const circle = [
      { id: 'a', depends_on: ['b'] },
      { id: 'b', depends_on: ['a'] },
    ];
    const tooMany = Array.from({ length: 501 }, () => ({}));
    const tooTangled = Array.from({ length: 11 }, () => ({ depends_on: Array.from({ length: 500 }, () => 0) }));
    for (const [members, status, words, pointer] of [
      [circle, 422, /"a" -> "b" -> "a"/],
      [[{}, { depends_on: ['nobody'] }], 422, /nobody/, '/invocations/1/depends_on'],
      [[{ id: '7' }, { depends_on: [7] }], 422, /from 0 to 1.*7/, '/invocations/1/depends_on'],
      [[{ id: 'a' }, { id: 'a' }], 422, /"a"/, '/invocations/1/id'],
      [[], 400, /./, '/invocations'],
      [tooMany, 400, /./, '/invocations'],
      [tooTangled, 400, /at most 5000 entries of depends_on/, '/invocations'],
    ] as const) {
      const refused = await post('/agents/batch', { invocations: members.map((member) => invocation(member)) });
      expect([refused.statusCode, refused.json().detail]).toEqual([status, expect.stringMatching(words)]);
      expect(refused.json().errors?.[0]?.pointer).toBe(pointer);
    }
    expect(model.requests).toEqual([]);
  });

  it('becomes a job for a client that does not wait, to follow and to look at', async () => {
    const { server, post } = await appWith(answersWith(threeQuestions));
    const accepted = await post('/agents/batch', { invocations: [invocation()] }, { prefer: 'respond-async' });
    expect(accepted.statusCode).toBe(202);
    const { location } = accepted.headers;
    const events = await server.inject({ url: `${location}/events` });
    expect(events.headers['content-type']).toContain('text/event-stream');
    expect(events.body).toMatch(/event: job\nid: 4\ndata: \{"status":"completed"/);
    const job = (await server.inject({ url: String(location) })).json();
    expect(job).toMatchObject({ status: 'completed', tasks: [{ status: 'completed', result: { model: 'small' } }] });
    expect((await post(`${location}/cancel`, {})).json().code).toBe('JOB_ALREADY_ENDED');
    for (const [method, tail] of [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
    ] as const) {
      const unknown = await server.inject({ method, url: `/agents/jobs/nothing${tail}` });
      expect([unknown.statusCode, unknown.json().code]).toEqual([404, 'JOB_NOT_FOUND']);
    }
  });

  it('can be cancelled while the model is thinking', async () => {
    const { model, server, post, nodes } = await appWith(hangs);
    const invocations = [invocation(), invocation({ depends_on: [0] })];
    const accepted = await post('/agents/batch', { invocations }, { prefer: 'respond-async' });
    await model.arrived(1);
    expect((await post(`${accepted.headers.location}/cancel`, {})).statusCode).toBe(200);
    const events = await server.inject({ url: `${accepted.headers.location}/events` });
    expect(events.body).toMatch(/event: job\n(id: \d+\n)?data: \{"status":"cancelled"/);
    expect(await nodes()).toHaveLength(2);
  });

  it('is interrupted when the service ends, and says so after the next start', async () => {
    const { model, app, post } = await appWith(hangs);
    const accepted = await post('/agents/batch', { invocations: [invocation()] }, { prefer: 'respond-async' });
    await model.arrived(1);
    await app.close();
    const { server } = await openTestApp({ folder: app.folder });
    const job = (await server.inject({ url: String(accepted.headers.location) })).json();
    expect(job).toMatchObject({ status: 'interrupted', tasks: [{ status: 'interrupted' }] });
  });
});
