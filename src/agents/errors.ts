import { Problem } from '../errors.js';

const shown = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}...` : text);

/**
 * The node that an agent should work on is not on the canvas, or was deleted while the model was thinking.
 * @source product contract, Agents (`target_node_id`)
 */
export function targetUnknown(id: string): Problem {
  return new Problem({
    code: 'AGENT_TARGET_UNKNOWN',
    kind: 'unprocessable',
    message: `Expected the id of a node of the canvas as target_node_id, got "${shown(id)}"`,
    faults: [{ pointer: '/target_node_id', message: 'expected the id of a node of the canvas' }],
  });
}

/**
 * A call of a batch depends on a place in the list that the list has not.
 * @param pointer JSON pointer into the body
 * @source product contract, Settled details (`invocations[].depends_on: [id or index]`)
 */
export function placeUnknown(place: number, length: number, pointer: string): Problem {
  const message = `Expected places from 0 to ${length - 1} in depends_on, got ${place}`;
  return new Problem({
    code: 'JOB_DEPENDENCY_UNKNOWN',
    kind: 'unprocessable',
    message,
    faults: [{ pointer, message }],
  });
}

/**
 * No model is set up. Everything else works.
 * @source product contract, Agents ("none configured -> 503 with a clear problem")
 */
export function modelMissing(): Problem {
  return new Problem({
    code: 'MODEL_NOT_CONFIGURED',
    kind: 'unavailable',
    message:
      'Expected a chat model to be set up: start the service with OPENAI_MODEL (with OPENAI_BASE_URL for a server of your own, with OPENAI_API_KEY where a key is asked for)',
  });
}

/**
 * The model's answer has not the form that was asked for, also after it was told what was wrong.
 * @param fault what was expected, in words of ours
 * @source product contract, Agents ("validates the structured answer with zod (one repair try)")
 */
export function answerUnusable(fault: string): Problem {
  return new Problem({
    code: 'MODEL_ANSWER_UNUSABLE',
    kind: 'upstream_failed',
    message: `The model answered twice in another form than asked for: ${fault}`,
  });
}

/**
 * The model ended its answer before it was complete.
 * @source OpenAI API reference, chat completions, "finish_reason"
 */
export function answerCut(reason: 'length' | 'too_long' | 'content_filter' | 'refusal'): Problem {
  const why = {
    length: 'it reached its limit of tokens; a larger max_tokens may help',
    too_long: 'it went on for longer than is taken',
    content_filter: 'its content filter stopped it',
    refusal: 'it refused to answer',
  }[reason];
  return new Problem({
    code: 'MODEL_ANSWER_CUT',
    kind: 'upstream_failed',
    message: `Expected a complete answer from the model; ${why}`,
  });
}

/**
 * A piece of the model's answer is not what servers of this kind send.
 * @source OpenAI API reference, "Streaming"
 */
export function answerGarbled(cause: unknown): Problem {
  return new Problem({
    code: 'MODEL_ANSWER_GARBLED',
    kind: 'upstream_failed',
    message: 'Expected pieces of a chat completion from the model server, got something else',
    cause,
  });
}
