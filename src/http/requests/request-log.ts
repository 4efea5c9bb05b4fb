import type { FastifyInstance } from 'fastify';
import { infoLines, type Logger } from '../../logger.js';
import { streamOpened } from '../sse.js';
import { isRehearsal } from './rehearsal.js';

/**
 * A request began, or was answered. `endpoint` is the route's pattern, never the address that was asked for, so that
 * whoever counts by it stays bounded; `unmatched` where no route took it. An answer that becomes an event stream is
 * told when it does, and has no duration: it lasts as long as its reader stays.
 * @source product contract, Monitoring ("the route is the pattern")
 */
export type RequestEvent =
  | { type: 'started' }
  | { type: 'stream_opened' }
  | { type: 'answered'; method: string; endpoint: string; status: number; durationSeconds: number | undefined };

/**
 * An answer that is over. `url` is the address as the client sent it; `status` undefined when the client went away
 * before its answer was sent; `startedAt` is by the monotonic clock, in ms.
 * @source product contract, Monitoring
 */
export interface AnsweredRequest {
  id: string;
  method: string;
  url: string;
  endpoint: string;
  status: number | undefined;
  startedAt: number;
  isStream: boolean;
}

/**
 * Told of each request when it begins and when it has been answered, and of an event stream when it opens.
 * @source story-17.4 ADR-0010
 */
export interface RequestLog {
  started(): void;
  streamOpened(): void;
  answered(request: AnsweredRequest): void;
}

/** What nginx logs when the client went away before its answer was sent. */
const clientClosedRequest = 499;

/**
 * One log line and two events (start, answer) for each request; the canvas or record asked for is in the line as
 * the address the client sent, without its query string.
 * @source story-17.4 ADR-0010
 */
export function createRequestLog(logger: Logger, onEvent: (event: RequestEvent) => void): RequestLog {
  const write = infoLines(logger, 'request');
  return {
    started() {
      onEvent({ type: 'started' });
    },
    streamOpened() {
      onEvent({ type: 'stream_opened' });
    },
    answered({ id, method, url, endpoint, status = clientClosedRequest, startedAt, isStream }) {
      const durationSeconds = (performance.now() - startedAt) / 1000;
      onEvent({
        type: 'answered',
        method,
        endpoint,
        status,
        durationSeconds: isStream ? undefined : durationSeconds,
      });
      if (!logger.isLevelEnabled('info')) return;
      const queryAt = url.indexOf('?');
      const path = queryAt === -1 ? url : url.slice(0, queryAt);
      const milliseconds = Math.round(durationSeconds * 1e5) / 100;
      // Joined by hand, because this is most of what a line costs. Ids and methods hold nothing that needs escaping.
      write(
        `"requestId":"${id}","method":"${method}","path":${JSON.stringify(path)},"status":${status},` +
          `"milliseconds":${milliseconds}`,
      );
    },
  };
}

/**
 * Tells the log of each request that the framework answers, and nothing of rehearsals.
 * @source story-17.4 ADR-0010
 */
export function installRequestLog(server: FastifyInstance, log: RequestLog): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (isRehearsal(request)) {
      done();
      return;
    }
    log.started();
    // Not the onResponse hook: it does not run when the client hangs up in the middle of an answer.
    const startedAt = performance.now();
    let isStream = false;
    reply.raw.once(streamOpened, () => {
      isStream = true;
      log.streamOpened();
    });
    reply.raw.once('close', () => {
      log.answered({
        id: request.id,
        method: request.method,
        url: request.originalUrl,
        endpoint: request.routeOptions.url ?? 'unmatched',
        status: reply.raw.writableEnded ? reply.statusCode : undefined,
        startedAt,
        isStream,
      });
    });
    done();
  });
}
