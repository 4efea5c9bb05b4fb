import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../../durable-file.js';
import type { Logger } from '../../logger.js';
import { type AnswerCheck, type Optimization, withFallback } from '../../optimization.js';
import { type Clock, systemClock } from './clock.js';
import type { EventStoreEvent } from './event-store-event.js';
import { dayMs, dayName } from './event-time.js';
import { type LearningEvent, type PreparedEvent, prepareEvent } from './learning-event.js';
import { DayViews, type PartitionSettings } from './reading/day-views.js';
import {
  differenceOfPages,
  type EventPage,
  type EventQuery,
  type EventReader,
  queryShape,
} from './reading/event-query.js';
import { ScanningEventReader } from './reading/event-reader.baseline.js';
import { PartitionedEventReader } from './reading/event-reader.js';
import { startRetention } from './retention.js';
import { DayFiles } from './storage/day-files.js';
import { type AppendLimits, type AppendResult, EventAppender } from './storage/event-appender.js';
import { EventJournal } from './storage/event-journal.js';
import { loadIds } from './storage/load-ids.js';
import { recover } from './storage/recovery.js';

/** @source product contract, Agents and memory (`/memory/events`); issue "retention" */
export interface LearningEventsOptions {
  dataDir: string;
  temporalPartitions: Optimization<PartitionSettings>;
  /** Whole days that events are kept. */
  retentionDays: number;
  logger: Logger;
  onEvent(event: EventStoreEvent): void;
  clock?: Clock;
  limits?: Partial<AppendLimits>;
}

/**
 * The events' store.
 * @source product contract, Agents and memory (`/memory/events`)
 */
export interface LearningEvents {
  /** The machine's date, in ms. */
  now(): number;
  /** Brings an event to its stored form; makes its id when it has none. */
  prepare(event: LearningEvent): PreparedEvent;
  /** Why an event cannot be stored, and the member that is wrong; undefined when it can. */
  fault(event: PreparedEvent): { member: '' | '/timestamp'; message: string } | undefined;
  /**
   * Stores those that are new, all or none; durable when it resolves.
   * @param leavesOutTaken events whose id another one has are left out instead of refusing all of them
   * @throws Problem EVENT_ID_TAKEN, EVENTS_BACKED_UP, EVENTS_FULL, EVENTS_CLOSED, STORAGE_FULL, EVENTS_NOT_WRITABLE
   */
  append(events: readonly PreparedEvent[], leavesOutTaken?: boolean): Promise<AppendResult>;
  /** @throws the system's error */
  read(query: EventQuery): Promise<EventPage>;
  /** Bytes of all events on disk, and of what is in memory to find them. */
  storage(): { diskBytes: number; viewBytes: number; partitions: number };
  close(): Promise<void>;
}

/** Clocks of clients differ, some by a wrong zone; no further than this. */
const aheadMs = dayMs;
const maxEventBytes = 64 * 1024;
const pastExpected = 'the time of something that has happened (a clock may be up to a day ahead)';

/**
 * Opens the store: completes what a crash interrupted, then reads the ids of all events in the background; what is
 * appended meanwhile waits for that.
 * @throws the system's error when the folder cannot be used
 * @source product contract, Agents and memory (`/memory/events`), Promises 1
 */
