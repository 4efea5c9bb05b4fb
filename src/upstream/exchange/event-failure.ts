import { reasonOfStatus, UpstreamFailure } from '../retry/failure.js';
import type { Answer } from './connection.js';
import { type Exchange, withoutSecrets } from './exchange.js';

/**
 * A server that has begun to stream can tell only in an event that it failed: as an object with the member `error`,
 * whose `code` may be the status that it would have answered with.
 * @throws UpstreamFailure `failed` where there is no such status, else what the status means
 * @source OpenAI API reference, "Streaming"; OpenRouter documentation, "Errors during streaming"
 */
export function refuseFailureIn(data: string, exchange: Exchange): void {
  if (!data.includes('"error"')) return;
  let said: unknown;
  try {
    said = (JSON.parse(data) as { error?: unknown } | null)?.error;
  } catch {
    return;
  }
  if (said === undefined || said === null) return;
  const status = Number((said as { code?: unknown }).code);
  const isStatus = Number.isInteger(status) && status >= 400 && status < 600;
  const reason = reasonOfStatus(isStatus ? status : 500, /"insufficient_quota"/.test(data));
  const cause = reason === 'credentials' ? undefined : new Error(withoutSecrets(data, exchange.headers));
  throw new UpstreamFailure(reason, `said in its answer that it failed${isStatus ? ` (${status})` : ''}`, { cause });
}

/**
 * Servers that do not know how to stream answer as a whole; no event is found in that.
 * @throws UpstreamFailure `invalid_answer` where the answer is JSON
 * @source OpenAI API reference, chat completions, "stream"
 */
export function refuseWhole({ headers }: Answer): void {
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) return;
  throw new UpstreamFailure('invalid_answer', 'answered as a whole where a stream was asked for');
}
