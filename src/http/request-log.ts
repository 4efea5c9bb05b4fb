import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../logger.js';

/**
 * A request began, or was answered. `endpoint` is the route's pattern, never the address that was asked for, so that
 * whoever counts by it stays bounded; `unmatched` where no route took it. An event stream has no duration: it lasts
 * as long as its reader stays.
 * @source product contract, Monitoring ("the route is the pattern")
 */
export type RequestEvent =
  | { type: 'started' }
  | { type: 'answered'; method: string; endpoint: string; status: number; durationSeconds: number | undefined };

/** What nginx logs when the client went away before its answer was sent. */
const clientClosedRequest = 499;

/**
 * One log line and two events (start, answer) for each request; the canvas or record asked for is in the line as
 * the address the client sent, without its query string.
 * @source story-17.4 ADR-0010
 */
export function installRequestLog(
  server: FastifyInstance,
  logger: Logger,
  onEvent: (event: RequestEvent) => void,
): void {
  // These lines hold nothing to redact, and looking for it costs twice what the line does.
  const lines = logger.child({}, { redact: [] });
  const answered = (request: FastifyRequest, reply: FastifyReply, startedAt: number) => {
    const status = reply.raw.writableEnded ? reply.statusCode : clientClosedRequest;
    const durationSeconds = (performance.now() - startedAt) / 1000;
    const endpoint = request.routeOptions.url ?? 'unmatched';
    const isStream = String(reply.raw.getHeader('content-type')).startsWith('text/event-stream');
    onEvent({
      type: 'answered',
      method: request.method,
      endpoint,
      status,
      durationSeconds: isStream ? undefined : durationSeconds,
    });
    if (!lines.isLevelEnabled('info')) return;
    lines.info(
      {
        requestId: request.id,
        method: request.method,
        path: request.originalUrl.split('?', 1)[0],
        status,
        milliseconds: Math.round(durationSeconds * 1e5) / 100,
      },
      'request',
    );
  };
  server.addHook('onRequest', (request, reply, done) => {
    onEvent({ type: 'started' });
    // Not the onResponse hook: it does not run when the client hangs up in the middle of an answer.
    const startedAt = performance.now();
    reply.raw.once('close', () => answered(request, reply, startedAt));
    done();
  });
}
