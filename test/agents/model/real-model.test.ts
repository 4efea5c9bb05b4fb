import { expect, it } from 'vitest';
import { questions } from '../../../src/agents/answers/questions.js';
import { openAiChatModel } from '../../../src/agents/model/openai-chat-model.js';
import { structuredAnswer } from '../../../src/agents/model/structured-answer.js';
import { openUpstream } from '../../../src/upstream/index.js';

const { MODEL_TEST_URL: baseUrl, MODEL_TEST_MODEL: name, MODEL_TEST_KEY: apiKey } = process.env;

it('a real model answers in the form that was asked for', async ({ skip }) => {
  if (!baseUrl || !name) {
    skip('no model: set MODEL_TEST_URL (such as http://127.0.0.1:11434/v1) and MODEL_TEST_MODEL');
    return;
  }
  const server = openUpstream({ name: 'model', baseUrl, apiKey, policy: 'model', onEvent: () => {} });
  try {
    const model = openAiChatModel({ server, baseUrl, model: name, answerFormat: 'json_schema' });
    const messages = [
      { role: 'system' as const, content: 'You ask a learner three short questions about the text. Answer in JSON.' },
      { role: 'user' as const, content: '极限：当 x 靠近 a 时，f(x) 靠近 L。' },
    ];
    const question = { messages, form: questions, temperature: 0, maxTokens: 2000 };
    const answer = await structuredAnswer(model, question, new AbortController().signal);
    expect(questions.cards(questions.schema.parse(answer)).length).toBeGreaterThan(0);
  } finally {
    server.close();
  }
}, 300_000);
