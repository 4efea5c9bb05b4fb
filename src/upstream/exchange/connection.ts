/**
 * Requests over HTTP/1.1 as Node's own client sends them: connections are kept for the next request, redirects are
 * answers like any other. It costs a third of `fetch`, which counts where fifty calls to a model are under way.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/**
 * The head of an answer, and its bytes.
 * @source RFC 9112 section 4
 */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Gives the bytes to `take` as they come, decompressed. To be called once. */
  read(take: (bytes: Buffer) => void): Reading;
  /** Ends the connection, unless all has come. */
  discard(): void;
}

/**
 * An answer that is being read.
 * @source RFC 9112 section 6
 */
export interface Reading {
  /**
   * Resolves when all bytes were taken.
   * @throws the error of the connection; what `take` throws, which is then given nothing more
   */
  readonly ended: Promise<void>;
  pause(): void;
  resume(): void;
  /** Takes nothing more; ends the connection, unless all has come. */
  stop(): void;
}

/** As browsers do: a server that stays idle longer may be closing the connection just now. */
const idleConnectionMs = 4000;
const agentOptions: http.AgentOptions = { keepAlive: true, timeout: idleConnectionMs };
const plain = new http.Agent(agentOptions);
const secure = new https.Agent(agentOptions);

/** Servers compress although they were asked not to. */
const decompressors: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

function answerOf(response: IncomingMessage, failureOf: (error: unknown) => unknown, letGo: () => void): Answer {
  // Heard by whoever reads; nobody else wants to know that an answer was broken off.
  response.on('error', () => {});
  /** The connection is good for another request when the answer has come as a whole. */
  const end = () => {
    letGo();
    if (response.complete) response.resume();
    else response.destroy();
  };
  const read = (take: (bytes: Buffer) => void): Reading => {
    const coding = response.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    const decompressor = decompressors[coding]?.();
    if (decompressor) pipeline(response, decompressor, () => {});
    const source = decompressor ?? response;
    let isOver = false;
    const stop = () => {
      if (isOver) return;
      isOver = true;
      decompressor?.destroy();
      end();
    };
    const ended = new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => {
        reject(error);
        stop();
      };
      source.on('data', (bytes: Buffer) => {
        if (isOver) return;
        try {
          take(bytes);
        } catch (error) {
          fail(error);
        }
      });
      source.on('end', () => {
        resolve();
        stop();
      });
      source.on('error', (error) => fail(failureOf(error)));
      // Comes after the end, too, and is of no interest then.
      const onClose = () => fail(failureOf(source.errored ?? new Error('the connection was closed')));
      source.on('close', onClose);
      if (source.destroyed) onClose();
    });
    // Whoever stops does not wait for the end.
    ended.catch(() => {});
    return { ended, pause: () => void source.pause(), resume: () => void source.resume(), stop };
  };
  return { status: response.statusCode ?? 0, headers: response.headers, read, discard: end };
}

/**
 * Sends a request and waits for the head of its answer.
 * @param signal ends the connection, before and after the head has come
 * @throws the error of the connection, or what the signal makes of it
 * @source Node.js documentation, http "http.request()"
 */
export function request(
  {
    method,
    url,
    headers,
    body,
  }: { method: string; url: string; headers: Record<string, string>; body?: string | undefined },
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isSecure = url.startsWith('https:');
    const sent = (isSecure ? https : http).request(url, { method, headers, agent: isSecure ? secure : plain });
    // Only until the answer has been read: then the connection may be another request's.
    const onAbort = () => void sent.destroy();
    const forget = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    // After the head, what is wrong with the bytes is told to the request and the answer only breaks off.
    let broken: unknown;
    sent.on('error', (error) => {
      broken ??= error;
      reject(error);
    });
    sent.on('close', forget);
    sent.on('response', (response) => {
      response.on('end', forget);
      resolve(answerOf(response, (error) => broken ?? error, forget));
    });
    if (signal.aborted) onAbort();
    else sent.end(body);
  });
}
