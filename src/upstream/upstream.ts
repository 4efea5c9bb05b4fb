/**
 * The door to one other server. Every call is bounded in time and bytes, repeated by the service's one retry policy
 * and kept away from a server that fails again and again. The key goes to the base URL alone: redirects are refused.
 */
import type { Problem } from '../errors.js';
import { type Clock, systemClock } from './clock.js';
import { upstreamProblem } from './errors.js';
import type { CircuitState, UpstreamEvent } from './events.js';
import { eventData } from './exchange/event-data.js';
import { answerBytes, type Exchange, exchangeJson, exchangeUnread, send } from './exchange/exchange.js';
import { startTimeLimit, type TimeLimit } from './exchange/time-limit.js';
import { createCircuitBreaker, type Verdict } from './retry/circuit-breaker.js';
import { UpstreamFailure } from './retry/failure.js';
import { retry } from './retry/retry.js';
import { type PolicyName, retryPolicies } from './retry/retry-policy.js';

/**
 * - `name`: how errors, events and metrics call the server, such as `model`; one word of a closed set, no address.
 * - `baseUrl`: `http` or `https`, without user and password; paths are appended to it.
 * - `apiKey`: sent as `Authorization: Bearer`.
 * - `policy`: which row of {@link retryPolicies}; it also chooses the group of the error codes.
 * @source story-17.4 ADR-0009
 */
export interface UpstreamOptions {
  name: string;
  baseUrl: string;
  apiKey?: string | undefined;
  policy: PolicyName;
  /** Opens the circuit after so many failed tries in a row (default 5), for so long (default 30 s). */
  circuit?: { failures: number; openMs: number };
  onEvent: (event: UpstreamEvent) => void;
  clock?: Clock;
  random?: () => number;
}

/**
 * - `timeoutMs`: for each try, 30 s when left out (model: 60 s). All tries together take no longer than the policy's
 *   total, or one `timeoutMs` where that is longer.
 * - `maxBytes`: of the answer, 16 MiB when left out.
 * - `sideEffect`: the server would do something twice when asked twice; such a call is tried once.
 * - `ignoreAnswer`: any successful status will do, whatever the answer says; the call gives `undefined`.
 * @source story-17.4 ADR-0009; product contract, Promises 6
 */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  maxBytes?: number;
  sideEffect?: boolean;
  ignoreAnswer?: boolean;
}

/**
 * - `idleMs`: the longest silence, before the first byte too; 30 s when left out.
 * - `totalMs`: the whole stream, 5 min when left out. `maxBytes`: 16 MiB when left out.
 * - `lastData`: what the last event of a whole stream says (`[DONE]`); a stream that ends without it was cut. It is not
 *   given to the reader.
 * @source story-17.4 ADR-0009; OpenAI documentation, "Streaming"
 */
export interface StreamOptions {
  signal?: AbortSignal | undefined;
  idleMs?: number;
  totalMs?: number;
  maxBytes?: number;
  lastData?: string;
}

/**
 * Every method throws a Problem when the server cannot give an answer, and the signal's reason when the caller aborts.
 * `path` begins with `/`.
 * @source story-17.4 ADR-0009; product contract, "Facts from the documents that the seeds cite"
 */
export interface Upstream {
  postJson(path: string, body: unknown, options?: CallOptions): Promise<unknown>;
  getJson(path: string, options?: CallOptions): Promise<unknown>;
  /** @returns the answer's JSON, `undefined` when it is empty */
  delete(path: string, options?: CallOptions): Promise<unknown>;
  /** The data of each server-sent event. Repeated only while nothing was given to the reader. */
  postStream(path: string, body: unknown, options?: StreamOptions): AsyncGenerator<string, void, void>;
  state(): { circuit: CircuitState; running: number };
  /** Breaks off what is under way and refuses what comes. */
  close(): void;
}

const defaultMaxBytes = 16 * 1024 * 1024;
const defaultIdleMs = 30_000;
const defaultStreamMs = 300_000;
const defaultTimeoutMs: Record<PolicyName, number> = {
  model: 60_000,
  embedding: 30_000,
  network: 30_000,
  database: 10_000,
};

function checkedBase(name: string, baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isFine = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isFine || url.search !== '' || url.hash !== '') {
    throw new Error(`${name}: expected an http or https address without user, query and fragment as its base URL`);
  }
  return url.href.replace(/\/+$/, '');
}

/** What a failed try says about the server: one that answers with an error of ours, or asks for patience, is well. */
function verdictOf(error: unknown): Verdict {
  if (!(error instanceof UpstreamFailure)) return 'unknown';
  if (error.reason === 'busy' || error.reason === 'closed' || error.reason === 'circuit_open') return 'unknown';
  return error.class === 'retryable' ? 'fails' : 'works';
}

/**
 * Opens the door; nothing is sent yet.
 * @throws Error when the base URL cannot be used; the message does not repeat it
 * @source story-17.4 ADR-0009
 */
