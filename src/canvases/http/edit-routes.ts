import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { checkedBytes } from '../edits/checked-edit.js';
import { applyJsonPatch } from '../edits/patch/json-patch.js';
import { applyMergePatch } from '../edits/patch/merge-patch.js';
import { maxCanvasBytes } from '../errors.js';
import {
  allButBodyValidator,
  bytesSent,
  mediaTypeOf,
  patchMediaTypes,
  readBodiesAsBytes,
  takesOnlyPatches,
} from './canvas-body.js';
import { preconditionsOf } from './canvas-headers.js';
import { canvasParams, noQuery, storedCanvas, tags } from './route-schemas.js';

const operation = z
  .looseObject({
    op: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
    path: z.string(),
    from: z.string().optional(),
    value: z.unknown().optional(),
  })
  .meta({ id: 'JsonPatchOperation', description: 'RFC 6902; paths are JSON pointers' });
const patch = z
  .union([z.array(operation).max(10_000), z.looseObject({})])
  .meta({ description: 'A JSON Patch (an array of operations) or a merge patch (an object), as Content-Type says' });

/** What the routes take and answer. @source product contract, Canvases (PATCH) */
export const editOperations = {
  patchCanvas: {
    tags,
    operationId: 'patchCanvas',
    summary: 'Change parts of a canvas',
    description: 'Answers when the change is durable. All of a patch is applied, or nothing.',
    consumes: patchMediaTypes,
    params: canvasParams,
    querystring: noQuery,
    body: patch,
    response: { 200: storedCanvas, ...problemResponses(400, 404, 409, 412, 413, 415, 422, 503, 507) },
  },
};

/**
 * `PATCH /canvas/{path}` with a JSON Patch or a merge patch. Untouched parts of the canvas keep their bytes.
 * @source product contract, Canvases (PATCH); RFC 5789
 */
export function editRoutes(canvases: Pick<Canvases, 'edit'>): FastifyPluginAsyncZod {
  return async (server) => {
    readBodiesAsBytes(server, patchMediaTypes);

    server.patch(
      '/canvas/:path',
      {
        bodyLimit: maxCanvasBytes,
        onRequest: takesOnlyPatches(patchMediaTypes),
        validatorCompiler: allButBodyValidator,
        schema: editOperations.patchCanvas,
      },
      async (request, reply) => {
        const body = bytesSent(request.body, 'a patch');
        const apply = mediaTypeOf(request.headers) === 'application/json-patch+json' ? applyJsonPatch : applyMergePatch;
        const { path, etag, bytes } = await canvases.edit(
          request.params.path,
          preconditionsOf(request.headers),
          (current) => checkedBytes(apply(current, body)),
          body.length,
        );
        return reply.header('etag', etag).send({ path, etag, bytes });
      },
    );
  };
}
