/**
 * The door to one other server. Every call is bounded in time and bytes, repeated by the service's one retry policy
 * and kept away from a server that fails again and again. The key goes to the base URL alone: redirects are refused.
 */
import type { Problem } from '../errors.js';
import { createAttempts } from './attempts.js';
import { type Clock, systemClock } from './clock.js';
import { upstreamProblem } from './errors.js';
import type { CircuitState, UpstreamEvent } from './events.js';
import { refuseFailureIn, refuseWhole } from './exchange/event-failure.js';
import { openEventStream } from './exchange/event-stream.js';
import { type Exchange, exchangeJson, exchangeUnread, send } from './exchange/exchange.js';
import { startTimeLimit } from './exchange/time-limit.js';
import { createCircuitBreaker } from './retry/circuit-breaker.js';
import { UpstreamFailure } from './retry/failure.js';
import type { Permit } from './retry/permit.js';
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
 * - `timeoutMs`: for each try, 30 s when left out (model: 60 s). What is repeated ends with the policy's total; only the
 *   first try may take longer than that.
 * - `maxBytes`: of the answer, 16 MiB when left out.
 * - `sideEffect`: the server would do something twice when asked twice; such a call is tried once.
 * - `ignoreAnswer`: any successful status will do, whatever the answer says; the call gives `undefined`.
 * - `permit`: its place, which is given back between two tries.
 * @source story-17.4 ADR-0009; product contract, Promises 6
 */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  permit?: Permit | undefined;
  timeoutMs?: number;
  maxBytes?: number;
  sideEffect?: boolean;
  ignoreAnswer?: boolean;
}

/**
 * - `idleMs`: the longest silence, before the first byte too; 30 s when left out. It may be longer than the policy's
 *   total, after which no try is begun any more.
 * - `totalMs`: the whole stream, 5 min when left out. `maxBytes`: 16 MiB when left out.
 * - `lastData`: what the last event of a whole stream says (`[DONE]`); a stream that ends without it was cut. It is not
 *   given to the reader.
 * - `permit`: its place, which is given back between two tries.
 * @source story-17.4 ADR-0009; OpenAI documentation, "Streaming"
 */
export interface StreamOptions {
  signal?: AbortSignal | undefined;
  permit?: Permit | undefined;
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
  /**
   * The data of each server-sent event; one that says that the server failed is a failure. Repeated only while nothing
   * was given to the reader.
   */
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

const leftByReader = new Error('nobody reads on');

function checkedBase(name: string, baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isFine = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isFine || url.search !== '' || url.hash !== '') {
    throw new Error(`${name}: expected an http or https address without user, query and fragment as its base URL`);
  }
  return url.href.replace(/\/+$/, '');
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
  const attempts = createAttempts({ name, circuit, clock, onEvent });

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

  /** Repeats by the policy; what remains becomes a Problem. */
  async function repeated<T>(
    tryOnce: (leftMs: number) => Promise<T>,
    limits: {
      totalMs?: number;
      signal: AbortSignal | undefined;
      permit: Permit | undefined;
      mayRepeat: () => boolean;
    },
  ): Promise<T> {
    let attempts = 0;
    const row = retryPolicies[policy];
    try {
      return await retry(
        (leftMs) => {
          attempts++;
          return tryOnce(attempts === 1 ? Number.POSITIVE_INFINITY : leftMs);
        },
        {
          policy: { ...row, totalMs: Math.min(row.totalMs, limits.totalMs ?? row.totalMs) },
          clock,
          random,
          signals: [limits.signal, closing.signal],
          mayRepeat: limits.mayRepeat,
          permit: limits.permit,
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
      const { ended } = attempts.begin(limit, false);
      try {
        const exchanged = options.ignoreAnswer ? exchangeUnread : exchangeJson;
        const answer = await exchanged(exchange, { maxBytes, limit, clock });
        ended();
        return answer;
      } catch (error) {
        ended(error);
        throw error;
      } finally {
        limit.dispose();
      }
    };
    return repeated(tryOnce, { signal, permit: options.permit, mayRepeat: () => !sideEffect });
  }

  async function* stream(exchange: Exchange, options: StreamOptions = {}): AsyncGenerator<string, void, void> {
    const { signal, idleMs = defaultIdleMs, totalMs = defaultStreamMs, maxBytes = defaultMaxBytes, lastData } = options;
    signal?.throwIfAborted();
    const endsAt = clock.now() + totalMs;
    /** Up to and including the first event; from then on nothing is repeated, but the try goes on. */
    const begin = async () => {
      const limit = startTimeLimit(clock, { totalMs: endsAt - clock.now(), idleMs }, [signal, closing.signal]);
      const { answering, ended } = attempts.begin(limit, true);
      try {
        const answer = await send(exchange, { maxBytes, limit, clock });
        const events = openEventStream(answer, maxBytes, limit);
        try {
          const first = await events.next();
          if (first === undefined) refuseWhole(answer);
          for (const data of first ?? []) refuseFailureIn(data, exchange);
          if (first !== undefined) answering();
          return { limit, events, first, ended };
        } catch (error) {
          events.stop();
          throw error;
        }
      } catch (error) {
        ended(error);
        limit.dispose();
        throw error;
      }
    };
    const { limit, events, first, ended } = await repeated(begin, {
      totalMs,
      signal,
      permit: options.permit,
      mayRepeat: () => true,
    });
    /** While a reader is busy it is not asked; when it never comes back, the try ends with its time all the same. */
    let isReading = false;
    const onAbort = () => ended(isReading ? leftByReader : limit.signal.reason);
    limit.signal.addEventListener('abort', onAbort);
    try {
      for (let next = first; next !== undefined; next = await events.next()) {
        limit.rest();
        isReading = true;
        for (const data of next) {
          if (data === lastData) {
            ended();
            return;
          }
          refuseFailureIn(data, exchange);
          yield data;
        }
        isReading = false;
        limit.goOn();
      }
      if (lastData !== undefined) throw new UpstreamFailure('cut_answer', 'broke off its answer');
      ended();
    } catch (error) {
      const failure = limit.signal.aborted ? limit.signal.reason : error;
      ended(failure);
      throw gaveUp(failure, 1);
    } finally {
      // A reader that leaves says nothing about the server.
      ended(leftByReader);
      limit.signal.removeEventListener('abort', onAbort);
      events.stop();
      limit.dispose();
    }
  }

  return {
    postJson: (path, body, options) => call(exchangeOf('POST', path, body), options),
    getJson: (path, options) => call(exchangeOf('GET', path), options),
    delete: (path, options) => call(exchangeOf('DELETE', path), options),
    postStream: (path, body, options) => stream(exchangeOf('POST', path, body), options),
    state: () => ({ circuit: circuit.state, running: attempts.underWay }),
    close: () => closing.abort(new UpstreamFailure('closed', 'is not asked any more: the service is stopping')),
  };
}
