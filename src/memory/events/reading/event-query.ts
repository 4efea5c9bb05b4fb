import { type FilterValues, filterFields } from '../learning-event.js';

/**
 * Where an event stands in the order of answers, newest first: by its time, and among equal times by its place in the
 * file of its day, which never changes.
 * @source product contract, Settled details ("`limit` up to 1000 with `cursor`")
 */
export interface EventPosition {
  timestampMs: number;
  offset: number;
}

/**
 * Which events are asked for: from `fromMs`, before `toMs`, with the given values, after a position in the order.
 * @source product contract, Agents and memory (`GET /memory/events`)
 */
export interface EventQuery {
  fromMs: number;
  toMs: number;
  /** In the order of the fields that events are looked up by; undefined asks for nothing. */
  values: FilterValues;
  after: EventPosition | undefined;
  limit: number;
}

/**
 * A page: the events as JSON texts, newest first. `incomplete` names the partitions that were looked at and of which a
 * part cannot be read: events of theirs may be missing.
 * @source product contract, Settled details ("`explain=true` adds `{partitions: [...], scanned}`")
 */
export interface EventPage {
  texts: string[];
  /** Where the next page goes on; undefined at the end. */
  next: EventPosition | undefined;
  partitions: string[];
  scanned: number;
  incomplete: string[];
}

/**
 * Reads pages of events. Both ways give the same events.
 * @source story-17.4 task 6; product contract, Optimisations (`temporal_partitions`)
 */
export interface EventReader {
  /** @throws the system's error */
  read(query: EventQuery): Promise<EventPage>;
}

/**
 * What is not the same in two pages, without quoting them; undefined when their events are, whichever way they were found.
 * @source product contract, Optimisations (`temporal_partitions`)
 */
export function differenceOfPages(one: EventPage, other: EventPage): string | undefined {
  if (one.texts.length !== other.texts.length) return `${one.texts.length} events against ${other.texts.length}`;
  const place = one.texts.findIndex((text, index) => text !== other.texts[index]);
  if (place >= 0) return `event ${place + 1} of ${one.texts.length}`;
  return JSON.stringify(one.next) === JSON.stringify(other.next) ? undefined : 'another place for the next page';
}

/**
 * Compares positions: negative when `a` comes first in the order of answers.
 * @source product contract, Settled details ("`cursor`")
 */
export const comparePositions = (a: EventPosition, b: EventPosition): number =>
  b.timestampMs - a.timestampMs || b.offset - a.offset;

/**
 * Whether an event with this time, place and values is asked for.
 * @source product contract, Agents and memory (`GET /memory/events`)
 */
export function isAskedFor(query: EventQuery, position: EventPosition, values: FilterValues): boolean {
  const { fromMs, toMs, after } = query;
  if (position.timestampMs < fromMs || position.timestampMs >= toMs) return false;
  if (after && comparePositions(position, after) <= 0) return false;
  return query.values.every((value, field) => value === undefined || value === values[field]);
}

/**
 * The query without what was looked for, for those who write down slow ones.
 * @source issue "never values that may be secret"
 */
export function queryShape({ fromMs, toMs, values, after, limit }: EventQuery): Record<string, unknown> {
  return {
    filters: filterFields.filter((_field, index) => values[index] !== undefined).map((field) => `${field} is`),
    from: fromMs > 0,
    to: toMs < 8_640_000_000_000_000,
    walk: after ? 'on' : 'start',
    limit,
  };
}
