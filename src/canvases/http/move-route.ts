import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem } from '../../errors.js';
import { problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { parseVaultPath } from '../vault/vault-path.js';
import { canvasLocation, preconditionsOf } from './canvas-headers.js';
import { canvasParams, noQuery, tags } from './route-schemas.js';

/** A path by the rules of paths, with the rule it breaks as the message. */
const target = z
  .string()
  .superRefine((text, context) => {
    try {
      parseVaultPath(text);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      context.addIssue({ code: 'custom', message: error.faults?.[0]?.message ?? error.message });
    }
  })
  .meta({ description: 'Path in the vault, not percent-encoded, where nothing is yet', example: 'done/plan.canvas' });

/** What the routes take and answer. @source product contract, Canvases (`POST /canvas/{path}/move`) */
export const moveOperations = {
  moveCanvas: {
    tags,
    operationId: 'moveCanvas',
    summary: 'Give a canvas another path',
    params: canvasParams,
    querystring: noQuery,
    body: z.strictObject({ to: target }),
    response: {
      201: z.object({ path: z.string(), etag: z.string() }),
      ...problemResponses(400, 404, 409, 412, 413, 415, 422, 503, 507),
    },
  },
};

/**
 * `POST /canvas/{path}/move`: gives a canvas another path; its history goes along.
 * @source product contract, Canvases (`POST /canvas/{path}/move` `{to}`)
 */
export function moveRoute(canvases: Pick<Canvases, 'move'>): FastifyPluginAsyncZod {
  return async (server) => {
    server.post(
      '/canvas/:path/move',
      {
        schema: moveOperations.moveCanvas,
      },
      async (request, reply) => {
        const conditions = preconditionsOf(request.headers);
        const { path, etag } = await canvases.move(request.params.path, request.body.to, conditions);
        return reply.code(201).header('etag', etag).header('location', canvasLocation(path)).send({ path, etag });
      },
    );
  };
}