export function openUpstream(options: UpstreamOptions): Upstream {
  const { name, apiKey, policy, onEvent, clock = systemClock, random = Math.random } = options;
  const base = checkedBase(name, options.baseUrl);
  const closing = new AbortController();
  const circuit = createCircuitBreaker({
    ...(options.circuit ?? { failures: 5, openMs: 30_000 }),
    clock,
    onChange: (state) => onEvent({ type: 'circuit', upstream: name, state }),
  });
  let running = 0;

  const exchangeOf = (method: Exchange['method'], path: string, body?: unknown): Exchange => ({
    method,
    url: base + path,
    headers: {
      accept: 'application/json, text/event-stream',
      'accept-encoding': 'identity',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

  /** One try, told to the circuit and to whoever listens. */
  async function attempt<T>(limit: TimeLimit, work: () => Promise<T>): Promise<T> {
    const admission = circuit.admit();
    if (typeof admission === 'number') {
      limit.dispose();
      throw new UpstreamFailure('circuit_open', 'failed again and again and is left alone for a while', {
        retryAfterMs: admission,
      });
    }
    const startedAt = clock.now();
    const told = (outcome: 'ok' | 'cancelled' | UpstreamFailure) => {
      const failure = typeof outcome === 'string' ? undefined : outcome;
      onEvent({
        type: 'attempt',
        upstream: name,
        outcome: typeof outcome === 'string' ? outcome : outcome.reason,
        durationSeconds: (clock.now() - startedAt) / 1000,
        retryAfterSeconds: failure?.retryAfterMs === undefined ? undefined : failure.retryAfterMs / 1000,
        othersRunning: running - 1,
      });
    };
    running++;
    try {
      const result = await work();
      admission('works');
      told('ok');
      return result;
    } catch (error) {
      admission(verdictOf(error));
      told(error instanceof UpstreamFailure && error.reason !== 'closed' ? error : 'cancelled');
      throw error;
    } finally {
      running--;
    }
  }

  /** Repeats by the policy; what remains becomes a Problem. */
  async function repeated<T>(
    tryOnce: (leftMs: number) => Promise<T>,
    limits: { totalMs: number; signal: AbortSignal | undefined; mayRepeat: () => boolean },
  ): Promise<T> {
    let attempts = 0;
    try {
      return await retry(
        (leftMs) => {
          attempts++;
          return tryOnce(leftMs);
        },
        {
          policy: { ...retryPolicies[policy], totalMs: limits.totalMs },
          clock,
          random,
          signals: [limits.signal, closing.signal],
          mayRepeat: limits.mayRepeat,
          onRetry: ({ reason }, delayMs) =>
            onEvent({ type: 'retry', upstream: name, reason, delaySeconds: delayMs / 1000 }),
        },
      );
    } catch (error) {
      throw gaveUp(error, attempts);
    }
  }

  function gaveUp(error: unknown, attempts: number): Problem | unknown {
    if (!(error instanceof UpstreamFailure)) return error;
    onEvent({ type: 'gave_up', upstream: name, reason: error.reason, class: error.class, attempts });
    return upstreamProblem(name, policy, error);
  }

  async function call(exchange: Exchange, options: CallOptions = {}): Promise<unknown> {
    const { signal, timeoutMs = defaultTimeoutMs[policy], maxBytes = defaultMaxBytes, sideEffect = false } = options;
    signal?.throwIfAborted();
    const tryOnce = async (leftMs: number) => {
      const limit = startTimeLimit(clock, { totalMs: Math.min(timeoutMs, leftMs) }, [signal, closing.signal]);
      try {
        const exchanged = options.ignoreAnswer ? exchangeUnread : exchangeJson;
        return await attempt(limit, () => exchanged(exchange, { maxBytes, limit, clock }));
      } finally {
        limit.dispose();
      }
    };
    const totalMs = Math.max(retryPolicies[policy].totalMs, timeoutMs);
    return repeated(tryOnce, { totalMs, signal, mayRepeat: () => !sideEffect });
  }

  async function* stream(exchange: Exchange, options: StreamOptions = {}): AsyncGenerator<string, void, void> {
    const { signal, idleMs = defaultIdleMs, totalMs = defaultStreamMs, maxBytes = defaultMaxBytes, lastData } = options;
    signal?.throwIfAborted();
    const endsAt = clock.now() + totalMs;
    /** Up to and including the first event; from then on nothing is repeated. */
    const begin = async () => {
      const limit = startTimeLimit(clock, { totalMs: endsAt - clock.now(), idleMs }, [signal, closing.signal]);
      try {
        return await attempt(limit, async () => {
          const answer = await send(exchange, { maxBytes, limit, clock });
          const events = eventData(answerBytes(answer, maxBytes, limit));
          return { limit, events, first: await events.next() };
        });
      } catch (error) {
        limit.dispose();
        throw error;
      }
    };
    const retriedMs = Math.min(totalMs, Math.max(retryPolicies[policy].totalMs, idleMs));
    const { limit, events, first } = await repeated(begin, { totalMs: retriedMs, signal, mayRepeat: () => true });
    const cut = () => gaveUp(new UpstreamFailure('cut_answer', 'broke off its answer'), 1);
    running++;
    try {
      for (let next = first; !next.done; ) {
        if (next.value === lastData) return;
        limit.rest();
        yield next.value;
        limit.heard();
        next = await events.next();
      }
      if (lastData !== undefined) throw cut();
    } catch (error) {
      throw gaveUp(limit.signal.aborted ? limit.signal.reason : error, 1);
    } finally {
      running--;
      await events.return(undefined).catch(() => {});
      limit.dispose();
      limit.abort(new Error('nobody reads on'));
    }
  }

  return {
    postJson: (path, body, options) => call(exchangeOf('POST', path, body), options),
    getJson: (path, options) => call(exchangeOf('GET', path), options),
    delete: (path, options) => call(exchangeOf('DELETE', path), options),
    postStream: (path, body, options) => stream(exchangeOf('POST', path, body), options),
    state: () => ({ circuit: circuit.state, running }),
    close: () => closing.abort(new UpstreamFailure('closed', 'is not asked any more: the service is stopping')),
  };
}
