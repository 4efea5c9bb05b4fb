import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { installJsonBody, problemResponses } from '../../http/index.js';
import type { TrajectoryRepository } from '../query/trajectory-repository.js';
import { listedTrajectorySchema } from '../trajectory-routes.js';
import { maxRecordDepth } from '../trajectory-values.js';
import type { MarkWriter } from './mark-writer.js';
import { bookmarkInputSchema, marksSchema, notesInputSchema, tagsInputSchema } from './marks.js';
import type { RecordWriter } from './record-writer.js';

/** What the routes need. @source product contract, Trajectories ("POST, PUT, DELETE") */
export interface RecordRoutesOptions extends Pick<TrajectoryRepository, 'get'> {
  records: RecordWriter & MarkWriter;
}

const maxBodyBytes = 16 * 1024 * 1024;
const noQuery = z.strictObject({});
const idParameters = z.strictObject({ trajectory_id: z.string().min(1) });
const tagParameters = idParameters.extend({ tag: z.string().min(1) });
const rawRecordSchema = z
  .looseObject({})
  .describe('a record as imports take it: flat, or nested as trainers dump it; numbers may be text');
const tags = ['trajectories'];
const json = 'application/json; charset=utf-8';
const addressOf = (trajectoryId: string) => `/api/trajectories/${encodeURIComponent(trajectoryId)}`;

/** What the routes take and answer. @source product contract, Trajectories */
export const recordOperations = {
  createTrajectory: {
    tags,
    operationId: 'createTrajectory',
    summary: 'Stores a new trajectory; 409 when its id is taken',
    querystring: noQuery,
    body: rawRecordSchema,
    response: { 201: listedTrajectorySchema, ...problemResponses(400, 409, 413, 415, 503) },
  },
  replaceTrajectory: {
    tags,
    operationId: 'replaceTrajectory',
    summary: 'Replaces a trajectory; tags, notes and bookmark stay where the new record does not name them',
    params: idParameters,
    querystring: noQuery,
    body: rawRecordSchema,
    response: { 200: listedTrajectorySchema, ...problemResponses(400, 404, 413, 415, 503) },
  },
  deleteTrajectory: {
    tags,
    operationId: 'deleteTrajectory',
    summary: 'Deletes a trajectory and its analysis',
    params: idParameters,
    querystring: noQuery,
    response: { 204: z.null(), ...problemResponses(400, 404, 503) },
  },
  setTrajectoryTags: {
    tags,
    operationId: 'setTrajectoryTags',
    summary: 'Sets all tags, in place of those before',
    params: idParameters,
    querystring: noQuery,
    body: tagsInputSchema,
    response: { 200: marksSchema, ...problemResponses(400, 404, 413, 415, 503) },
  },
  removeTrajectoryTag: {
    tags,
    operationId: 'removeTrajectoryTag',
    summary: 'Takes one tag away',
    params: tagParameters,
    querystring: noQuery,
    response: { 204: z.null(), ...problemResponses(400, 404, 503) },
  },
  setTrajectoryBookmark: {
    tags,
    operationId: 'setTrajectoryBookmark',
    summary: 'Sets or removes the bookmark; without a body turns it to the other',
    params: idParameters,
    querystring: noQuery,
    body: bookmarkInputSchema,
    response: { 200: marksSchema, ...problemResponses(400, 404, 413, 415, 503) },
  },
  setTrajectoryNotes: {
    tags,
    operationId: 'setTrajectoryNotes',
    summary: 'Sets the notes, in place of those before',
    params: idParameters,
    querystring: noQuery,
    body: notesInputSchema,
    response: { 200: marksSchema, ...problemResponses(400, 404, 413, 415, 503) },
  },
};

/**
 * Single records, and what people put on them: tags, bookmark, notes. Answers are durable.
 * @source product contract, Trajectories ("`GET /api/trajectories/{id}`, `POST`, `PUT`, `DELETE`")
 */
export function recordRoutes({ records, get }: RecordRoutesOptions): FastifyPluginAsyncZod {
  return async (server) => {
    // What an import takes, and what an export gave, is taken here too; a level more, to be refused by the record's rules.
    installJsonBody(server, { maxDepth: maxRecordDepth + 1 });
    server.post(
      '/api/trajectories',
      {
        bodyLimit: maxBodyBytes,
        schema: recordOperations.createTrajectory,
      },
      async (request, reply) => {
        const trajectoryId = await records.create(request.body);
        const text = await get(trajectoryId);
        reply.code(201).header('location', addressOf(trajectoryId)).type(json);
        return reply.send(text as never);
      },
    );

    server.put(
      '/api/trajectories/:trajectory_id',
      {
        bodyLimit: maxBodyBytes,
        schema: recordOperations.replaceTrajectory,
      },
      async (request, reply) => {
        await records.replace(request.params.trajectory_id, request.body);
        const text = await get(request.params.trajectory_id);
        reply.type(json);
        return reply.send(text as never);
      },
    );

    server.delete(
      '/api/trajectories/:trajectory_id',
      {
        schema: recordOperations.deleteTrajectory,
      },
      async (request, reply) => {
        await records.remove(request.params.trajectory_id);
        return reply.code(204).send(null);
      },
    );

    server.put(
      '/api/trajectories/:trajectory_id/tags',
      {
        schema: recordOperations.setTrajectoryTags,
      },
      async (request) => records.setTags(request.params.trajectory_id, request.body.tags),
    );

    server.delete(
      '/api/trajectories/:trajectory_id/tags/:tag',
      {
        schema: recordOperations.removeTrajectoryTag,
      },
      async (request, reply) => {
        await records.removeTag(request.params.trajectory_id, request.params.tag);
        return reply.code(204).send(null);
      },
    );

    server.put(
      '/api/trajectories/:trajectory_id/bookmark',
      {
        schema: recordOperations.setTrajectoryBookmark,
      },
      async (request) => records.setBookmark(request.params.trajectory_id, request.body?.is_bookmarked),
    );

    server.put(
      '/api/trajectories/:trajectory_id/notes',
      {
        schema: recordOperations.setTrajectoryNotes,
      },
      async (request) => records.setNotes(request.params.trajectory_id, request.body.notes),
    );
  };
}
