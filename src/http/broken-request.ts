import type { Socket } from 'node:net';
import { Problem } from '../errors.js';
import { problemDocument, problemMediaType } from './problem.js';

/** @source RFC 9110 section 15.5.9 */
export const requestTimedOut = new Problem({
  code: 'REQUEST_TIMEOUT',
  kind: 'request_timeout',
  message: 'The request took too long to arrive',
  headers: { connection: 'close' },
});

const problems: Record<string, { status: number; problem: Problem }> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    problem: new Problem({ code: 'HEADERS_TOO_LARGE', kind: 'invalid', message: 'The headers are larger than 16 KiB' }),
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, problem: requestTimedOut },
};
const malformed = {
  status: 400,
  problem: new Problem({ code: 'HTTP_MALFORMED', kind: 'invalid', message: 'Expected a well-formed HTTP/1.1 request' }),
};

/**
 * Answers bytes that are no HTTP request, or come too slowly, with a problem document, and closes the connection,
 * so that nothing sent behind them is taken for a second request.
 * @source Node.js documentation, http "Event: 'clientError'"; RFC 9112 section 9.6
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, problem } = problems[error.code ?? ''] ?? malformed;
  const document = problemDocument(problem, status, undefined);
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${status} ${document.title}\r\nConnection: close\r\nContent-Type: ${problemMediaType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
