import { answerGarbled } from '../errors.js';

/**
 * What one piece of a streamed answer says. All of it may be missing: the first pieces name a role, the last ones count
 * tokens.
 * @source OpenAI API reference, "Streaming", chat completion chunk
 */
export interface AnswerPiece {
  content?: string | null | undefined;
  refusal?: string | null | undefined;
  finishReason?: string | null | undefined;
}

type Members = Record<string, unknown>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isMissing = (value: unknown): value is null | undefined => value === undefined || value === null;
const isText = (value: unknown): value is string | null | undefined => isMissing(value) || typeof value === 'string';

/** The piece in a choice; undefined where it is none. */
function pieceIn(choice: unknown): AnswerPiece | undefined {
  if (!isObject(choice)) return undefined;
  const { delta, finish_reason: finishReason } = choice;
  if (!isText(finishReason)) return undefined;
  if (isMissing(delta)) return { finishReason };
  if (!isObject(delta)) return undefined;
  const { content, refusal } = delta;
  return isText(content) && isText(refusal) ? { content, refusal, finishReason } : undefined;
}

/**
 * The first choice of a chunk, looked at by hand: a model sends one for each token, and a schema costs many times as
 * much. Every choice has to be one.
 * @throws Problem MODEL_ANSWER_GARBLED
 * @source OpenAI API reference, "Streaming", chat completion chunk
 */
export function answerPiece(data: string): AnswerPiece {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch (error) {
    throw answerGarbled(error);
  }
  const choices = isObject(chunk) ? (chunk.choices ?? []) : undefined;
  if (!Array.isArray(choices)) throw answerGarbled(new Error('expected an object with choices'));
  const pieces = choices.map(pieceIn);
  if (pieces.includes(undefined)) throw answerGarbled(new Error('expected choices with text in their delta'));
  return pieces[0] ?? {};
}
