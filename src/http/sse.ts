/**
 * Server-sent events over a Fastify reply. What it holds for a slow reader is bounded: over the limit the stream is
 * cut, and the client comes back with Last-Event-ID. It remembers no events; whoever sends them does.
 */
import { setMaxListeners } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { idleTimeoutMs, limitSilence } from './requests/idle-time.js';

/**
 * One event. `data` that is no string is sent as JSON; line breaks in it reach the client as line breaks.
 * @source HTML Standard section 9.2.6 (interpreting an event stream)
 */
export interface ServerSentEvent {
  id?: string;
  event?: string;
  data: unknown;
}

/**
 * Why a stream ended.
 * @source product contract, Settled details (SSE)
 */
export type EventStreamEnd = 'client_left' | 'server_closing' | 'too_slow' | 'closed';

/**
 * - `heartbeatMs`: a sign of life whenever nothing waits to be sent; keep it below the idle timeouts on the way.
 * - `maxBufferedBytes`: how much may wait for a slow reader before the stream is cut.
 * - `closing`: ends the stream when the service stops; see {@link closingSignal}.
 * - `position`: the id of the last event that the client needs no more, sent along with the opening and each heartbeat,
 *   so that a client which saw no event yet, or none of its own for long, can resume too.
 * @source product contract, Settled details (SSE)
 */
export interface EventStreamOptions {
  heartbeatMs?: number;
  maxBufferedBytes?: number;
  closing?: AbortSignal;
  position?(): string | undefined;
}

/**
 * @source HTML Standard section 9.2 (server-sent events)
 */
export interface EventStream {
  readonly isOpen: boolean;
  readonly bufferedBytes: number;
  /** @returns whether the stream still takes events; false when this one was not sent */
  send(event: ServerSentEvent): boolean;
  /** Resolves when the reader has caught up, or the stream has ended: senders of many events wait for it. */
  drained(): Promise<void>;
  readonly closed: Promise<EventStreamEnd>;
  close(): void;
}

const lineBreak = /\r\n|\r|\n/;

function field(name: string, value: string): string {
  if (/[\0\r\n]/.test(value)) throw new RangeError(`expected an ${name} without line breaks`);
  return `${name}: ${value}\n`;
}

/**
 * An event as it goes over the wire.
 * @throws RangeError when the id or the name holds a line break or NUL
 * @source HTML Standard section 9.2.5 (parsing an event stream)
 */
export function formatEvent({ id, event, data }: ServerSentEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const lines = text.split(lineBreak).map((line) => `data: ${line}\n`);
  return `${event === undefined ? '' : field('event', event)}${id === undefined ? '' : field('id', id)}${lines.join('')}\n`;
}

/**
 * The id that a client resumes from, as it sent it; undefined on a first visit.
 * @source HTML Standard section 9.2.4 (the Last-Event-ID header)
 */
export function lastEventIdOf(request: FastifyRequest): string | undefined {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && given !== '' ? given : undefined;
}

/**
 * A signal that aborts when the server begins to close, for streams that would otherwise keep it from closing.
 * Ask for it while a plugin is registered.
 * @source Fastify documentation, hook "preClose"
 */
export function closingSignal(server: FastifyInstance): AbortSignal {
  const controller = new AbortController();
  // Each open stream listens; there is no number of them that would mean a leak.
  setMaxListeners(0, controller.signal);
  server.addHook('preClose', async () => controller.abort());
  return controller.signal;
}

const defaultHeartbeatMs = 15_000;
const defaultMaxBufferedBytes = 1024 * 1024;
/**
 * The event of a response that becomes an event stream.
 * @source Node.js documentation, events
 */
export const streamOpened = Symbol('event stream opened');

/** How long a reader may take for the last bytes once the stream has ended. */
const farewellMs = 1000;

/**
 * Takes the reply over and opens an event stream on it; the route's handler then returns `reply`. A HEAD request gets
 * the headers, and a stream that has ended.
 * @source HTML Standard section 9.2; product contract, Settled details ("SSE opens with a comment")
 */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EventStreamOptions = {},
): EventStream {
  const { heartbeatMs = defaultHeartbeatMs, maxBufferedBytes = defaultMaxBufferedBytes, closing, position } = options;
  const response = reply.hijack().raw;
  // It answers from now on: a client that is gone without a word is cut as ever. An injected request has no socket.
  limitSilence(response.socket, idleTimeoutMs);
  let isOpen = true;
  let announceEnd: (end: EventStreamEnd) => void = () => {};
  const closed = new Promise<EventStreamEnd>((resolve) => {
    announceEnd = resolve;
  });

  let senders: (() => void)[] = [];
  const wakeSenders = () => {
    const woken = senders;
    senders = [];
    for (const wake of woken) wake();
  };

  const end = (reason: EventStreamEnd) => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(heartbeat);
    closing?.removeEventListener('abort', onClosing);
    if (reason === 'too_slow') response.destroy();
    else if (reason !== 'client_left') {
      response.end();
      const farewell = setTimeout(() => response.destroy(), farewellMs);
      farewell.unref();
      response.once('close', () => clearTimeout(farewell));
    }
    announceEnd(reason);
    wakeSenders();
  };
  const onClosing = () => end('server_closing');
  const place = () => {
    const id = position?.();
    return id === undefined ? '' : field('id', id);
  };
  const heartbeat = setInterval(() => {
    if (response.writableLength === 0) response.write(`:\n${place()}\n`);
  }, heartbeatMs);
  heartbeat.unref();

  response.on('drain', wakeSenders);
  response.on('close', () => end('client_left'));
  response.on('error', () => end('client_left'));
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.emit(streamOpened);
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  if (request.method === 'HEAD') {
    end('closed');
  } else {
    response.write(`: open\n${place()}\n`);
    if (closing?.aborted) end('server_closing');
    else closing?.addEventListener('abort', onClosing);
  }

  return {
    get isOpen() {
      return isOpen;
    },
    get bufferedBytes() {
      return response.writableLength;
    },
    closed,
    close: () => end('closed'),
    send(event) {
      const text = formatEvent(event);
      if (isOpen && response.writableLength > maxBufferedBytes) end('too_slow');
      if (!isOpen) return false;
      response.write(text);
      return true;
    },
    async drained() {
      while (isOpen && response.writableNeedDrain) await new Promise<void>((wake) => senders.push(wake));
    },
  };
}
