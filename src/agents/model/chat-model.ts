import type { Permit } from '../../upstream/index.js';

/**
 * One message of a conversation.
 * @source OpenAI API reference, chat completions, "messages"
 */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/**
 * A question to a model. The answer is to be one JSON object that fits `form.schema` (JSON Schema).
 * @source OpenAI API reference, chat completions, "response_format"
 */
export interface ChatRequest {
  messages: readonly ChatMessage[];
  form: { name: string; schema: Record<string, unknown> };
  temperature: number;
  maxTokens?: number | undefined;
}

/**
 * A chat model somewhere. It tries again by itself where that is safe, and gives up within its time.
 * @source product contract, Agents ("model")
 */
export interface ChatModel {
  /** Tells answers of different models apart: where it is, what it is called, how the form is asked for. */
  readonly identity: string;
  readonly name: string;
  /**
   * @param permit given back between two tries
   * @returns the text of the answer, whole
   * @throws Problem MODEL_ANSWER_CUT, and those of the way to the model (docs/errors.md, model and network)
   */
  ask(request: ChatRequest, signal: AbortSignal, permit?: Permit): Promise<string>;
}
