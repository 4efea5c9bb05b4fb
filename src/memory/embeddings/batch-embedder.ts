/**
 * Puts the texts of all callers into few calls. A text is asked for once however many wait for it; a caller that fails
 * or leaves harms no other. States of a text: gathering -> sent -> settled.
 *
 *   text   text ... (max_texts or max_tokens reached)      -> sent at once
 *   text ............ window_ms after the first of them    -> sent
 */
import { setMaxListeners } from 'node:events';
import type { Embedder } from './embedder.js';
import { isRefused } from './openai-embedder.js';
import { estimateTokens } from './text-limits.js';

/**
 * `batch_embedding`: most texts and tokens of one call, and how long the first of them waits for others.
 * @source product contract, Optimisations (`batch_embedding`)
 */
export interface BatchEmbeddingSettings {
  max_texts: number;
  max_tokens: number;
  window_ms: number;
}

/** What is asked, how, and with which timer. @source product contract, Optimisations (`batch_embedding`) */
export interface BatchEmbedderOptions {
  source: Embedder;
  settings(): BatchEmbeddingSettings;
  /** Calls under way at one time; further batches wait. */
  maxCalls: number;
  /** Told of each call that succeeded how many texts it was for. */
  onCall?(texts: number): void;
  /** Runs `work` once after the delay; returns what cancels it. */
  after?(delayMs: number, work: () => void): () => void;
}

interface Waiting {
  text: string;
  tokens: number;
  result: Promise<Float32Array>;
  resolve(vector: Float32Array): void;
  reject(error: unknown): void;
}

/** Holds what waits in memory; nothing is sent before its batch is full or its time is over. @source product contract, Optimisations (`batch_embedding`) */
export function createBatchEmbedder(options: BatchEmbedderOptions): Embedder {
  const { source, settings, maxCalls, after = afterTimeout } = options;
  const waiting = new Map<string, Waiting>();
  let gathering: Waiting[] = [];
  let gatheredTokens = 0;
  let cancelTimer: (() => void) | undefined;
  const ready: Waiting[][] = [];
  let calls = 0;

  function enqueue(text: string): Promise<Float32Array> {
    const known = waiting.get(text);
    if (known) return known.result;
    const entry = newWaiting(text);
    const { max_texts, max_tokens, window_ms } = settings();
    if (gatheredTokens + entry.tokens > max_tokens) closeBatch();
    waiting.set(text, entry);
    gathering.push(entry);
    gatheredTokens += entry.tokens;
    if (gathering.length >= max_texts) closeBatch();
    else cancelTimer ??= after(window_ms, closeBatch);
    return entry.result;
  }

  function closeBatch(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (gathering.length > 0) ready.push(gathering);
    gathering = [];
    gatheredTokens = 0;
    callNext();
  }

  function callNext(): void {
    while (calls < maxCalls) {
      const batch = ready.shift();
      if (!batch) return;
      calls += 1;
      void call(batch).finally(() => {
        calls -= 1;
        callNext();
      });
    }
  }

  /** One refused text would take the whole batch along: halves are tried until it stands alone. */
  async function call(batch: Waiting[]): Promise<void> {
    try {
      const vectors = await source.embed(batch.map(({ text }) => text));
      options.onCall?.(batch.length);
      batch.forEach((entry, i) => {
        entry.resolve(vectors[i]!);
      });
    } catch (error) {
      if (batch.length > 1 && isRefused(error)) {
        const half = batch.length >> 1;
        await call(batch.slice(0, half));
        await call(batch.slice(half));
        return;
      }
      for (const entry of batch) entry.reject(error);
    } finally {
      for (const { text } of batch) waiting.delete(text);
    }
  }

  return {
    model: source.model,
    dimensions: source.dimensions,
    async embed(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const all = Promise.all(texts.map(enqueue));
      return signal ? untilAborted(all, signal) : all;
    },
  };
}

function newWaiting(text: string): Waiting {
  const settle = {} as Pick<Waiting, 'resolve' | 'reject'>;
  const result = new Promise<Float32Array>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  // Those who waited may all have left.
  result.catch(() => {});
  return { text, tokens: estimateTokens(text), result, ...settle };
}

/** What was sent stays under way: others may wait for the same text, and the answer is worth keeping. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    // Each text of a batch waits on the same signal; there is no number of them that would mean a leak.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function afterTimeout(delayMs: number, work: () => void): () => void {
  const timer = setTimeout(work, delayMs);
  return () => clearTimeout(timer);
}
