/**
 * How often and how long a failed call is repeated: at most `tries` times in all, none begun after `totalMs`, with
 * pauses that grow from `firstDelayMs` to `maxDelayMs`.
 * @source story-17.4 ADR-0009
 */
export interface RetryPolicy {
  tries: number;
  totalMs: number;
  firstDelayMs: number;
  maxDelayMs: number;
}

/**
 * What kind of server is called.
 * @source story-17.4 ADR-0009
 */
export type PolicyName = 'model' | 'embedding' | 'network' | 'database';

/**
 * The one table of retries in the service.
 * @source story-17.4 ADR-0009, as in the product contract, "Facts from the documents that the seeds cite"
 */
export const retryPolicies: Record<PolicyName, RetryPolicy> = {
  model: { tries: 5, totalMs: 60_000, firstDelayMs: 2000, maxDelayMs: 30_000 },
  embedding: { tries: 2, totalMs: 30_000, firstDelayMs: 1000, maxDelayMs: 10_000 },
  network: { tries: 3, totalMs: 30_000, firstDelayMs: 1000, maxDelayMs: 10_000 },
  database: { tries: 3, totalMs: 10_000, firstDelayMs: 500, maxDelayMs: 500 },
};

/** No server is believed that wants to be left alone for longer; a number may have any length. */
const maxRetryAfterMs = 86_400_000;
/** Callers that were all told the same time come back spread over this. */
const spreadMs = 250;

/**
 * The pause before the next try. It grows exponentially, lies anywhere between the shortest and the grown one, and is
 * never shorter than what the server asked for.
 * @param failed how many tries have failed, from 1
 * @param random 0 to 1
 * @source story-17.4 ADR-0009; RFC 9110 section 10.2.3; Brooker (2015), "Exponential Backoff And Jitter"
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failed: number,
  retryAfterMs: number | undefined,
  random: number,
): number {
  const { firstDelayMs, maxDelayMs } = policy;
  if (retryAfterMs !== undefined) return retryAfterMs + random * spreadMs;
  const grown = Math.min(maxDelayMs, firstDelayMs * 2 ** failed);
  return firstDelayMs + random * (grown - firstDelayMs);
}

/**
 * Reads `Retry-After`: seconds or a date.
 * @param wallMs now, as epoch milliseconds
 * @returns milliseconds from now, 0 to a day; undefined when the header is missing or neither form
 * @source RFC 9110 section 10.2.3
 */
export function retryAfterMs(header: string | null, wallMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.min(maxRetryAfterMs, Number(text) * 1000);
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, date - wallMs));
}
