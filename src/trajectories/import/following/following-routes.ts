import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { closingSignal, lastEventIdOf, openEventStream, problemResponses } from '../../../http/index.js';
import type { Imports } from '../imports.js';
import { isFinal } from '../tasks/import-task.js';

const taskParams = z.strictObject({ task_id: z.string().max(100) });
const noQuery = z.strictObject({});
const headers = z.looseObject({
  'last-event-id': z.string().optional().meta({ description: 'The id of the last event that was received' }),
});
const eventStream = {
  description: 'The events, as they happen',
  content: { 'text/event-stream': { schema: z.string() } },
};
const errorLines = {
  description: 'One error a line; the last line is `{"cut": true, "not_listed": n}` when there are more than are kept',
  content: { 'application/x-ndjson': { schema: z.string() } },
};
const idOfEnd = 'end';

/** What the routes take and answer. @source product contract, Trajectories (import) */
export const followingOperations = {
  importEvents: {
    tags: ['trajectories'],
    operationId: 'importEvents',
    summary: 'The progress of an import as server-sent events',
    description:
      'Events `progress` with `{imported, failed, skipped, bytes_read, bytes_total, progress, rows_per_second, ' +
      'eta_seconds, ...}`, the first at once, then a few a second at most; then one event `end` with the ' +
      'ImportResult, and the stream closes. Each event is the whole state, so a client that comes back has missed ' +
      'nothing; one that has had the end (`Last-Event-ID: end`) is answered 204, which tells it not to come back.',
    params: taskParams,
    querystring: noQuery,
    headers,
    response: {
      200: eventStream,
      204: z.null().meta({ description: 'The end was received already' }),
      ...problemResponses(400, 404, 429),
    },
  },
  importErrors: {
    tags: ['trajectories'],
    operationId: 'importErrors',
    summary: 'Every error of an import as a file of JSON lines: line or record, index, message, excerpt',
    params: taskParams,
    querystring: noQuery,
    response: { 200: errorLines, ...problemResponses(400, 404) },
  },
};

/**
 * An import as it goes on, and all that was wrong with its records.
 * @source product contract, Trajectories ("GET /api/import/events/{task_id} (SSE progress)")
 */
export function followingRoutes(imports: Imports): FastifyPluginAsyncZod {
  return async (server) => {
    const closing = closingSignal(server);

    server.route({
      method: 'GET',
      url: '/api/import/events/:task_id',
      schema: followingOperations.importEvents,
      handler: async (request, reply) => {
        const { task_id: taskId } = request.params;
        const isOver = () => isFinal(imports.progress(taskId).status);
        if (isOver() && lastEventIdOf(request) === idOfEnd) return reply.code(204).send(null);
        let sent = 0;
        let tell = () => {};
        // Followed before the stream is open: a refusal is still a problem document.
        const stop = imports.follow(taskId, () => tell());
        const stream = openEventStream(request, reply, { closing });
        void stream.closed.then(stop);
        tell = () => {
          if (!isOver()) {
            // Who reads slowly gets the next state instead of each.
            if (stream.bufferedBytes === 0 || sent === 0) {
              sent += 1;
              stream.send({ id: String(sent), event: 'progress', data: imports.progress(taskId) });
            }
            return;
          }
          void imports.status(taskId).then(
            (result) => {
              stream.send({ id: idOfEnd, event: 'end', data: result });
              stream.close();
            },
            () => stream.close(),
          );
        };
        tell();
        return reply as never;
      },
    });

    server.route({
      method: 'GET',
      url: '/api/import/errors/:task_id',
      schema: followingOperations.importErrors,
      handler: async (request, reply) => {
        const { task_id: taskId } = request.params;
        const file = await imports.errorFile(taskId);
        reply.header('cache-control', 'no-store');
        reply.header('content-disposition', `attachment; filename="import-${taskId}-errors.jsonl"`);
        reply.type('application/x-ndjson');
        return reply.send((file ?? '') as never);
      },
    });
  };
}
