import { z } from 'zod';
import { labelled, type Readings } from '../history/readings.js';
import { countOf } from '../summary/reading/latency-counts.js';

/**
 * One thing that an optimisation was seen to do since the start. `ratio` is between 0 and 1.
 * @source story-17.4 AC6; product contract, Promises 7
 */
export const effectSchema = z.object({
  label: z.string(),
  value: z.number(),
  unit: z.enum(['count', 'ratio', 'seconds']),
});

/** @source story-17.4 AC6 */
export type Effect = z.infer<typeof effectSchema>;

type Read = (readings: Readings) => Effect[];

const effect = (label: string, value: number, unit: Effect['unit']): Effect => ({ label, value, unit });

const hits =
  (cache: string): Read =>
  (readings) => {
    const hit = readings.total('canvas_cache_requests_total', labelled({ cache, outcome: 'hit' }));
    const asked = hit + readings.total('canvas_cache_requests_total', labelled({ cache, outcome: 'miss' }));
    return asked === 0 ? [] : [effect('hit ratio', hit / asked, 'ratio'), effect('asked', asked, 'count')];
  };

const optimized = { variant: 'optimized' };

/** What each optimisation saves beside time, read from the counters of the part that it works in. */
const readers: Record<string, Read> = {
  canvas_cache: hits('canvas_files'),
  query_cache: hits('query'),
  embedding_cache: hits('embedding'),
  graph_cache: hits('memory_results'),
  l2_cache(readings) {
    const found = readings.total('canvas_cache_tier_hits_total', labelled({ tier: 'l2' }));
    return found === 0 ? [] : [effect('answers from the file', found, 'count')];
  },
  batch_writer(readings) {
    const requests = readings.total('canvas_file_write_requests_total', labelled(optimized));
    const writes = readings.total('canvas_file_writes_total', labelled({ ...optimized, outcome: 'stored' }));
    if (requests === 0 || writes === 0) return [];
    const saved = Math.max(0, requests - writes);
    return [effect('writes saved', saved, 'count'), effect('of all', saved / requests, 'ratio')];
  },
  batch_embedding(readings) {
    const calls = readings.histogram('canvas_embedding_batch_texts', labelled(optimized));
    const count = countOf(calls);
    if (count === 0) return [];
    return [effect('calls saved', calls.sum - count, 'count'), effect('texts a call', calls.sum / count, 'count')];
  },
  batch_import(readings) {
    const rows = readings.total('canvas_import_committed_rows_total', labelled(optimized));
    const count = countOf(readings.histogram('canvas_import_batch_seconds', labelled(optimized)));
    if (count === 0) return [];
    return [effect('commits saved', rows - count, 'count'), effect('rows a commit', rows / count, 'count')];
  },
  temporal_partitions(readings) {
    const read = readings.total('canvas_events_partitions_read_total', labelled(optimized));
    if (read === 0) return [];
    const scanned = readings.total('canvas_events_scanned_total', labelled(optimized));
    return [effect('days opened', read, 'count'), effect('events looked at', scanned, 'count')];
  },
  index_prewarm(readings) {
    const seconds = readings.value('canvas_prewarm_seconds');
    const progress = readings.value('canvas_prewarm_progress_ratio');
    if (seconds === undefined || progress === undefined || seconds === 0) return [];
    return [effect('loaded', progress, 'ratio'), effect('in', seconds, 'seconds')];
  },
};

/**
 * What each optimisation was seen to do since the start; one that has done nothing yet, or that nothing is counted of,
 * has an empty list.
 * @source story-17.4 AC6; product contract, Monitoring (`GET /dashboard`: "before/after of each optimisation")
 */
export function flagEffects(flags: readonly string[], readings: Readings): Record<string, Effect[]> {
  return Object.fromEntries(flags.map((flag) => [flag, Object.hasOwn(readers, flag) ? readers[flag]!(readings) : []]));
}
