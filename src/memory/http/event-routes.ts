import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problemResponses } from '../../http/index.js';
import { eventEncodingUnsupported, eventsRefused } from '../events/errors.js';
import { type LearningEvent, learningEventSchema, type PreparedEvent } from '../events/learning-event.js';
import type { LearningEvents } from '../events/open-events.js';
import type { EventPage } from '../events/reading/event-query.js';
import { eventBatchSchema, eventBatchValidator, eventsPerTurn } from './event-batch.js';
import { storeLines } from './event-lines.js';
import { encodeCursor, eventQueryOf, eventQuerySchema } from './event-parameters.js';

const tags = ['memory'];
const noQuery = z.strictObject({});
const lineTypes = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/jsonlines'];
const maxBatchBytes = 16 * 1024 * 1024;

const count = z.int().min(0);
const storedSchema = z
  .object({ event_id: z.string(), duplicate: z.boolean().describe('the same event was stored before') })
  .meta({ id: 'StoredLearningEvent' });
const batchStoredSchema = z
  .object({
    accepted: count.describe('new events, durable'),
    duplicates: count.describe('events that were stored before'),
    event_ids: z.array(z.string()).optional().describe('of a JSON batch, in its order'),
    failed: count.optional().describe('lines that hold no event, or whose id another event has'),
    errors: z
      .array(z.string())
      .optional()
      .describe('the first 1000 of them, such as "Line 12: timestamp: expected ..."'),
  })
  .meta({ id: 'StoredLearningEvents' });
const pageSchema = z
  .object({
    data: z.array(learningEventSchema).describe('newest first'),
    next_cursor: z.string().nullable(),
    incomplete_partitions: z
      .array(z.string())
      .describe('days of the range of which a part cannot be read: events of theirs may be missing'),
    explain: z.object({ partitions: z.array(z.string()), scanned: count.describe('events looked at') }).optional(),
  })
  .meta({ id: 'LearningEventPage' });

const isStream = (body: unknown): body is AsyncIterable<Buffer> => body instanceof Readable;
const isOn = (text: string | undefined) => text === 'true' || text === '1';

function refuseEncoded(headers: IncomingHttpHeaders): void {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity') throw eventEncodingUnsupported();
}

/** The texts are JSON already, and are sent as they are stored. */
function pageText(page: EventPage, nextCursor: string | null, explains: boolean): string {
  const { partitions, scanned, incomplete } = page;
  const rest = {
    next_cursor: nextCursor,
    incomplete_partitions: incomplete,
    ...(explains ? { explain: { partitions, scanned } } : {}),
  };
  return `{"data":[${page.texts.join(',')}],${JSON.stringify(rest).slice(1)}`;
}

/** What the routes take and answer. @source product contract, Agents, memory (`/memory/events`) */
export const learningEventOperations = {
  addLearningEvent: {
    tags,
    operationId: 'addLearningEvent',
    summary: 'Stores a learning event; durable when answered',
    description: 'The same event sent again with its event_id is stored once and answered with 200.',
    querystring: noQuery,
    body: learningEventSchema,
    response: { 200: storedSchema, 201: storedSchema, ...problemResponses(400, 409, 413, 415, 503, 507) },
  },
  addLearningEvents: {
    tags,
    operationId: 'addLearningEvents',
    summary: 'Stores many learning events; durable when answered',
    description:
      'A JSON batch is stored as a whole or not at all. Of lines each counts by itself: a bad one is named, and ' +
      'never stops the rest.',
    consumes: ['application/json', ...lineTypes],
    querystring: noQuery,
    body: eventBatchSchema,
    response: {
      200: batchStoredSchema,
      201: batchStoredSchema,
      ...problemResponses(400, 409, 413, 415, 503, 507),
    },
  },
  listLearningEvents: {
    tags,
    operationId: 'listLearningEvents',
    summary: 'Learning events, newest first',
    querystring: eventQuerySchema,
    response: { 200: pageSchema, ...problemResponses(400) },
  },
};

/**
 * `/memory/events`: learning events, stored one by one or many at once, and read by range and values.
 * @source product contract, Agents and memory (`/memory/events`); story-17.4 task 6
 */
export function eventRoutes(store: LearningEvents): FastifyPluginAsyncZod {
  /** All faults of a request at once; other work runs in between. */
  async function prepare(events: readonly LearningEvent[], pointerAt: (index: number) => string) {
    const prepared: PreparedEvent[] = [];
    const faults: { pointer: string; message: string }[] = [];
    for (const [index, given] of events.entries()) {
      if (index % eventsPerTurn === eventsPerTurn - 1) await nextTurn();
      const event = store.prepare(given);
      const fault = store.fault(event);
      if (fault) faults.push({ pointer: `${pointerAt(index)}${fault.member}`, message: fault.message });
      prepared.push(event);
    }
    if (faults.length > 0) throw eventsRefused(faults);
    return prepared;
  }

  const answer = (reply: FastifyReply, isNew: boolean) =>
    reply.code(isNew ? 201 : 200).header('cache-control', 'no-store');

  return async (server) => {
    server.post(
      '/memory/events',
      {
        schema: learningEventOperations.addLearningEvent,
      },
      async (request, reply) => {
        const [event] = (await prepare([request.body], () => '')) as [PreparedEvent];
        const { accepted } = await store.append([event]);
        return answer(reply, accepted > 0).send({ event_id: event.id, duplicate: accepted === 0 });
      },
    );

    await server.register(async (lines: Parameters<FastifyPluginAsyncZod>[0]) => {
      // In a scope of its own, since here lines are a stream.
      lines.addContentTypeParser(lineTypes, (_request, body: IncomingMessage, done) => done(null, body));
      lines.post(
        '/memory/events/batch',
        {
          bodyLimit: maxBatchBytes,
          // Lines are read as they arrive.
          validatorCompiler: eventBatchValidator(isStream),
          schema: learningEventOperations.addLearningEvents,
        },
        async (request, reply) => {
          const body: unknown = request.body;
          if (isStream(body)) {
            refuseEncoded(request.headers);
            const result = await storeLines(body, store);
            return answer(reply, result.accepted > 0).send(result);
          }
          const events = await prepare(request.body.events, (index) => `/events/${index}`);
          const { accepted, duplicates } = await store.append(events);
          return answer(reply, accepted > 0).send({ accepted, duplicates, event_ids: events.map(({ id }) => id) });
        },
      );
    });

    server.get(
      '/memory/events',
      {
        schema: learningEventOperations.listLearningEvents,
      },
      async (request, reply) => {
        const query = eventQueryOf(request.query, store.now());
        const page = await store.read(query);
        const cursor = page.next ? encodeCursor(query, page.next) : null;
        const text = pageText(page, cursor, isOn(request.query.explain));
        // A text is sent as it is; the schema's serializer is for objects.
        return reply
          .header('cache-control', 'no-store')
          .type('application/json; charset=utf-8')
          .send(text as never);
      },
    );
  };
}
