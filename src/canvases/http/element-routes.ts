import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { canvasEdgeSchema, canvasNodeSchema } from '../document/canvas-schema.js';
import type { ElementEdit } from '../edits/canvas-editor.js';
import { RecentEditors } from '../edits/recent-editors.js';
import { maxCanvasBytes } from '../errors.js';
import {
  allButBodyValidator,
  bytesSent,
  elementMediaTypes,
  elementPatchMediaTypes,
  readBodiesAsBytes,
  takesOnly,
  takesOnlyPatches,
} from './canvas-body.js';
import { elementLocation, preconditionsOf } from './canvas-headers.js';
import { canvasParams, noQuery, storedCanvas, tags } from './route-schemas.js';

const elementParams = canvasParams.extend({ id: z.string().meta({ description: 'Id of the node or edge' }) });
const addedElement = storedCanvas.extend({ id: z.string() }).meta({ id: 'AddedElement' });
const refusals = problemResponses(400, 404, 409, 412, 413, 415, 422, 503, 507);

const addition = <S extends z.ZodType>(name: string, a: string, schema: S) => ({
  tags,
  operationId: `add${name}`,
  summary: `Add ${a}`,
  params: canvasParams,
  querystring: noQuery,
  body: schema,
  response: { 201: addedElement, ...refusals },
});
const change = (name: string, a: string) => ({
  tags,
  operationId: `patch${name}`,
  summary: `Change ${a} by a merge patch`,
  consumes: elementPatchMediaTypes,
  params: elementParams,
  querystring: noQuery,
  body: z.looseObject({}).meta({ description: 'RFC 7396: null removes a member' }),
  response: { 200: storedCanvas, ...refusals },
});
const removal = (name: string, summary: string) => ({
  tags,
  operationId: `delete${name}`,
  summary,
  description: 'The ETag of the answer is that of the canvas.',
  params: elementParams,
  querystring: noQuery,
  response: { 204: z.void(), ...problemResponses(400, 404, 409, 412, 422, 503, 507) },
});

/** What the routes take and answer. @source product contract, Canvases (`POST /canvas/{path}/nodes`, the same for edges) */
export const elementOperations = {
  addNode: addition('Node', 'a node', canvasNodeSchema),
  patchNode: change('Node', 'a node'),
  deleteNode: removal('Node', 'Delete a node and the edges at it'),
  addEdge: addition('Edge', 'an edge', canvasEdgeSchema),
  patchEdge: change('Edge', 'an edge'),
  deleteEdge: removal('Edge', 'Delete an edge'),
};

const kinds = [
  {
    list: 'nodes',
    name: 'Node',
    article: 'a',
    add: (node: Buffer): ElementEdit => ({ op: 'addNode', node }),
    patch: (id: string, patch: Buffer): ElementEdit => ({ op: 'patchNode', id, patch }),
    remove: (id: string): ElementEdit => ({ op: 'deleteNode', id }),
  },
  {
    list: 'edges',
    name: 'Edge',
    article: 'an',
    add: (edge: Buffer): ElementEdit => ({ op: 'addEdge', edge }),
    patch: (id: string, patch: Buffer): ElementEdit => ({ op: 'patchEdge', id, patch }),
    remove: (id: string): ElementEdit => ({ op: 'deleteEdge', id }),
  },
] as const;

/** The id of an element that has been found valid. */
const idIn = (element: Buffer): string => JSON.parse(element.toString('utf8')).id;

/**
 * Nodes and edges, one a request: added at the end, patched, deleted. The ETags are those of the canvas.
 * @source product contract, Canvases (`POST /canvas/{path}/nodes`, `PATCH|DELETE .../nodes/{id}`, the same for edges)
 */
export function elementRoutes(canvases: Pick<Canvases, 'edit'>): FastifyPluginAsyncZod {
  const editors = new RecentEditors();
  return async (server) => {
    readBodiesAsBytes(server, elementPatchMediaTypes);

    for (const { list, name, article, add, patch, remove } of kinds) {
      const lower = name.toLowerCase();

      server.post(
        `/canvas/:path/${list}`,
        {
          bodyLimit: maxCanvasBytes,
          onRequest: takesOnly(elementMediaTypes),
          validatorCompiler: allButBodyValidator,
          schema: elementOperations[`add${name}`],
        },
        async (request, reply) => {
          const body = bytesSent(request.body, `${article} ${lower}`);
          const { path, etag, bytes } = await canvases.edit(
            request.params.path,
            preconditionsOf(request.headers),
            (current) => editors.apply(current, add(body), ''),
            body.length,
          );
          const id = idIn(body);
          reply
            .code(201)
            .header('etag', etag)
            .header('location', elementLocation(path, list, id));
          return reply.send({ path, etag, bytes, id });
        },
      );

      server.patch(
        `/canvas/:path/${list}/:id`,
        {
          bodyLimit: maxCanvasBytes,
          onRequest: takesOnlyPatches(elementPatchMediaTypes),
          validatorCompiler: allButBodyValidator,
          schema: elementOperations[`patch${name}`],
        },
        async (request, reply) => {
          const body = bytesSent(request.body, 'a merge patch');
          const edit = patch(request.params.id, body);
          const { path, etag, bytes } = await canvases.edit(
            request.params.path,
            preconditionsOf(request.headers),
            (current) => editors.apply(current, edit, ''),
            body.length,
          );
          return reply.header('etag', etag).send({ path, etag, bytes });
        },
      );

      server.delete(
        `/canvas/:path/${list}/:id`,
        {
          schema: elementOperations[`delete${name}`],
        },
        async (request, reply) => {
          const edit = remove(request.params.id);
          const { etag } = await canvases.edit(request.params.path, preconditionsOf(request.headers), (current) =>
            editors.apply(current, edit),
          );
          return reply.code(204).header('etag', etag).send();
        },
      );
    }
  };
}
