import type { Table } from '@lancedb/lancedb';
import { optimizeTable, retryOnConflict } from '../upkeep.js';
import { createVectorIndex, dropVectorIndex, vectorsWithoutIndex } from './vector-search.js';

/**
 * `signal` gives up before a step that takes long; `onIndexBuilt` is told when the index came into use.
 * @source LanceDB documentation, "Vector Index"
 */
export interface VectorUpkeepOptions {
  signal: AbortSignal;
  /** Up to so many rows are compared one by one, without an index. */
  exactRows?: number;
  /** The index could not be read: it is built anew, or dropped where there are too few rows for one. */
  isIndexBroken?: boolean;
  onIndexBuilt(rows: number, durationSeconds: number): void;
  /** Versions on disk: where rows are replaced again and again, these pile up and not the pieces. Looked at if given. */
  countVersions?(): Promise<number>;
}

/** Comparing one by one takes about 25 ms for so many vectors of 384 (measured); above, an index is worth its building. */
const fewRows = 20_000;
/** The vectors of the built-in model hardly flock: so large a part must be looked at to find 95 of 100 (measured). */
const probedRatio = 0.4;
/** Joining them rewrites the whole table: a larger one may lie in more pieces. */
const fewFragments = 20;
const bytesForAnotherFragment = 4 * 1024 * 1024;
const maxUnindexedRatio = 0.1;
const maxVersions = 300;
/** Searches that began on a version are over by then. */
const keepVersionsMs = 15_000;

/**
 * Keeps a column `vector` quick to search and the table small on disk: builds the index once there are enough rows, joins
 * small pieces of data, removes old versions.
 * @returns how many neighbourhoods a search should look at
 * @throws the reason of `signal`; what the database throws
 * @source LanceDB documentation, "Vector Index", "Reindexing"
 */
export async function tidyVectors(table: Table, options: VectorUpkeepOptions): Promise<number> {
  const { signal, onIndexBuilt, exactRows = fewRows } = options;
  if (options.isIndexBroken) await dropVectorIndex(table, 'vector');
  const [rows, unindexed, { fragmentStats, totalBytes }] = await Promise.all([
    table.countRows(),
    vectorsWithoutIndex(table, 'vector'),
    table.stats(),
  ]);
  if (rows > exactRows && unindexed === undefined) {
    signal.throwIfAborted();
    const startedAt = performance.now();
    await retryOnConflict(() => createVectorIndex(table, 'vector', partitionsOf(rows)));
    onIndexBuilt(rows, (performance.now() - startedAt) / 1000);
  }
  const isBehind = (unindexed ?? 0) > Math.max(1000, rows * maxUnindexedRatio);
  const isScattered = fragmentStats.numFragments > fewFragments + totalBytes / bytesForAnotherFragment;
  if (isBehind || isScattered || ((await options.countVersions?.()) ?? 0) > maxVersions)
    await optimizeTable(table, keepVersionsMs);
  return probesOf(rows);
}

const partitionsOf = (rows: number) => Math.max(1, Math.round(Math.sqrt(rows)));

/**
 * How many neighbourhoods a search should look at in a table of so many rows.
 * @source LanceDB documentation, "Vector Index" (nprobes)
 */
export const probesOf = (rows: number): number => Math.ceil(partitionsOf(rows) * probedRatio);
