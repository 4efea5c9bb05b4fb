/**
 * Changes of canvases as server-sent events. A client gets each change once and in order; one that reads slowly is
 * served from the log at its own pace, so that nothing is piled up for it, and gets one `reset` when the log has gone
 * on without it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type EventStream, type EventStreamOptions, lastEventIdOf, openEventStream } from '../../http/index.js';
import { type CanvasChange, type ChangeLog, isChangeId } from './change-log.js';
import { lastEventIdInvalid } from './errors.js';

/**
 * `path` narrows the stream to one canvas.
 * @source product contract, Canvases (`GET /canvas/{path}/events`, `GET /canvas/events`)
 */
export interface ChangeStreamOptions extends Omit<EventStreamOptions, 'position'> {
  log: ChangeLog;
  path?: string;
}

/**
 * Answers a request with a stream of `change` events, whose data is `{path, etag, kind, origin, from?, kept?}`, and `reset`
 * events with `{}`. The route's handler then returns `reply`.
 * @throws Problem LAST_EVENT_ID_INVALID, before anything is sent
 * @source product contract, Settled details (SSE)
 */
export function streamChanges(request: FastifyRequest, reply: FastifyReply, options: ChangeStreamOptions): EventStream {
  const { log, path, ...streamOptions } = options;
  const lastEventId = lastEventIdOf(request);
  if (lastEventId !== undefined && !isChangeId(lastEventId)) throw lastEventIdInvalid();
  let position = lastEventId ?? log.position();
  /** While true the log is asked for what is missing; else whatever concerns this client was sent at once. */
  let isBehind = true;

  const stream = openEventStream(request, reply, {
    ...streamOptions,
    position: () => {
      if (!isBehind) position = log.position();
      return position;
    },
  });

  const catchUp = async () => {
    while (stream.isOpen) {
      await stream.drained();
      const now = log.position();
      const missed = log.since(position, path);
      if (missed === 'reset') {
        position = now;
        stream.send({ id: now, event: 'reset', data: {} });
      } else if (missed.length > 0) {
        for (const change of missed) {
          if (!stream.send(eventOf(change))) return;
          position = change.id;
          await stream.drained();
        }
      } else {
        position = now;
        isBehind = false;
        return;
      }
    }
  };
  const unsubscribe = log.subscribe((change) => {
    if (isBehind) return;
    isBehind = true;
    stream.send(eventOf(change));
    position = change.id;
    void catchUp();
  }, path);
  void stream.closed.then(unsubscribe);
  void catchUp();
  return stream;
}

const eventOf = ({ id, ...data }: CanvasChange) => ({ id, event: 'change', data });
