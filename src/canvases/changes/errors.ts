import { Problem } from '../../errors.js';

/**
 * A Last-Event-ID that this service never gave out, in any run.
 * @source HTML Standard section 9.2.4 (the Last-Event-ID header)
 */
export const lastEventIdInvalid = (): Problem =>
  new Problem({
    code: 'LAST_EVENT_ID_INVALID',
    kind: 'invalid',
    message: 'Expected Last-Event-ID to be the id of an event that this service sent',
    faults: [{ parameter: 'last-event-id', message: 'expected the id of an event that this service sent' }],
  });

/** As many streams of changes are open as there may be. @source product contract, Promises 6 */
export const followersFull = (maxFollowers: number): Problem =>
  new Problem({
    code: 'CANVAS_FOLLOWERS_FULL',
    kind: 'too_many',
    message: `Expected at most ${maxFollowers} streams of changes at a time; close one, or try again later`,
    headers: { 'retry-after': '10' },
  });
