import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { canvasSchema } from '../document/canvas-schema.js';
import { putOrMerge } from '../edits/merge/put-or-merge.js';
import { canvasMalformed, maxCanvasBytes } from '../errors.js';
import type { CanvasAnswer } from '../reading/canvas-reads.js';
import { canvasEndpoint, canvasHeaders, checkDemanded, codingsOf } from './canvas-answer.js';
import {
  allButBodyValidator,
  boundArrivingBodies,
  canvasMediaTypes,
  readBodiesAsBytes,
  takesOnly,
} from './canvas-body.js';
import { canvasLocation, knownVersionOf, preconditionsOf, prefersAsync, prefersMerge } from './canvas-headers.js';
import { editRoutes } from './edit-routes.js';
import { elementRoutes } from './element-routes.js';
import { eventRoutes } from './event-routes.js';
import { decodeCursor, encodeCursor } from './list-cursor.js';
import { moveRoute } from './move-route.js';
import { canvasParams, noQuery, storedCanvas, tags } from './route-schemas.js';
import { versionRoutes } from './version-routes.js';

const listQuery = z.strictObject({
  prefix: z.string().max(4096).default('').meta({ description: 'Only paths that begin with this' }),
  limit: z.coerce.number('expected a whole number from 1 to 1000').int().min(1).max(1000).default(100),
  cursor: z.string().max(8192).default('').meta({ description: '`next_cursor` of the page before' }),
});
const listItem = z.object({
  path: z.string(),
  bytes: z.int(),
  modified: z.iso.datetime(),
  etag: z.string().nullable().meta({ description: 'null while the file cannot be read' }),
});
const replaced = storedCanvas
  .extend({
    merged: z.literal(true).optional().meta({ description: 'What is stored is a merge, not the body as it was sent' }),
  })
  .meta({ id: 'ReplacedCanvas' });

/**
 * Sends the bytes as they are. The schema of the answer is for the OpenAPI document only, so what is returned (the
 * reply itself) is typed as whatever that schema asks for.
 */
function sendCanvas(reply: FastifyReply, answer: CanvasAnswer): never {
  const varies = reply.getHeader('vary');
  const headers = canvasHeaders(answer);
  for (let at = 0; at < headers.length; at += 2) reply.header(headers[at] as string, headers[at + 1]);
  if (varies !== undefined) reply.header('vary', `${varies}, Accept-Encoding`);
  if (answer.body === undefined) reply.code(304).send();
  else reply.send(answer.body);
  return reply as never;
}

/** What the routes take and answer. @source product contract, Canvases */
export const canvasOperations = {
  getCanvas: {
    tags,
    operationId: 'getCanvas',
    summary: 'One canvas, byte for byte',
    description:
      'A canvas that is read again is sent compressed to those who accept it (`br`, `gzip`). That form has an `ETag` ' +
      'of its own, the tag of the canvas with `.br` or `.gzip` before the closing quote; `If-None-Match` and ' +
      '`If-Match` take it for the canvas.',
    params: canvasParams,
    querystring: noQuery,
    response: { 200: canvasSchema, 304: z.void(), ...problemResponses(400, 404, 412, 422, 503) },
  },
  putCanvas: {
    tags,
    operationId: 'putCanvas',
    summary: 'Store a canvas as it is sent',
    description:
      'Answers when the canvas is durable, never before: `Prefer: respond-async` is answered 202 instead of 200 or ' +
      '201 at that same moment, when the file itself may be a little behind. With `If-Match` and `Prefer: handling=merge`, changes that others made meanwhile are merged by the ids of nodes ' +
      'and edges; where both sides changed the same, it is 409 with the ids in `conflicts`. A 412 says by `base` ' +
      '(`known` or `unknown`) whether a merge is possible.',
    consumes: canvasMediaTypes,
    params: canvasParams,
    querystring: noQuery,
    body: canvasSchema,
    response: {
      200: replaced,
      201: storedCanvas,
      202: storedCanvas,
      ...problemResponses(400, 404, 409, 412, 413, 415, 422, 503, 507),
    },
  },
  deleteCanvas: {
    tags,
    operationId: 'deleteCanvas',
    summary: 'Delete a canvas',
    params: canvasParams,
    querystring: noQuery,
    response: { 204: z.void(), ...problemResponses(400, 404, 409, 412, 503, 507) },
  },
  listCanvases: {
    tags,
    operationId: 'listCanvases',
    summary: 'The canvases of the vault, by path',
    querystring: listQuery,
    response: {
      200: z.object({ data: z.array(listItem), next_cursor: z.string().nullable() }),
      ...problemResponses(400, 503),
    },
  },
  flushCanvases: {
    tags: ['admin'],
    operationId: 'flushCanvases',
    summary: 'Write everything that waits now',
    querystring: noQuery,
    response: {
      200: z.object({ flushed: z.int().meta({ description: 'Canvases written' }) }),
      ...problemResponses(400),
    },
  },
};

