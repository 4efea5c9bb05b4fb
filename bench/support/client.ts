import http from 'node:http';

/**
 * An answer read to its end; `milliseconds` runs from the call to the last byte.
 * @source Node.js documentation, http "Class: http.IncomingMessage"
 */
export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  milliseconds: number;
}

/**
 * Asks one server over connections that are kept.
 * @source Node.js documentation, http "Class: http.Agent"
 */
export interface Client {
  request(
    method: string,
    path: string,
    options?: { headers?: http.OutgoingHttpHeaders; body?: Buffer },
  ): Promise<Answer>;
  close(): void;
}

/**
 * Makes a client; connections are opened when they are needed.
 * @param origin such as `http://127.0.0.1:8000`
 * @param connections most requests at once; more wait for a free connection
 * @source Node.js documentation, http "Class: http.Agent"
 */
export function createClient(origin: string, connections: number): Client {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  return {
    request(method, path, { headers = {}, body } = {}) {
      return new Promise((resolve, reject) => {
        const startedAt = performance.now();
        const length = body ? { 'content-length': body.length } : {};
        const request = http.request(`${origin}${path}`, { method, agent, headers: { ...headers, ...length } });
        request.on('error', reject);
        request.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('error', reject);
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks),
              milliseconds: performance.now() - startedAt,
            }),
          );
        });
        request.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

/**
 * Takes an answer only when it has the expected status.
 * @throws Error with status and the beginning of the body
 * @source product contract, HTTP
 */
export function expectStatus(answer: Answer, expected: readonly number[], what: string): Answer {
  if (expected.includes(answer.status)) return answer;
  const beginning = answer.body.subarray(0, 300).toString();
  throw new Error(`${what}: expected status ${expected.join(' or ')}, got ${answer.status}: ${beginning}`);
}
