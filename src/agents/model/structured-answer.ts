import type { z } from 'zod';
import type { Permit } from '../../upstream/index.js';
import type { AnswerForm } from '../answers/answer.js';
import { answerUnusable } from '../errors.js';
import { answerSchema } from './answer-schema.js';
import type { ChatMessage, ChatModel } from './chat-model.js';

const maxShownFaults = 5;

/** Models without a strict mode like to wrap their JSON into a fence or a sentence. */
function jsonIn(text: string): string {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  return start === -1 || end < start ? text : text.slice(start, end + 1);
}

type Checked = { answer: unknown } | { fault: string };

function check(form: AnswerForm, text: string): Checked {
  let value: unknown;
  try {
    value = JSON.parse(jsonIn(text));
  } catch {
    return { fault: 'expected one JSON object, got text that is no JSON' };
  }
  const parsed = form.schema.safeParse(value);
  if (parsed.success) return { answer: parsed.data };
  const faults = parsed.error.issues
    .slice(0, maxShownFaults)
    .map(({ path, message }) => `${path.length === 0 ? 'the answer' : path.join('.')}: ${message}`);
  return { fault: faults.join('; ') };
}

/**
 * What is asked: the messages so far and how freely the model may answer.
 * @source product contract, Agents
 */
export interface Question {
  messages: readonly ChatMessage[];
  form: AnswerForm;
  temperature: number;
  maxTokens?: number | undefined;
}

/**
 * Asks the model, checks the answer against its form, and once tells the model what was wrong.
 * @param permit given back while the model is left alone before another try
 * @returns the answer, as its form's schema has it
 * @throws Problem MODEL_ANSWER_UNUSABLE; what the model throws
 * @source product contract, Agents ("validates the structured answer with zod (one repair try)")
 */
export async function structuredAnswer(
  model: ChatModel,
  question: Question,
  signal: AbortSignal,
  permit?: Permit,
): Promise<unknown> {
  const { form, messages, temperature, maxTokens } = question;
  const wanted = { name: form.name, schema: answerSchema(form.schema as z.ZodType) };
  const ask = (asked: readonly ChatMessage[]) =>
    model.ask({ messages: asked, form: wanted, temperature, maxTokens }, signal, permit);

  const text = await ask(messages);
  const first = check(form, text);
  if ('answer' in first) return first.answer;
  const repair = `That answer cannot be used: ${first.fault}. Answer again with one JSON object of the form asked for.`;
  const second = check(
    form,
    await ask([...messages, { role: 'assistant', content: text }, { role: 'user', content: repair }]),
  );
  if ('answer' in second) return second.answer;
  throw answerUnusable(second.fault);
}
