import { hash } from 'node:crypto';
import { z } from 'zod';
import { instantForm, readInstant } from './event-time.js';
import type { EventKey } from './storage/known-ids.js';

const text = (longest: number) => {
  const expected = `expected a text of 1 to ${longest} characters`;
  return z.string(expected).min(1, expected).max(longest, expected);
};
const notNegative = 'expected a number, 0 or more';
const wholeCount = 'expected a whole number, 0 or more';

const metadataSchema = z
  .looseObject({
    concept: text(1000).nullish(),
    score: z.number('expected a number').nullish(),
    duration_ms: z.number(notNegative).min(0, notNegative).nullish(),
    result_count: z.int(wholeCount).min(0, wholeCount).nullish(),
  })
  .describe('anything else in it is kept');

/**
 * A learning event as clients send it. What is null counts as left out.
 * @source product contract, Settled details (events); story-17.4 task 6 (schema of the temporal memory)
 */
export const learningEventSchema = z
  .strictObject({
    event_id: text(200).nullish().describe('made when left out; the same event sent again is stored once'),
    session_id: text(200).nullish(),
    event_type: text(200).describe('an open word, such as node_reviewed'),
    timestamp: z
      .string(`expected ${instantForm}`)
      .max(64, `expected ${instantForm}`)
      .refine((value) => readInstant(value) !== undefined, `expected ${instantForm}`)
      .meta({ format: 'date-time', description: `${instantForm}; kept as it is written` }),
    canvas_path: text(4096).nullish(),
    node_id: text(200).nullish(),
    agent_type: text(200).nullish(),
    metadata: metadataSchema.nullish(),
    user_id: text(200).nullish(),
  })
  .meta({ id: 'LearningEvent' });

/** @source product contract, Settled details (events) */
export type LearningEvent = z.infer<typeof learningEventSchema>;

/**
 * The fields that events are looked up by, in the order in which their values are kept.
 * @source product contract, Agents and memory (`GET /memory/events`)
 */
export const filterFields = ['canvas_path', 'event_type', 'session_id', 'node_id', 'agent_type', 'user_id'] as const;

/**
 * The values of {@link filterFields} of an event; undefined for what it does not have.
 * @source product contract, Agents and memory (`GET /memory/events`)
 */
export type FilterValues = readonly (string | undefined)[];

/**
 * An event in the form in which it is stored: its text is JSON without line breaks, with the id first.
 * @source product contract, Settled details (events)
 */
export interface PreparedEvent {
  id: string;
  key: EventKey;
  timestampMs: number;
  values: FilterValues;
  text: string;
}

type Plain = Record<string, unknown>;

/** The same text for the same content, whatever the order of the keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}

const word = (digest: string, index: number) => Number.parseInt(digest.slice(8 * index, 8 * index + 8), 16);

/**
 * The values that an event is looked up by.
 * @source product contract, Agents and memory (`GET /memory/events`)
 */
export const valuesOf = (event: Plain): FilterValues =>
  filterFields.map((field) => (typeof event[field] === 'string' ? event[field] : undefined));

/**
 * Brings a valid event to the form in which it is stored.
 * @param id for events that come without one
 * @source product contract, Settled details (events); issue "repeated event ids with other content (409)"
 */
export function prepareEvent(event: LearningEvent, id: string): PreparedEvent {
  const present = Object.entries({ ...event, event_id: event.event_id ?? id }).filter(([, value]) => value != null);
  const { event_id: eventId, ...content } = Object.fromEntries(present) as Plain & { event_id: string };
  const instant = readInstant(event.timestamp);
  if (!instant) throw new RangeError('an event without a time');
  const idDigest = hash('sha256', JSON.stringify(eventId));
  const contentDigest = hash('sha256', canonical({ ...content, timestamp: [instant.ms, instant.finer] }));
  return {
    id: eventId,
    key: {
      idHigh: word(idDigest, 0),
      idLow: word(idDigest, 1),
      contentHigh: word(contentDigest, 0),
      contentLow: word(contentDigest, 1),
    },
    timestampMs: instant.ms,
    values: valuesOf(content),
    text: JSON.stringify({ event_id: eventId, ...content }),
  };
}
