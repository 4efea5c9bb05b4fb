/**
 * Stores events, one group of requests at a time: what arrives while a group is made durable is the next group. It is
 * the only writer, so the question whether an id is known and the answer to it are never overtaken.
 */
import type { Logger } from '../../../logger.js';
import type { Clock } from '../clock.js';
import { appendFailure, eventIdsTaken, eventsBackedUp, eventsClosed, eventsFull } from '../errors.js';
import type { EventStoreEvent } from '../event-store-event.js';
import { dayOf } from '../event-time.js';
import type { PreparedEvent } from '../learning-event.js';
import type { DayFiles } from './day-files.js';
import { type DayPiece, type EventJournal, encodeGroup, readGroups } from './event-journal.js';
import { encodeLine } from './event-line.js';
import type { KnownIds } from './known-ids.js';

/**
 * What became of the events of a request.
 * @source product contract, Agents and memory (`POST /memory/events/batch`)
 */
export interface AppendResult {
  accepted: number;
  duplicates: number;
  /** Numbers, in the request, of events that were left out, since other events have their ids. */
  taken: number[];
}

/**
 * An event and where its line begins in the file of its day.
 * @source story-17.4 task 6 (partitions by date)
 */
export interface StoredEvent {
  event: PreparedEvent;
  day: number;
  offset: number;
  length: number;
}

/** @source product contract, Promises 1 and 6 */
export interface EventAppenderOptions {
  files: DayFiles;
  journal: EventJournal;
  /** Resolves when the ids of all stored events are in memory. */
  ids: Promise<KnownIds>;
  clock: Clock;
  logger: Logger;
  onEvent(event: EventStoreEvent): void;
  /** Told at once when events are durable, before anybody is answered. */
  onStored(events: StoredEvent[]): void;
  limits?: Partial<AppendLimits>;
}

/** @source product contract, Promises 6 */
export interface AppendLimits {
  maxEvents: number;
  maxWaitingEvents: number;
  maxWaitingBytes: number;
  maxGroupBytes: number;
  /** The journal is emptied when it is larger. */
  maxJournalBytes: number;
}

const MiB = 1024 * 1024;
const defaultLimits: AppendLimits = {
  maxEvents: 10_000_000,
  maxWaitingEvents: 50_000,
  maxWaitingBytes: 64 * MiB,
  maxGroupBytes: 16 * MiB,
  maxJournalBytes: 8 * MiB,
};

interface Waiting {
  events: readonly PreparedEvent[];
  bytes: number;
  leavesOutTaken: boolean;
  resolve(result: AppendResult): void;
  reject(error: unknown): void;
}

/** A request of a group that is to be stored: which of its events are new. */
interface Admitted {
  request: Waiting;
  fresh: PreparedEvent[];
  duplicates: number;
  taken: number[];
}

/** Times its size, when the files of the days cannot be made durable. */
const journalStops = 8;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** @source product contract, Promises 1 */
export class EventAppender {
  readonly #options: EventAppenderOptions;
  readonly #limits: AppendLimits;
  readonly #queue: Waiting[] = [];
  #waitingEvents = 0;
  #waitingBytes = 0;
  #work: Promise<unknown> = Promise.resolve();
  #isDraining = false;
  #isClosed = false;
  #mustRewrite = false;
  /** Set when a failed group could not be taken back: only a new start knows what is stored. */
  #broken: unknown;