export async function openLearningEvents(options: LearningEventsOptions): Promise<LearningEvents> {
  const { temporalPartitions, logger, onEvent, retentionDays, clock = systemClock } = options;
  const folder = path.join(options.dataDir, 'events');
  await mkdir(folder, { recursive: true });
  await syncFolder(options.dataDir);
  const journalFile = path.join(folder, 'journal');
  const files = await DayFiles.open(folder);
  const journal = await EventJournal.open(journalFile);
  const recovery = await recover(files, journal, journalFile);
  if (recovery.groups > 0) logger.info({ groups: recovery.groups }, 'events of the last run are in their files');
  if (recovery.damaged > 0) {
    logger.error({ damaged: recovery.damaged }, 'parts of the journal of events are lost; it was copied aside');
  }

  const told = new Set<number>();
  const onDamaged = (day: number, error?: unknown) => {
    if (told.has(day)) return;
    told.add(day);
    logger.error({ partition: dayName(day), err: error }, 'a part of the events of a day cannot be read');
    onEvent({ type: 'partition_damaged', partition: dayName(day) });
  };
  let isClosed = false;
  let changes = 0;
  const isStopped = () => isClosed;
  const views = new DayViews(files, clock, () => temporalPartitions.settings);
  const idsLoaded = loadIds(files, onDamaged, isStopped);
  const warmed = idsLoaded
    .then(() => (temporalPartitions.enabled ? views.warm(isStopped) : undefined))
    .catch((error: unknown) => {
      if (!isClosed) temporalPartitions.failed(error);
    });
  const appender = new EventAppender({
    files,
    journal,
    ids: idsLoaded,
    clock,
    logger,
    onEvent,
    onStored(events) {
      views.stored(events);
      changes += 1;
    },
    ...(options.limits ? { limits: options.limits } : {}),
  });
  const retention = startRetention({
    retentionDays,
    days: () => files.days,
    remove: (day) =>
      appender.alone(async () => {
        // The journal could bring it back.
        await appender.settle();
        await files.remove(day);
        views.drop(day);
        await (await idsLoaded).forget(day);
        onEvent({ type: 'partition_expired', partition: dayName(day) });
      }),
    clock,
    logger,
  });

  const partitioned = new PartitionedEventReader(files, views, onDamaged);
  const scanning = new ScanningEventReader(files, onDamaged);
  const timed = async (variant: 'optimized' | 'baseline', reader: EventReader, query: EventQuery) => {
    const startedAt = clock.now();
    const page = await reader.read(query);
    const durationSeconds = (clock.now() - startedAt) / 1000;
    const { partitions, scanned } = page;
    onEvent({
      type: 'events_queried',
      variant,
      partitions: partitions.length,
      scanned,
      durationSeconds,
      rows: page.texts.length,
      asked: () => ({
        shape: queryShape(query),
        explain: async () => ({ plan: [`${partitions.length} partitions read, ${scanned} events looked at`] }),
      }),
    });
    return page;
  };

  const pageCheck: AnswerCheck<EventPage> = {
    version: () => `${files.bytes} ${files.days.length} ${changes}`,
    difference: differenceOfPages,
    bytesOf: ({ texts }) => texts.reduce((bytes, text) => bytes + text.length, 0),
  };

  const earliest = () => Math.max(0, clock.wall() - retentionDays * dayMs);
  return {
    now: () => clock.wall(),
    prepare: (event) => prepareEvent(event, randomUUID()),
    fault({ timestampMs, text }) {
      const isAhead = timestampMs > clock.wall() + aheadMs;
      if (isAhead || timestampMs < earliest()) {
        const expected = isAhead ? pastExpected : `a time within the ${retentionDays} days that events are kept`;
        const got = new Date(timestampMs).toISOString();
        return { member: '/timestamp', message: `expected ${expected}, got ${got}` };
      }
      if (Buffer.byteLength(text) <= maxEventBytes) return undefined;
      return { member: '', message: `expected an event of at most ${maxEventBytes} bytes` };
    },
    append: (events, leavesOutTaken) => appender.append(events, leavesOutTaken),
    read: (query) =>
      withFallback(
        temporalPartitions,
        () => timed('optimized', partitioned, query),
        () => timed('baseline', scanning, query),
        { ...pageCheck, askAgain: () => scanning.read(query) },
      ),
    storage: () => ({ diskBytes: files.bytes, viewBytes: views.bytes, partitions: files.days.length }),
    async close() {
      isClosed = true;
      retention.close();
      await appender.close();
      await warmed;
      await journal.close();
    },
  };
}
