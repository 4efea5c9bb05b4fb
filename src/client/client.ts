import { ClientError, refusalOf } from './client-error.js';
import type { AnswerOf, Contracts, OperationName, RawBody, RequestOf } from './contracts.js';
import { readEvents } from './event-lines.js';
import { operations } from './operations.js';

/**
 * Where the service is, its token if it wants one, and what sends the requests (`fetch` of the platform).
 * @source product contract, HTTP; RFC 6750 section 2.1
 */
export interface ClientOptions {
  url: string;
  token?: string;
  fetch?: typeof fetch;
}

/** One event of a stream; `data` is read as JSON. @source HTML Standard section 9.2.6 */
export interface ClientEvent {
  event: string;
  id: string;
  data: unknown;
}

type Table = typeof operations;
type Entry = readonly [method: string, path: string, kind?: 'events' | 'bytes'];
type Call<Name, Found> = Name extends OperationName
  ? Found extends readonly [string, string, 'events']
    ? (...request: Given<RequestOf<Contracts[Name]>>) => AsyncGenerator<ClientEvent, void, undefined>
    : Found extends readonly [string, string, 'bytes']
      ? (...request: Given<RequestOf<Contracts[Name]>>) => Promise<Bytes>
      : (...request: Given<RequestOf<Contracts[Name]>>) => Promise<AnswerOf<Contracts[Name]>>
  : (request?: Request) => Promise<{ status: number; headers: Headers; body: unknown }>;
/** Nothing has to be given where nothing is required. */
type Given<Request> = Record<never, never> extends Request ? [request?: Request] : [request: Request];
interface Bytes {
  status: number;
  headers: Headers;
  body: ReadableStream<Uint8Array>;
}

/**
 * A function for each operation of the service, in the groups of its OpenAPI document. Types come from the schemas that
 * the service validates with. A refusal is a {@link ClientError}; nothing is tried again. Where the answer is a stream of
 * events, the function gives them one by one until the stream ends or the loop is left; with the header `last-event-id` it
 * goes on after that event.
 * @source product contract, HTTP ("Every route is in the OpenAPI 3.1 document")
 */
export type Client = { [Group in keyof Table]: { [Name in keyof Table[Group]]: Call<Name, Table[Group][Name]> } };

interface Request {
  params?: Record<string, string>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * @example
 * const { canvases } = createClient({ url: 'http://127.0.0.1:8000' });
 * const { body } = await canvases.putCanvas({ params: { path: 'a.canvas' }, body: { nodes: [], edges: [] } });
 * for await (const { event, data } of canvases.followCanvases()) show(event, data);
 * @throws TypeError when the url is none
 * @source Fetch Standard; product contract, HTTP
 */
export function createClient({ url, token, fetch: send = fetch }: ClientOptions): Client {
  const { origin, pathname } = new URL(url);
  const base = `${origin}${pathname.replace(/\/$/, '')}`;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function ask(name: string, [method, path]: Entry, request: Request): Promise<Response> {
    const { params = {}, query = {}, signal = null } = request;
    const body = bodyOf(request.body);
    const answer = await send(`${base}${filledIn(path, params)}${queryText(query)}`, {
      method,
      headers: { ...authorization, ...body.headers, ...request.headers },
      signal,
      ...body.init,
    } as RequestInit).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw new ClientError(name, undefined, {}, error);
    });
    if (answer.status >= 400) throw await refusalOf(name, answer);
    return answer;
  }

  async function* events(name: string, entry: Entry, request: Request): AsyncGenerator<ClientEvent, void, undefined> {
    const { body } = await ask(name, entry, request);
    if (body === null) return;
    for await (const { event, id, data } of readEvents(body)) yield { event, id, data: JSON.parse(data) };
  }

  async function answer(name: string, entry: Entry, request: Request) {
    const response = await ask(name, entry, request);
    const { status, headers } = response;
    return { status, headers, body: entry[2] === 'bytes' ? response.body : await contentOf(name, response) };
  }

  const call = (name: string, entry: Entry) =>
    entry[2] === 'events'
      ? (request: Request = {}) => events(name, entry, request)
      : (request: Request = {}) => answer(name, entry, request);
  const groups = Object.entries(operations).map(([group, members]) => [
    group,
    Object.fromEntries(Object.entries(members).map(([name, entry]) => [name, call(name, entry as Entry)])),
  ]);
  return Object.fromEntries(groups) as Client;
}

const filledIn = (path: string, params: Record<string, string>) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));

/** Members without a value are left out; those of a list are repeated. */
function queryText(query: Record<string, unknown>): string {
  const pairs = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    (Array.isArray(value) ? value : [value]).filter((each) => each !== undefined).map((each) => [name, String(each)]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

const isRaw = (body: unknown): body is RawBody =>
  typeof body === 'string' ||
  body instanceof Uint8Array ||
  body instanceof Blob ||
  body instanceof FormData ||
  body instanceof ReadableStream;

function bodyOf(body: unknown): { headers: Record<string, string>; init: Record<string, unknown> } {
  if (body === undefined) return { headers: {}, init: {} };
  if (!isRaw(body)) return { headers: { 'content-type': 'application/json' }, init: { body: JSON.stringify(body) } };
  if (body instanceof FormData) return { headers: {}, init: { body } };
  const headers = { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' };
  // A stream goes out while nothing has come in yet.
  return { headers, init: { body, ...(body instanceof ReadableStream && { duplex: 'half' }) } };
}

async function contentOf(name: string, response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.status === 204 || response.status === 304) return undefined;
  if (!/^application\/(?:[\w.-]+\+)?json\b/.test(response.headers.get('content-type') ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ClientError(name, response.status, { detail: 'expected JSON, got something else' }, error);
  }
}
