import http from 'node:http';

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export interface HttpRequest {
  body?: string | Buffer;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

/** Over real sockets that stay open; a request that gets no answer rejects. */
export class HttpClient {
  readonly origin: string;
  readonly #origin: URL;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  constructor(origin: string) {
    this.origin = origin;
    this.#origin = new URL(origin);
  }

  request(method: string, path: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const { body, headers = {}, timeoutMs = 10_000 } = request;
    return new Promise((resolve, reject) => {
      const outgoing = http.request({
        host: this.#origin.hostname,
        port: this.#origin.port,
        method,
        path,
        agent: this.#agent,
        headers: body === undefined ? headers : { 'content-length': Buffer.byteLength(body), ...headers },
      });
      outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new NoAnswer(`${method} ${path}: ${timeoutMs} ms`)));
      outgoing.on('error', reject);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
        });
      });
      outgoing.end(body);
    });
  }

  get(path: string): Promise<HttpAnswer> {
    return this.request('GET', path);
  }

  put(name: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return this.request('PUT', canvasUrl(name), { body, headers: { 'content-type': 'application/json', ...headers } });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The other side is there and says nothing. */
export class NoAnswer extends Error {}

export const canvasUrl = (name: string): string => `/canvas/${encodeURIComponent(name)}`;
