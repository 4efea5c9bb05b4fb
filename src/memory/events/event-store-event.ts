import type { AskedQuery } from '../asked-query.js';

/**
 * What the store of events reports about its work, for metrics.
 *
 * - `events_appended`: a group became durable; `events` are new ones, `duplicates` were stored before
 * - `events_refused`: a group could not be stored
 * - `events_queried`: a page was read, by which way, from how many partitions, looking at how many events; `asked` tells
 *   what was asked, made when it is wanted
 * - `partition_damaged`: once for each partition and run, when a part of it cannot be read
 * - `partition_expired`: the retention removed one
 * - `events_recorded`: events that the service recorded by itself, and how many it could not
 * @source house rules ("Parts report what happens through one callback"); story-17.4 AC5
 */
export type EventStoreEvent =
  | { type: 'events_appended'; events: number; duplicates: number; bytes: number; durationSeconds: number }
  | { type: 'events_refused'; events: number; reason: 'full' | 'unwritable' }
  | {
      type: 'events_queried';
      variant: 'optimized' | 'baseline';
      partitions: number;
      scanned: number;
      durationSeconds: number;
      rows?: number;
      asked?: () => AskedQuery;
    }
  | { type: 'partition_damaged'; partition: string }
  | { type: 'partition_expired'; partition: string }
  | { type: 'events_recorded'; source: 'canvas' | 'agent'; outcome: 'stored' | 'failed' };
