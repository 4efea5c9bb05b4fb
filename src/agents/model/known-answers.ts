import { createHash } from 'node:crypto';
import type { ChatModel } from './chat-model.js';
import type { Question } from './structured-answer.js';

/**
 * Where answers are kept for a while, by a key; it may forget at any time.
 * @source product contract, Agents (the `llm_responses` cache); ADR-0007
 */
export interface AnswerStore {
  get(key: string): Promise<object | undefined>;
  set(key: string, answer: object): void;
}

interface Asking {
  answer: Promise<unknown>;
  waiting: number;
  controller: AbortController;
}

/** Equal for equal questions to the same model, however long they are. */
function keyOf(model: ChatModel, { messages, form, maxTokens }: Question): string {
  return createHash('sha256')
    .update(JSON.stringify([model.identity, form.name, maxTokens ?? null, messages]))
    .digest('hex');
}

/** Settles as `work` does, or rejects as soon as the signal says so; `work` goes on. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Answers to deterministic questions (temperature 0), each asked once: callers with the same question at the same time
 * share one call, which is called off when the last of them leaves. Other questions go straight to the model.
 * @source product contract, Agents ("Answers to equal deterministic requests come from the `llm_responses` cache")
 */
export class KnownAnswers {
  readonly #store: AnswerStore | undefined;
  readonly #asking = new Map<string, Asking>();

  constructor(store: AnswerStore | undefined) {
    this.#store = store;
  }

  /** @throws what `ask` throws; the signal's reason */
  async find(
    model: ChatModel,
    question: Question,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<{ answer: unknown; isCached: boolean }> {
    if (question.temperature > 0) return { answer: await ask(signal), isCached: false };
    const key = keyOf(model, question);
    const known = await this.#store?.get(key);
    signal.throwIfAborted();
    const checked = known === undefined ? undefined : question.form.schema.safeParse(known);
    if (checked?.success) return { answer: checked.data, isCached: true };
    return { answer: await this.#share(key, ask, signal), isCached: false };
  }

  async #share(key: string, ask: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): Promise<unknown> {
    const asking = this.#asking.get(key) ?? this.#begin(key, ask);
    asking.waiting++;
    try {
      return await untilAborted(asking.answer, signal);
    } finally {
      asking.waiting--;
      if (asking.waiting === 0 && this.#asking.get(key) === asking) {
        this.#asking.delete(key);
        asking.controller.abort(signal.reason);
      }
    }
  }

  #begin(key: string, ask: (signal: AbortSignal) => Promise<unknown>): Asking {
    const controller = new AbortController();
    const answer = ask(controller.signal);
    const asking = { answer, waiting: 0, controller };
    this.#asking.set(key, asking);
    const end = () => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    };
    answer.then(
      (found) => {
        this.#store?.set(key, found as object);
        end();
      },
      () => end(),
    );
    return asking;
  }
}
