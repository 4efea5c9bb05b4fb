import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { requestTimedOut } from '../broken-request.js';

/** So long nothing may move on a connection. @source product contract, HTTP (slow clients) */
export const idleTimeoutMs = 75_000;

/**
 * A connection on which nothing moves is cut, but not while the client has sent all it had and waits for its answer:
 * that may take as long as the work takes (`?wait=true`, a batch of agents). One whose body has stalled is told so before.
 * @source Node.js documentation, net "socket.setTimeout()", http "Event: 'timeout'"
 */
export function installIdleTime(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw }, reply, done) => {
    // Only a body that is still to come makes a request time out.
    if ('content-length' in raw.headers || 'transfer-encoding' in raw.headers) {
      raw.once('timeout', (socket: Socket) => {
        if (reply.sent || reply.raw.headersSent) socket.destroy();
        else void reply.send(requestTimedOut);
      });
    }
    done();
  });
  server.addHook('preHandler', (request, reply, done) => {
    const wait = () => {
      if (!reply.sent) limitSilence(request.raw.socket, 0);
    };
    if (request.raw.complete) wait();
    else request.raw.once('end', wait);
    done();
  });
  server.addHook('onSend', (request, _reply, payload, done) => {
    limitSilence(request.raw.socket, idleTimeoutMs);
    done(null, payload);
  });
}

/**
 * Cuts the connection once nothing has moved on it for so long; 0 never does. An injected request has no connection.
 * @source Node.js documentation, net "socket.setTimeout()"
 */
export function limitSilence(socket: unknown, ms: number): void {
  if (socket instanceof Socket) socket.setTimeout(ms);
}
