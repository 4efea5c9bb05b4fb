/**
 * The events of an answer, taken from the connection as they come and handed over as many as there are at a time: a
 * model sends hundreds of them, each in a packet of its own, and a chain of iterators costs more than reading them. When
 * its reader falls behind, the connection waits.
 */
import type { Answer } from './connection.js';
import { eventReader } from './event-data.js';
import { readAnswer } from './exchange.js';
import type { TimeLimit } from './time-limit.js';

/** @source HTML Standard section 9.2 */
export interface EventStream {
  /**
   * The data of the next events, at least one; undefined when the stream has ended. Not to be called again before it
   * has answered.
   * @throws UpstreamFailure when the stream broke, once all that came before was handed over; the reason of the limit's signal
   */
  next(): Promise<readonly string[] | undefined>;
  /** Takes nothing more; ends the connection, unless all has come. */
  stop(): void;
}

/** More waiting events than this, and the connection waits. */
const maxWaiting = 256;

/**
 * @param maxBytes of the whole stream
 * @throws UpstreamFailure when the answer announces more
 * @source HTML Standard section 9.2; product contract, Promises 6
 */
export function openEventStream(answer: Answer, maxBytes: number, limit: TimeLimit): EventStream {
  const eventsIn = eventReader();
  let waiting: string[] = [];
  let isPaused = false;
  let end: { error?: unknown } | undefined;
  let wake = () => {};
  const reading = readAnswer(answer, { maxBytes, limit }, (bytes) => {
    for (const event of eventsIn(bytes)) waiting.push(event);
    if (waiting.length > maxWaiting && !isPaused) {
      isPaused = true;
      reading.pause();
    }
    if (waiting.length > 0) wake();
  });
  const ended = (how: { error?: unknown }) => {
    end = how;
    wake();
  };
  reading.ended.then(
    () => ended({}),
    (error: unknown) => ended({ error }),
  );
  return {
    async next() {
      while (waiting.length === 0) {
        if (end !== undefined && 'error' in end) throw end.error;
        if (end !== undefined) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const events = waiting;
      waiting = [];
      if (isPaused) {
        isPaused = false;
        reading.resume();
      }
      return events;
    },
    stop: reading.stop,
  };
}
