import { describe, expect, it } from 'vitest';
import { type AnswerFormat, openAiChatModel } from '../../../src/agents/model/openai-chat-model.js';
import { openUpstream } from '../../../src/upstream/index.js';
import { answersWith, breaksOffSaying, says } from '../../support/chat-server.js';
import {
  answersJson,
  answersText,
  type Behaviour,
  failsWith,
  hangs,
  startMisbehavingServer,
  streams,
} from '../../support/misbehaving-server.js';

async function modelAt(format: AnswerFormat, ...behaviours: Behaviour[]) {
  const server = await startMisbehavingServer(...behaviours);
  const baseUrl = `${server.origin}/v1`;
  const upstream = openUpstream({
    name: 'model',
    baseUrl,
    apiKey: 'key-of-the-test',
    policy: 'model',
    onEvent: () => {},
  });
  return { server, model: openAiChatModel({ server: upstream, baseUrl, model: 'small', answerFormat: format }) };
}

const request = {
  messages: [
    { role: 'system' as const, content: 'You help.' },
    { role: 'user' as const, content: '什么是群？' },
  ],
  form: { name: 'questions', schema: { type: 'object' } },
  temperature: 0,
};
const never = new AbortController().signal;

describe('openAiChatModel', () => {
  it('puts the pieces of a streamed answer together', async () => {
    const { server, model } = await modelAt('json_schema', answersWith({ text: '一个带有运算的集合，满足四条性质' }));
    expect(await model.ask(request, never)).toBe('{"text":"一个带有运算的集合，满足四条性质"}');
    const [seen] = server.requests;
    expect(seen).toMatchObject({ method: 'POST', url: '/v1/chat/completions' });
    expect(seen?.headers.authorization).toBe('Bearer key-of-the-test');
    expect(JSON.parse(seen?.body ?? '')).toEqual({
      model: 'small',
      messages: request.messages,
      temperature: 0,
      stream: true,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'questions', schema: { type: 'object' }, strict: true },
      },
    });
  });

  it.each([
    ['json_object', { type: 'json_object' }],
    ['prompt', undefined],
  ] as const)('writes the form into the prompt for a server that takes %s', async (format, responseFormat) => {
    const { server, model } = await modelAt(format, says('{}'));
    await model.ask({ ...request, maxTokens: 50 }, never);
    const body = JSON.parse(server.requests[0]?.body ?? '');
    expect(body.response_format).toEqual(responseFormat);
    expect(body.max_tokens).toBe(50);
    expect(body.messages[0].content).toContain('{"type":"object"}');
    expect(body.messages[1]).toEqual(request.messages[1]);
  });

  it.each([
    ['length', 'MODEL_ANSWER_CUT', says('{"a', 'length')],
    ['the content filter', 'MODEL_ANSWER_CUT', says('{"a', 'content_filter')],
    ['a broken connection', 'MODEL_ANSWER_INVALID', breaksOffSaying('{"a')],
    [
      'nonsense among its pieces',
      'MODEL_ANSWER_GARBLED',
      answersText('data: {"choices": "no"}\n\n', 200, { 'content-type': 'text/event-stream' }),
    ],
    [
      'text among its pieces',
      'MODEL_ANSWER_GARBLED',
      answersText('data: oops\n\n', 200, { 'content-type': 'text/event-stream' }),
    ],
    ['words without end', 'MODEL_ANSWER_CUT', says('x'.repeat(262_145))],
    [
      'an answer that is no stream',
      'MODEL_ANSWER_INVALID',
      answersJson({ choices: [{ message: { content: '{}' }, finish_reason: 'stop' }] }),
    ],
    ['an error with a status in its stream', 'MODEL_REQUEST_REFUSED', streams(['{"error":{"code":400}}', '[DONE]'])],
    ['a quota that is spent in its stream', 'MODEL_QUOTA_SPENT', streams(['{"error":{"type":"insufficient_quota"}}'])],
    ['a wrong key', 'MODEL_KEY_REFUSED', failsWith(401)],
    ['a spent quota', 'MODEL_QUOTA_SPENT', answersJson({ error: { code: 'insufficient_quota' } }, 429)],
  ])('says what went wrong when an answer ends by %s, and asks no more', async (_, code, behaviour) => {
    const { server, model } = await modelAt('json_schema', behaviour);
    const failed = await model.ask(request, never).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code });
    expect(String((failed as Error).message)).not.toMatch(/key-of-the-test|127\.0\.0\.1/);
    expect(server.requests).toHaveLength(1);
  });

  it('leaves at once when it is called off', async () => {
    const { server, model } = await modelAt('json_schema', hangs);
    const caller = new AbortController();
    const asking = model.ask(request, caller.signal);
    await server.arrived(1);
    caller.abort(new Error('the client left'));
    await expect(asking).rejects.toThrow('the client left');
  });
});
