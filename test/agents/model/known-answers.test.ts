import { describe, expect, it } from 'vitest';
import { questions } from '../../../src/agents/answers/questions.js';
import type { ChatModel } from '../../../src/agents/model/chat-model.js';
import { type AnswerStore, KnownAnswers } from '../../../src/agents/model/known-answers.js';

const good = { questions: [{ question: '?', kind: '', hint: '' }] };
const model: ChatModel = { name: 'm', identity: 'm', ask: async () => '' };
const question = (content: string, temperature = 0) => ({
  messages: [{ role: 'user' as const, content }],
  form: questions,
  temperature,
});
const never = new AbortController().signal;

function memory(): AnswerStore & { held: Map<string, object> } {
  const held = new Map<string, object>();
  return { held, get: async (key) => held.get(key), set: (key, answer) => void held.set(key, answer) };
}

describe('KnownAnswers', () => {
  it('asks once for equal questions, now and later, and again for others', async () => {
    const known = new KnownAnswers(memory());
    let asked = 0;
    const ask = async () => {
      asked++;
      return good;
    };
    const both = await Promise.all([
      known.find(model, question('a'), never, ask),
      known.find(model, question('a'), never, ask),
    ]);
    expect(both).toEqual([
      { answer: good, isCached: false },
      { answer: good, isCached: false },
    ]);
    expect(await known.find(model, question('a'), never, ask)).toEqual({ answer: good, isCached: true });
    await known.find(model, question('b'), never, ask);
    await known.find({ ...model, identity: 'other' }, question('a'), never, ask);
    expect(asked).toBe(3);
  });

  it('asks each time above temperature 0', async () => {
    const store = memory();
    const known = new KnownAnswers(store);
    await known.find(model, question('a', 0.7), never, async () => good);
    expect(store.held.size).toBe(0);
  });

  it('does not trust what the store gives back', async () => {
    const store: AnswerStore = { get: async () => ({ questions: 'spoiled' }), set: () => {} };
    expect(await new KnownAnswers(store).find(model, question('a'), never, async () => good)).toEqual({
      answer: good,
      isCached: false,
    });
  });

  it('goes on for the others when one caller leaves, and calls the model off when the last one does', async () => {
    const known = new KnownAnswers(undefined);
    let shared: AbortSignal | undefined;
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const ask = (signal: AbortSignal) => {
      shared = signal;
      begin();
      return new Promise<unknown>(() => {});
    };
    const leaving = new AbortController();
    const staying = new AbortController();
    const first = known.find(model, question('a'), leaving.signal, ask);
    const second = known.find(model, question('a'), staying.signal, ask);
    await begun;
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(shared?.aborted).toBe(false);
    staying.abort(new Error('left too'));
    await expect(second).rejects.toThrow('left too');
    expect(shared?.aborted).toBe(true);
  });

  it('asks nothing for a caller that left while the store was looking', async () => {
    const leaving = new AbortController();
    const get = async () => {
      leaving.abort(new Error('left'));
      return undefined;
    };
    let asked = 0;
    const ask = async () => {
      asked++;
      return good;
    };
    const finding = new KnownAnswers({ get, set: () => {} }).find(model, question('a'), leaving.signal, ask);
    await expect(finding).rejects.toThrow('left');
    expect(asked).toBe(0);
  });

  it('keeps no failure', async () => {
    const known = new KnownAnswers(memory());
    const failing = known.find(model, question('a'), never, async () => {
      throw new Error('down');
    });
    await expect(failing).rejects.toThrow('down');
    expect((await known.find(model, question('a'), never, async () => good)).answer).toEqual(good);
  });
});
