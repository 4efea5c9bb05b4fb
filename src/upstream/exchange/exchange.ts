/** One request and its answer over HTTP, once: bounded in time and bytes, no redirects. What goes wrong is an UpstreamFailure. */
import type { Clock } from '../clock.js';
import { failureOfConnection, reasonOfStatus, UpstreamFailure } from '../retry/failure.js';
import { retryAfterMs } from '../retry/retry-policy.js';
import { type Answer, type Reading, request } from './connection.js';
import type { TimeLimit } from './time-limit.js';

/**
 * What is sent. `headers` carry the key; they go to `url` alone.
 * @source RFC 9110 section 9
 */
export interface Exchange {
  method: 'GET' | 'POST' | 'DELETE';
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
}

/**
 * What an answer may cost and how its time is measured.
 * @source product contract, Promises 6
 */
export interface ExchangeLimits {
  maxBytes: number;
  limit: TimeLimit;
  clock: Clock;
}

/** As much of an error's body as is looked at. */
const maxErrorBytes = 64 * 1024;
/** As much of it as the log may show. */
const shownErrorLength = 300;

/**
 * Gives the bytes of an answer to `take` as they come. `ended` of what it returns throws UpstreamFailure when the answer
 * breaks off, is longer than `maxBytes`, or has another length than it announced; what `take` throws; the reason of the
 * limit's signal.
 * @throws UpstreamFailure when the answer announces more than `maxBytes`
 * @source RFC 9112 section 8 (incomplete messages)
 */
export function readAnswer(
  answer: Answer,
  { maxBytes, limit }: Pick<ExchangeLimits, 'maxBytes' | 'limit'>,
  take: (bytes: Buffer) => void,
): Reading {
  const announced = Number(answer.headers['content-length'] ?? Number.NaN);
  const isPlain = (answer.headers['content-encoding'] ?? 'identity') === 'identity';
  const tooLarge = () => new UpstreamFailure('too_large', `answered with more than ${maxBytes} bytes`);
  if (isPlain && announced > maxBytes) {
    answer.discard();
    throw tooLarge();
  }
  let received = 0;
  const reading = answer.read((bytes) => {
    received += bytes.length;
    if (received > maxBytes) throw tooLarge();
    limit.heard();
    take(bytes);
  });
  const ended = reading.ended.then(
    () => limit.signal.throwIfAborted(),
    (error: unknown) => {
      throw asFailure(error, limit, true);
    },
  );
  ended.catch(() => {});
  return { ...reading, ended };
}

function asFailure(error: unknown, limit: TimeLimit, answering: boolean): unknown {
  if (limit.signal.aborted) return limit.signal.reason;
  return error instanceof UpstreamFailure ? error : failureOfConnection(error, answering);
}

async function answerText(answer: Answer, maxBytes: number, limit: TimeLimit): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes: Buffer, stream: boolean) => {
    try {
      return decoder.decode(bytes, { stream });
    } catch (cause) {
      throw new UpstreamFailure('invalid_answer', 'answered with bytes that are not UTF-8', { cause });
    }
  };
  let text = '';
  await readAnswer(answer, { maxBytes, limit }, (bytes) => {
    text += decode(bytes, true);
  }).ended;
  return text + decode(Buffer.alloc(0), false);
}

/**
 * The beginning of what a server said, for the log: a key that it repeats must not get there.
 * @source product contract, Promises 5
 */
export function withoutSecrets(text: string, headers: Record<string, string>): string {
  const key = headers.authorization?.replace(/^Bearer /, '');
  const shown = text.slice(0, shownErrorLength);
  return (key ? text.replaceAll(key, '[secret]').slice(0, shownErrorLength) : shown).replace(/\bsk-\S+/g, '[secret]');
}

async function failureOfAnswer(answer: Answer, exchange: Exchange, limits: ExchangeLimits): Promise<UpstreamFailure> {
  const { limit, clock } = limits;
  const { status } = answer;
  const body = await answerText(answer, maxErrorBytes, limit).catch(() => '');
  if (limit.signal.aborted) throw limit.signal.reason;
  const quotaSpent = /"insufficient_quota"/.test(body);
  const reason = reasonOfStatus(status, quotaSpent);
  const cause = reason === 'credentials' || body === '' ? undefined : new Error(withoutSecrets(body, exchange.headers));
  const asked = retryAfterMs(answer.headers['retry-after'] ?? null, clock.wall());
  return new UpstreamFailure(reason, sentences[reason]?.(status) ?? `answered with status ${status}`, {
    status,
    retryAfterMs: asked,
    cause,
  });
}

const sentences: Partial<Record<string, (status: number) => string>> = {
  quota: (status) => `answered that its quota is spent (status ${status})`,
  credentials: (status) => `did not accept the key (status ${status})`,
  busy: (status) => `is asked too often (status ${status})`,
  redirect: (status) => `answered with a redirect (status ${status}), which is not followed`,
};

/**
 * Sends the request and waits for the headers of a successful answer.
 * @throws UpstreamFailure, or the reason of the limit's signal
 * @source RFC 9110 section 15
 */
export async function send(exchange: Exchange, limits: ExchangeLimits): Promise<Answer> {
  const { limit } = limits;
  let answer: Answer;
  try {
    answer = await request(exchange, limit.signal);
  } catch (error) {
    throw asFailure(error, limit, false);
  }
  limit.heard();
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw await failureOfAnswer(answer, exchange, limits);
}

/**
 * Sends the request and reads the whole answer as JSON. An empty answer is `undefined`.
 * @throws UpstreamFailure, or the reason of the limit's signal
 * @source RFC 8259
 */
export async function exchangeJson(exchange: Exchange, limits: ExchangeLimits): Promise<unknown> {
  const answer = await send(exchange, limits);
  const text = await answerText(answer, limits.maxBytes, limits.limit);
  if (text === '' && (answer.status === 204 || exchange.method === 'DELETE')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new UpstreamFailure('invalid_answer', 'answered with something that is not JSON');
  }
}

/**
 * Sends the request and leaves a successful answer unread, so that one that never ends costs nothing.
 * @throws UpstreamFailure, or the reason of the limit's signal
 * @source RFC 9110 section 15.3
 */
export async function exchangeUnread(exchange: Exchange, limits: ExchangeLimits): Promise<undefined> {
  const answer = await send(exchange, limits);
  answer.discard();
}
