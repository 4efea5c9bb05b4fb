import { Agent, get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';

/** One event as a client sees it, and the id it would come back with. */
export interface ReceivedEvent {
  id: string;
  event: string;
  data: string;
}

/** Reads an event stream block by block, as HTML Standard section 9.2.6 says. */
export class EventParser {
  readonly events: ReceivedEvent[] = [];
  comments = 0;
  lastEventId = '';
  #rest = '';
  #data: string[] = [];
  #event = 'message';

  push(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data.length > 0) {
        this.events.push({ id: this.lastEventId, event: this.#event, data: this.#data.join('\n') });
      }
      this.#data = [];
      this.#event = 'message';
      return;
    }
    if (line.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'data') this.#data.push(value);
    if (name === 'event') this.#event = value;
    if (name === 'id') this.lastEventId = value;
  }
}

/** A client on a real socket. `text` is all that came; `until` resolves when what came fulfils a wish. */
export interface EventClient {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly parser: EventParser;
  readonly text: string;
  readonly response: IncomingMessage;
  until(wish: (client: EventClient) => boolean): Promise<void>;
  events(count: number): Promise<ReceivedEvent[]>;
  readonly ended: Promise<void>;
  leave(): void;
}

export async function listen(server: FastifyInstance): Promise<number> {
  if (!server.server.listening) await server.listen({ port: 0, host: '127.0.0.1' });
  return (server.server.address() as AddressInfo).port;
}

/** Opens a stream; `reads: false` leaves the body unread until `response.resume()`. */
export async function openEvents(
  server: FastifyInstance,
  path: string,
  { lastEventId, reads = true, method = 'GET' }: { lastEventId?: string; reads?: boolean; method?: string } = {},
): Promise<EventClient> {
  const port = await listen(server);
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const agent = new Agent({ keepAlive: true });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, path, headers, method, agent }, resolve).on('error', reject);
  });
  const parser = new EventParser();
  const waiting = new Set<() => void>();
  let text = '';
  const ended = new Promise<void>((resolve) => {
    response.on('close', resolve);
    response.on('error', () => {});
  });
  const client: EventClient = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    parser,
    response,
    ended,
    get text() {
      return text;
    },
    until: (wish) =>
      new Promise((resolve) => {
        const check = () => {
          if (!wish(client)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    async events(count) {
      await client.until(() => parser.events.length >= count);
      return parser.events;
    },
    leave: () => response.destroy(),
  };
  const onData = (chunk: string) => {
    text += chunk;
    parser.push(chunk);
    for (const check of [...waiting]) check();
  };
  response.setEncoding('utf8');
  if (reads) response.on('data', onData);
  else response.once('resume', () => response.on('data', onData));
  onTestFinished(() => {
    response.destroy();
    agent.destroy();
  });
  return client;
}