  constructor(options: EventAppenderOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  /**
   * Stores the events that are new, all or none.
   * @param leavesOutTaken events whose id another one has are left out instead of refusing all of them
   * @throws Problem EVENT_ID_TAKEN, EVENTS_BACKED_UP, EVENTS_FULL, EVENTS_CLOSED, STORAGE_FULL, EVENTS_NOT_WRITABLE
   */
  append(events: readonly PreparedEvent[], leavesOutTaken = false): Promise<AppendResult> {
    if (this.#isClosed) return Promise.reject(eventsClosed());
    const bytes = events.reduce((sum, { text }) => sum + text.length, 0);
    const isFull =
      this.#waitingEvents + events.length > this.#limits.maxWaitingEvents ||
      this.#waitingBytes + bytes > this.#limits.maxWaitingBytes;
    if (isFull && this.#waitingEvents > 0) return Promise.reject(eventsBackedUp());
    this.#waitingEvents += events.length;
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ events, bytes, leavesOutTaken, resolve, reject });
      if (this.#isDraining) return;
      this.#isDraining = true;
      void this.alone(() => this.#drain());
    });
  }

  /** Runs work that must not meet an append. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  /** Makes the files of the days durable and empties the journal. Only to be called {@link alone}. */
  async settle(): Promise<void> {
    if (this.#broken !== undefined) return;
    const { files, journal } = this.#options;
    if (this.#mustRewrite) {
      const { groups } = readGroups(await journal.read());
      for (const { day, position, bytes } of groups.flat()) await files.write(day, position, bytes);
    }
    // A sync that failed once proves nothing when it is tried again: the system may have dropped the bytes.
    this.#mustRewrite = true;
    await files.sync();
    this.#mustRewrite = false;
    if (journal.length > 0) await journal.cut(0);
  }

  /** Stores what waits, and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.alone(async () => {
      while (this.#queue.length > 0) await this.#store(this.#takeGroup());
      await this.settle();
    });
  }

  async #drain(): Promise<void> {
    await nextTurn();
    if (this.#queue.length > 0) await this.#store(this.#takeGroup());
    // One group at a time, so that other work that has to be alone gets its turn.
    this.#isDraining = this.#queue.length > 0;
    if (this.#isDraining) void this.alone(() => this.#drain());
  }

  #takeGroup(): Waiting[] {
    let [count, bytes] = [0, 0];
    while (count < this.#queue.length && (count === 0 || bytes < this.#limits.maxGroupBytes)) {
      bytes += this.#queue[count++]?.bytes ?? 0;
    }
    const group = this.#queue.splice(0, count);
    for (const request of group) this.#waitingEvents -= request.events.length;
    this.#waitingBytes -= bytes;
    return group;
  }

  async #store(group: Waiting[]): Promise<void> {
    const startedAt = this.#options.clock.now();
    let admitted: Admitted[] = [];
    try {
      const ids = await this.#options.ids;
      admitted = this.#admit(group, ids);
      const fresh = admitted.flatMap((each) => each.fresh);
      const { stored, bytes } = await this.#write(fresh);
      for (const { event, day } of stored) ids.add(event.key, day);
      this.#options.onStored(stored);
      const duplicates = admitted.reduce((sum, each) => sum + each.duplicates, 0);
      for (const { request, fresh: own, ...rest } of admitted) request.resolve({ accepted: own.length, ...rest });
      const durationSeconds = (this.#options.clock.now() - startedAt) / 1000;
      this.#options.onEvent({ type: 'events_appended', events: fresh.length, duplicates, bytes, durationSeconds });
    } catch (error) {
      this.#refuse(group, error);
    }
    if (this.#options.journal.length > this.#limits.maxJournalBytes) {
      await this.settle().catch((error) => this.#options.logger.error({ err: error }, 'events wait in the journal'));
    }
  }

  #refuse(group: Waiting[], error: unknown): void {
    const failure = appendFailure(error);
    const events = group.reduce((sum, request) => sum + request.events.length, 0);
    this.#options.logger.error({ err: error, events }, 'events could not be stored');
    const reason = failure.kind === 'storage_full' ? 'full' : 'unwritable';
    this.#options.onEvent({ type: 'events_refused', events, reason });
    // Nothing happens to those that have been answered.
    for (const { reject } of group) reject(failure);
  }

  /** Sorts out what is known, and refuses the requests that contradict it. */
  #admit(group: Waiting[], ids: KnownIds): Admitted[] {
    const admitted: Admitted[] = [];
    const ahead = new Map<string, PreparedEvent>();
    for (const request of group) {
      const own = new Map<string, PreparedEvent>();
      const taken: number[] = [];
      let duplicates = 0;
      for (const [index, event] of request.events.entries()) {
        const before = own.get(event.id) ?? ahead.get(event.id);
        const found = before ? sameContent(before, event) : ids.find(event.key);
        if (found === 'other') taken.push(index);
        else if (found === 'same') duplicates += 1;
        else own.set(event.id, event);
      }
      if (taken.length > 0 && !request.leavesOutTaken) {
        const takenIds = new Set(taken.map((index) => request.events[index]?.id ?? ''));
        request.reject(eventIdsTaken([...takenIds]));
      } else if (ids.size + ahead.size + own.size > this.#limits.maxEvents) {
        request.reject(eventsFull(this.#limits.maxEvents));
      } else {
        for (const [id, event] of own) ahead.set(id, event);
        admitted.push({ request, fresh: [...own.values()], duplicates, taken });
      }
    }
    return admitted;
  }

  /** @throws the system's error; nothing is stored then */
  async #write(events: PreparedEvent[]): Promise<{ stored: StoredEvent[]; bytes: number }> {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#options.journal.length > journalStops * this.#limits.maxJournalBytes)
      throw new Error('the journal is full');
    if (events.length === 0) return { stored: [], bytes: 0 };
    const { files, journal } = this.#options;
    const { stored, pieces } = this.#place(events);
    const journalLength = journal.length;
    const group = encodeGroup(pieces);
    try {
      await journal.append(group);
      for (const { day, position, bytes } of pieces) await files.write(day, position, bytes);
    } catch (error) {
      await this.#takeBack(pieces, journalLength);
      throw error;
    }
    for (const { day, position, bytes } of pieces) files.acknowledge(day, position + bytes.length);
    return { stored, bytes: group.length };
  }

  #place(events: PreparedEvent[]): { stored: StoredEvent[]; pieces: DayPiece[] } {
    const stored: StoredEvent[] = [];
    const days = new Map<number, { position: number; lines: Buffer[]; end: number }>();
    for (const event of events) {
      const day = dayOf(event.timestampMs);
      const position = this.#options.files.length(day);
      const place = days.get(day) ?? { position, lines: [], end: position };
      const line = encodeLine(event);
      stored.push({ event, day, offset: place.end, length: line.length });
      place.lines.push(line);
      place.end += line.length;
      days.set(day, place);
    }
    const pieces = [...days].map(([day, { position, lines }]) => ({ day, position, bytes: Buffer.concat(lines) }));
    return { stored, pieces };
  }

  /** The journal last: until it is cut, a new start would complete the group rather than find half of it. */
  async #takeBack(pieces: readonly DayPiece[], journalLength: number): Promise<void> {
    try {
      for (const { day, position } of pieces) await this.#options.files.cut(day, position);
      await this.#options.journal.cut(journalLength);
    } catch (error) {
      this.#broken = error;
      this.#options.logger.error({ err: error }, 'a failed write of events could not be taken back: start anew');
    }
  }
}

function sameContent(a: PreparedEvent, b: PreparedEvent): 'same' | 'other' {
  return a.key.contentHigh === b.key.contentHigh && a.key.contentLow === b.key.contentLow ? 'same' : 'other';
}
