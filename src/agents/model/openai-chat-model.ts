import type { StreamOptions } from '../../upstream/index.js';
import { answerCut } from '../errors.js';
import { answerPiece } from './answer-piece.js';
import type { ChatMessage, ChatModel, ChatRequest } from './chat-model.js';

/**
 * How the form of the answer is told to the server: as a JSON Schema it must keep to, as "some JSON object" with the
 * schema in the prompt, or in the prompt alone, for servers that know neither.
 * @source product contract, Settled details ("`response_format: json_schema` (setting: ...)")
 */
export const answerFormats = ['json_schema', 'json_object', 'prompt'] as const;

/**
 * One of {@link answerFormats}.
 * @source product contract, Settled details
 */
export type AnswerFormat = (typeof answerFormats)[number];

/**
 * The way to the server: the data of each server-sent event of the answer.
 * @source HTML Standard section 9.2; product contract, Agents
 */
export interface ChatServer {
  postStream(path: string, body: unknown, options?: StreamOptions): AsyncIterable<string>;
}

/**
 * @source product contract, "Process settings" (`OPENAI_BASE_URL/API_KEY/MODEL`)
 */
export interface OpenAiChatModelOptions {
  server: ChatServer;
  baseUrl: string;
  model: string;
  answerFormat: AnswerFormat;
}

/** A model on a small machine may read a long prompt for a minute before its first word. */
const idleMs = 120_000;
const totalMs = 600_000;
const maxBytes = 8 * 1024 * 1024;
/** Of one answer: far more than a canvas can show. */
const maxCharacters = 262_144;

/** The conversation with the wanted form written into it, for servers that do not enforce it. */
function withForm(messages: readonly ChatMessage[], schema: Record<string, unknown>): ChatMessage[] {
  const wish = `The answer is one JSON object that fits this JSON Schema:\n${JSON.stringify(schema)}`;
  return messages.map((message, index) =>
    index === 0 ? { ...message, content: `${message.content}\n\n${wish}` } : message,
  );
}

function bodyOf(request: ChatRequest, model: string, format: AnswerFormat): Record<string, unknown> {
  const { messages, form, temperature, maxTokens } = request;
  const isEnforced = format === 'json_schema';
  return {
    model,
    messages: isEnforced ? messages : withForm(messages, form.schema),
    temperature,
    stream: true,
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(isEnforced
      ? { response_format: { type: format, json_schema: { name: form.name, schema: form.schema, strict: true } } }
      : {}),
    ...(format === 'json_object' ? { response_format: { type: format } } : {}),
  };
}

/**
 * A model behind any server that speaks OpenAI's chat completions (OpenAI, Ollama, vLLM, llama.cpp). The answer is
 * streamed, so that a server which has fallen silent is noticed.
 * @source OpenAI API reference, "Create chat completion", "Streaming"
 */
export function openAiChatModel({ server, baseUrl, model, answerFormat }: OpenAiChatModelOptions): ChatModel {
  return {
    name: model,
    identity: JSON.stringify([baseUrl, model, answerFormat]),
    async ask(request, signal, permit) {
      let text = '';
      let ended: string | undefined;
      const body = bodyOf(request, model, answerFormat);
      const options = { signal, permit, idleMs, totalMs, maxBytes, lastData: '[DONE]' };
      for await (const data of server.postStream('/chat/completions', body, options)) {
        const { content, refusal, finishReason } = answerPiece(data);
        if (refusal) throw answerCut('refusal');
        text += content ?? '';
        if (text.length > maxCharacters) throw answerCut('too_long');
        ended = finishReason ?? ended;
      }
      if (ended === 'length' || ended === 'content_filter') throw answerCut(ended);
      return text;
    },
  };
}