/**
 * The routes of the canvases: read, store, delete, list and flush here, the others in files of their own. The server needs `foldCanvasPath` as `rewriteUrl`.
 * @source product contract, Canvases
 */
export function canvasRoutes(canvases: Canvases): FastifyPluginAsyncZod {
  return async (server) => {
    boundArrivingBodies(server);
    for (const routes of [editRoutes, elementRoutes, versionRoutes, moveRoute, eventRoutes]) {
      await server.register(routes(canvases));
    }
    readBodiesAsBytes(server, canvasMediaTypes);

    server.get(
      canvasEndpoint,
      {
        schema: canvasOperations.getCanvas,
      },
      (request, reply) => {
        const { headers } = request;
        const answer = canvases.read(request.params.path, knownVersionOf(headers), codingsOf(headers));
        const send = (found: CanvasAnswer) => {
          checkDemanded(headers, found);
          return sendCanvas(reply as FastifyReply, found);
        };
        return answer instanceof Promise ? answer.then(send) : send(answer);
      },
    );

    server.put(
      '/canvas/:path',
      {
        bodyLimit: maxCanvasBytes,
        onRequest: takesOnly(canvasMediaTypes),
        validatorCompiler: allButBodyValidator,
        schema: canvasOperations.putCanvas,
      },
      async (request, reply) => {
        const body: unknown = request.body;
        if (!Buffer.isBuffer(body)) throw canvasMalformed('Expected a JSON document, got an empty body');
        const { outcome, isMerged, ...version } = await putOrMerge(canvases, {
          path: request.params.path,
          body,
          conditions: preconditionsOf(request.headers),
          isAsync: prefersAsync(request.headers),
          merges: prefersMerge(request.headers),
        });
        if (outcome === 'accepted') return reply.code(202).header('preference-applied', 'respond-async').send(version);
        reply.header('etag', version.etag);
        if (isMerged) {
          reply.header('preference-applied', 'handling=merge');
          return reply.code(200).send({ ...version, merged: true });
        }
        if (outcome !== 'created') return reply.code(200).send(version);
        return reply.code(201).header('location', canvasLocation(version.path)).send(version);
      },
    );

    server.delete(
      '/canvas/:path',
      {
        schema: canvasOperations.deleteCanvas,
      },
      async (request, reply) => {
        await canvases.delete(request.params.path, preconditionsOf(request.headers));
        return reply.code(204).send();
      },
    );

    server.get(
      '/canvas',
      {
        schema: canvasOperations.listCanvases,
      },
      async (request, reply) => {
        const { prefix, limit, cursor } = request.query;
        const page = await canvases.list({ prefix, after: decodeCursor(cursor) }, limit);
        reply.header('cache-control', 'no-cache');
        return { data: page.items, next_cursor: page.lastPath === undefined ? null : encodeCursor(page.lastPath) };
      },
    );

    server.post(
      '/admin/flush',
      {
        schema: canvasOperations.flushCanvases,
      },
      async () => ({ flushed: await canvases.flush() }),
    );
  };
}
