import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { closingSignal, problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { streamChanges } from '../changes/change-stream.js';
import { followersFull } from '../changes/errors.js';
import { parseVaultPath } from '../vault/vault-path.js';
import { canvasParams, noQuery, tags } from './route-schemas.js';

const description =
  'Events `change` with `{path, etag, kind, origin, from?, kept?}`: `kind` is created, changed, deleted or moved (then `from` ' +
  'is the old path), `origin` is `api`, or `external` for another program; `etag` is null when the canvas is gone. ' +
  'When another program edits a file that an acknowledged write has not reached yet, the write, `etag`, stays the ' +
  'canvas; the edit goes to its history under the ETag `kept`. ' +
  'With `Last-Event-ID` exactly what was missed comes first, or one event `reset` when that is too long ago.';
const eventStream = {
  description: 'The events, as they happen',
  content: { 'text/event-stream': { schema: z.string() } },
};
const headers = z.looseObject({
  'last-event-id': z.string().optional().meta({ description: 'The id of the last event that was received' }),
});

/** Each stream holds a socket and, for a slow reader, up to a megabyte. */
const defaultMaxFollowers = 256;

/** What the routes take and answer. @source product contract, Canvases (`GET /canvas/events`) */
export const changeEventOperations = {
  followCanvases: {
    tags,
    operationId: 'followCanvases',
    summary: 'Changes of all canvases',
    description,
    headers,
    querystring: noQuery,
    response: { 200: eventStream, ...problemResponses(400, 429) },
  },
  followCanvas: {
    tags,
    operationId: 'followCanvas',
    summary: 'Changes of one canvas',
    description,
    headers,
    params: canvasParams,
    querystring: noQuery,
    response: { 200: eventStream, ...problemResponses(400, 429) },
  },
};

/**
 * Changes of one canvas, or of all, as server-sent events. A canvas that does not exist yet may be followed. The
 * streams end when the server begins to close.
 * @param maxFollowers how many streams, of one canvas or of all, may be open at a time
 * @source product contract, Canvases (`GET /canvas/{path}/events`, `GET /canvas/events`)
 */
export function eventRoutes(
  canvases: Pick<Canvases, 'changes'>,
  maxFollowers = defaultMaxFollowers,
): FastifyPluginAsyncZod {
  return async (server) => {
    const closing = closingSignal(server);
    let followers = 0;
    const follow = (request: FastifyRequest, reply: FastifyReply, path?: string): never => {
      if (followers >= maxFollowers) throw followersFull(maxFollowers);
      const log = canvases.changes;
      const stream = streamChanges(request, reply, { log, closing, ...(path === undefined ? {} : { path }) });
      followers += 1;
      void stream.closed.then(() => {
        followers -= 1;
      });
      return reply as never;
    };

    server.get(
      '/canvas/events',
      {
        schema: changeEventOperations.followCanvases,
      },
      (request, reply) => follow(request as FastifyRequest, reply as FastifyReply),
    );

    server.get(
      '/canvas/:path/events',
      {
        schema: changeEventOperations.followCanvas,
      },
      (request, reply) =>
        follow(request as FastifyRequest, reply as FastifyReply, parseVaultPath(request.params.path).text),
    );
  };
}
