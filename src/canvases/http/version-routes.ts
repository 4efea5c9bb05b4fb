import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import type { Canvases } from '../canvases.js';
import { canvasSchema } from '../document/canvas-schema.js';
import { etagOf } from '../document/etag.js';
import { canvasVersionListSchema, describeVersions } from '../history/canvas-version.js';
import { versionsBackedUp } from '../history/errors.js';
import { matchesWeakly } from '../writing/preconditions.js';
import { ExchangedBytes } from './canvas-body.js';
import { canvasLocation, knownVersionOf, preconditionsOf } from './canvas-headers.js';
import { canvasParams, noQuery, storedCanvas, tags } from './route-schemas.js';

const versionParams = canvasParams.extend({ id: z.string().meta({ description: 'As the list of versions shows it' }) });

/** A program that wrote into it late may change what an id stands for; who has it asks whether it is still that. */
const askedAgain = 'private, no-cache';

/** Each client gets bytes of its own, which nothing else keeps. */
const defaultMaxAnswerBytes = 128 * 1024 * 1024;

/** What the routes take and answer. @source product contract, Canvases (`GET /canvas/{path}/versions`) */
export const versionOperations = {
  listVersions: {
    tags,
    operationId: 'listVersions',
    summary: 'What earlier writes replaced, newest first',
    description: 'A canvas that was deleted still has its versions; restoring one brings it back.',
    params: canvasParams,
    querystring: noQuery,
    response: { 200: canvasVersionListSchema, ...problemResponses(400, 404, 503) },
  },
  getVersion: {
    tags,
    operationId: 'getVersion',
    summary: 'One earlier version, byte for byte',
    params: versionParams,
    querystring: noQuery,
    response: { 200: canvasSchema, 304: z.void(), ...problemResponses(400, 404, 503) },
  },
  restoreVersion: {
    tags,
    operationId: 'restoreVersion',
    summary: 'Make an earlier version the canvas again',
    description: 'What it replaces becomes a version in its turn.',
    params: versionParams,
    querystring: noQuery,
    response: { 200: storedCanvas, 201: storedCanvas, ...problemResponses(400, 404, 409, 412, 422, 503, 507) },
  },
};

/**
 * What earlier writes replaced: listed, read, restored.
 * @param maxAnswerBytes of versions that are on their way to clients at a time, one however large; more are refused
 * @source product contract, Canvases (`GET /canvas/{path}/versions`, `GET .../{id}`, `POST .../{id}/restore`)
 */
export function versionRoutes(
  canvases: Pick<Canvases, 'versions' | 'readVersion' | 'restore'>,
  maxAnswerBytes = defaultMaxAnswerBytes,
): FastifyPluginAsyncZod {
  const answering = new ExchangedBytes(maxAnswerBytes, versionsBackedUp);
  return async (server) => {
    server.get(
      '/canvas/:path/versions',
      {
        schema: versionOperations.listVersions,
      },
      async (request, reply) => {
        const versions = await canvases.versions(request.params.path);
        reply.header('cache-control', 'no-cache');
        return describeVersions(versions);
      },
    );

    server.get(
      '/canvas/:path/versions/:id',
      {
        schema: versionOperations.getVersion,
      },
      async (request, reply): Promise<never> => {
        const answer = reply as FastifyReply;
        const { path, id } = request.params;
        const bytes = await canvases.readVersion(path, id, answering.bookingFor(answer.raw));
        const etag = etagOf(bytes);
        answer.header('etag', etag).header('cache-control', askedAgain);
        const { ifNoneMatch } = knownVersionOf(request.headers);
        if (ifNoneMatch && matchesWeakly(ifNoneMatch, etag)) answer.code(304).send();
        else answer.header('content-type', 'application/json; charset=utf-8').send(bytes);
        return answer as never;
      },
    );

    server.post(
      '/canvas/:path/versions/:id/restore',
      {
        schema: versionOperations.restoreVersion,
      },
      async (request, reply) => {
        const { outcome, path, etag, bytes } = await canvases.restore(
          request.params.path,
          request.params.id,
          preconditionsOf(request.headers),
        );
        reply.header('etag', etag);
        if (outcome !== 'created') return reply.code(200).send({ path, etag, bytes });
        return reply.code(201).header('location', canvasLocation(path)).send({ path, etag, bytes });
      },
    );
  };
}
