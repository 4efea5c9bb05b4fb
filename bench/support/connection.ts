import net from 'node:net';

/**
 * A request that is sent over and over, and the answer that must come each time.
 * @source RFC 9112
 */
export interface Exchange {
  url: string;
  headers?: Record<string, string>;
  status: number;
  /** The body, byte for byte. */
  body: Buffer;
}

/**
 * One kept connection that sends one request after another. It does just enough HTTP to check each answer, so that the
 * cost of asking stays far below that of answering.
 * @source RFC 9112 section 6 (only Content-Length framing, which is what a server that knows its bytes sends)
 */
export interface Connection {
  /** @returns milliseconds until the last byte; @throws Error when the answer is not the expected one */
  exchange(): Promise<number>;
  close(): void;
}

const endOfHead = Buffer.from('\r\n\r\n');
const silenceMs = 30_000;

/** Takes an answer chunk by chunk and tells when it is whole; then the next one may come. */
function createChecker({ url, status, body }: Exchange): (chunk: Buffer) => boolean {
  let head: Buffer = Buffer.alloc(0);
  let position = -1;
  const wrong = (got: string) => new Error(`GET ${url}: expected status ${status} and the file's bytes, got ${got}`);

  return (chunk) => {
    let rest = chunk;
    if (position < 0) {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf(endOfHead);
      if (end < 0) return false;
      const text = head.toString('latin1', 0, end);
      if (Number(text.slice(9, 12)) !== status) throw wrong(`"${text.slice(0, 40)}"`);
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
      if (status !== 304 && Number(length) !== body.length) throw wrong(`a length of ${length}`);
      rest = head.subarray(end + endOfHead.length);
      position = 0;
    }
    if (!rest.equals(body.subarray(position, position + rest.length))) throw wrong('other bytes');
    position += rest.length;
    if (position < body.length) return false;
    position = -1;
    head = Buffer.alloc(0);
    return true;
  };
}

/**
 * Connects to the server that the exchange is with.
 * @source Node.js documentation, net "net.connect()"
 */
export async function openConnection(exchange: Exchange): Promise<Connection> {
  const { host, hostname, port, pathname, search } = new URL(exchange.url);
  const lines = Object.entries({ host, ...exchange.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
  const isWhole = createChecker(exchange);
  let settle: { resolve(milliseconds: number): void; reject(error: Error): void } | undefined;
  let sentAt = 0;

  const fail = (error: Error) => {
    settle?.reject(error);
    socket.destroy();
  };
  socket.setTimeout(silenceMs, () => fail(new Error(`GET ${exchange.url}: no answer for ${silenceMs} ms`)));
  socket.on('data', (chunk) => {
    try {
      if (isWhole(chunk)) settle?.resolve(performance.now() - sentAt);
    } catch (error) {
      fail(error as Error);
    }
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', fail);
  socket.on('close', () => settle?.reject(new Error(`GET ${exchange.url}: the server closed the connection`)));

  return {
    exchange: () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        sentAt = performance.now();
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}
