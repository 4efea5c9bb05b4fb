import { Problem } from '../../errors.js';

const shownIds = 100;

/**
 * Events have ids under which other events are stored.
 * @source issue "repeated event ids with other content (409)"
 */
export function eventIdsTaken(ids: readonly string[]): Problem {
  return new Problem({
    code: 'EVENT_ID_TAKEN',
    kind: 'conflict',
    message:
      `Expected new ids, or the same events again; got ${ids.length === 1 ? 'an id' : `${ids.length} ids`} of events ` +
      'with other content. Nothing was stored',
    extra: { event_ids: ids.slice(0, shownIds), event_id_count: ids.length },
  });
}

/**
 * Events are of the documented form and cannot be stored all the same: they lie in the future, so far back that they
 * would be removed at once, or are too large.
 * @param faults where each of them is in the body
 * @source issue "events of a future year"; product contract, Promises 6
 */
export function eventsRefused(faults: { pointer: string; message: string }[]): Problem {
  const [first] = faults;
  return new Problem({
    code: 'EVENT_REFUSED',
    kind: 'invalid',
    message: first ? `${first.pointer || 'the event'}: ${first.message}` : 'Expected other events',
    faults: faults.slice(0, shownIds),
  });
}

/**
 * The end of the range is not after its beginning, or two ways to give a range are mixed.
 * @source issue "ranges the wrong way round"
 */
export function eventRangeInvalid(parameter: string, message: string): Problem {
  return new Problem({
    code: 'EVENT_RANGE_INVALID',
    kind: 'invalid',
    message: `${parameter}: ${message}`,
    faults: [{ parameter, message }],
  });
}

/**
 * The cursor is none that this service gave for this query.
 * @source product contract, Settled details ("`limit` up to 1000 with `cursor`")
 */
export function cursorInvalid(): Problem {
  const message = 'expected the next_cursor of the page before, with the same range';
  const faults = [{ parameter: 'cursor', message }];
  return new Problem({ code: 'CURSOR_INVALID', kind: 'invalid', message: `cursor: ${message}`, faults });
}

/**
 * Events are sent with a Content-Encoding.
 * @source RFC 9110 section 15.5.16
 */
export const eventEncodingUnsupported = (): Problem =>
  new Problem({
    code: 'EVENT_ENCODING_UNSUPPORTED',
    kind: 'unsupported_type',
    message: 'Expected lines of events without Content-Encoding',
  });

/**
 * The stream of events broke off; what came before is stored.
 * @source RFC 9112 section 8
 */
export const eventUploadBroken = (stored: { accepted: number; duplicates: number; failed: number }): Problem =>
  new Problem({
    code: 'EVENT_UPLOAD_BROKEN',
    kind: 'invalid',
    message: `The upload broke off; ${stored.accepted + stored.duplicates} events before that are stored`,
    extra: { accepted: stored.accepted, duplicates: stored.duplicates, failed: stored.failed },
  });

/**
 * More events wait to be stored than are kept in memory.
 * @source product contract, Promises 6
 */
export const eventsBackedUp = (): Problem =>
  new Problem({
    code: 'EVENTS_BACKED_UP',
    kind: 'unavailable',
    message: 'More events wait to be stored than are kept in memory; send them again later',
    headers: { 'retry-after': '1' },
  });

/**
 * The store holds as many events as it may.
 * @source product contract, Promises 6
 */
export const eventsFull = (most: number): Problem =>
  new Problem({
    code: 'EVENTS_FULL',
    kind: 'storage_full',
    message: `The store holds ${most} events, which is all it takes; nothing was stored. A shorter retention makes room`,
  });

/**
 * The service is stopping.
 * @source product contract, Promises 1
 */
export const eventsClosed = (): Problem =>
  new Problem({
    code: 'EVENTS_CLOSED',
    kind: 'unavailable',
    message: 'The service is stopping and stores no more events',
    headers: { 'retry-after': '5' },
  });

/**
 * The answer for events that could not be made durable.
 * @source write(2), fsync(2), ERRORS; product contract, Promises 1
 */
export function appendFailure(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) {
    return new Problem({
      code: 'STORAGE_FULL',
      kind: 'storage_full',
      message: 'There is no room left to store the events; none of them was stored',
      cause: error,
    });
  }
  return new Problem({
    code: 'EVENTS_NOT_WRITABLE',
    kind: 'unavailable',
    message: 'The events could not be made durable; the same events may be sent again',
    headers: { 'retry-after': '1' },
    cause: error,
  });
}
