import { Index, type Table } from '@lancedb/lancedb';

/**
 * A scalar index: `btree` serves comparisons and prefixes, `bitmap` equality on columns with few values.
 * @source LanceDB documentation, "Scalar Index"; trajectory-optimization 2.2-C
 */
export interface ScalarIndex {
  column: string;
  kind: 'btree' | 'bitmap';
}

/**
 * How far behind the care of a table is: indexes not yet there, share of rows (0..1) that the worst index misses, share
 * of rows outside the largest piece of data (as far as one piece could hold them), number of pieces.
 * @source LanceDB documentation, "Reindexing"
 */
export interface TableCondition {
  rows: number;
  missing: ScalarIndex[];
  /** Names of the indexes that the table has on these columns. */
  present: string[];
  unindexedRatio: number;
  scatteredRatio: number;
  fragments: number;
  /** Size of its data. */
  bytes: number;
}

/** Compaction makes no larger pieces than this. */
const maxFragmentRows = 1024 * 1024;

/**
 * Compares the table with the indexes it should have.
 * @source LanceDB documentation, "Reindexing"
 */
export async function tableCondition(table: Table, wanted: readonly ScalarIndex[]): Promise<TableCondition> {
  const [rows, present, stats] = await Promise.all([table.countRows(), table.listIndices(), table.stats()]);
  const unindexed = await Promise.all(
    present.map(async (index) => (await table.indexStats(index.name))?.numUnindexedRows ?? 0),
  );
  const { numFragments, lengths } = stats.fragmentStats;
  return {
    rows,
    present: present
      .filter((index) => wanted.some(({ column }) => index.columns.includes(column)))
      .map(({ name }) => name),
    missing: wanted.filter(({ column }) => !present.some((index) => index.columns.includes(column))),
    unindexedRatio: rows === 0 ? 0 : Math.max(0, ...unindexed) / rows,
    scatteredRatio: numFragments < 2 ? 0 : Math.max(0, 1 - lengths.max / Math.min(rows, maxFragmentRows)),
    fragments: numFragments,
    bytes: stats.totalBytes,
  };
}

/**
 * Builds one index; readers are not held up, and it is in use once this resolves.
 * @source LanceDB documentation, "Scalar Index"
 */
export async function createScalarIndex(table: Table, { column, kind }: ScalarIndex): Promise<void> {
  await table.createIndex(column, { config: kind === 'btree' ? Index.btree() : Index.bitmap(), replace: true });
}

/**
 * Compacts the data, brings the indexes up to date and removes versions older than `keepVersionsMs`. It rewrites every
 * fragment below a million rows, so it is no step of a single write. A writer that commits meanwhile wins: tried again.
 * @source LanceDB documentation, "Reindexing" (optimize)
 */
export async function optimizeTable(table: Table, keepVersionsMs: number): Promise<void> {
  await optimizeNewest(table, { cleanupOlderThan: new Date(Date.now() - keepVersionsMs) });
}

const longAgo = new Date(0);
const compactionSteps = 4;

/**
 * Compacts until nothing is left to do and brings the indexes up to date, removing nothing: what is there stays
 * readable until {@link pruneVersions}. Pieces that an index knows are not joined with pieces that it does not, so it
 * takes a step for the indexes and another for the data.
 * @source LanceDB documentation, "Reindexing" (optimize)
 */
export async function compactTable(table: Table): Promise<void> {
  for (let step = 1; step <= compactionSteps; step++) {
    const before = await table.version();
    await optimizeNewest(table, { cleanupOlderThan: longAgo });
    if ((await table.version()) === before) return;
  }
}

/**
 * Removes the versions committed before `cutoff` (never the newest) with the files that only they used, brings the
 * indexes up to date, then makes one more version of the same data: a second manifest to fall back on. Compacts too
 * where there is something to compact, so call {@link compactTable} or {@link mergeFragments}, and make the result
 * durable, first.
 * @param column one that no index is on
 * @returns bytes freed and versions removed
 * @source LanceDB documentation, "Reindexing" (optimize, cleanupOlderThan)
 */
export async function pruneVersions(
  table: Table,
  cutoff: Date,
  column: string,
): Promise<{ bytes: number; versions: number }> {
  const { prune } = await optimizeNewest(table, { cleanupOlderThan: cutoff });
  await retryOnConflict(() => table.update({ where: 'false', valuesSql: { [column]: column } }));
  return { bytes: prune.bytesRemoved, versions: prune.oldVersionsRemoved };
}

/**
 * Puts the rows of all pieces from `firstFragment` on into one piece, in one commit; larger pieces before it are not
 * touched, which a compaction would rewrite. The rows get new row ids, and no index knows them until the next update.
 * @param column one that no index is on
 * @source LanceDB documentation, "Update" (updated rows go to a new fragment)
 */
export async function mergeFragments(table: Table, firstFragment: number, column: string): Promise<void> {
  const where = `_rowid >= ${BigInt(firstFragment) << 32n}`;
  await retryOnConflict(() => table.update({ where, valuesSql: { [column]: column } }));
}

/** A handle that stands on an older version loses to the same commit at each try. */
function optimizeNewest(table: Table, options: Parameters<Table['optimize']>[0]): ReturnType<Table['optimize']> {
  return retryOnConflict(async () => {
    await table.checkoutLatest();
    return table.optimize(options);
  });
}

const conflictTries = 5;

/**
 * Repeats a commit that another writer's commit displaced.
 * @throws the last error after five tries, or any other error at once
 * @source LanceDB documentation, "Versioning" (optimistic concurrency)
 */
export async function retryOnConflict<T>(commit: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await commit();
    } catch (error) {
      if (attempt === conflictTries || !/commit conflict/i.test(String(error))) throw error;
    }
  }
}

/**
 * Sees to it that no commit lands that another handle has begun and nobody waits for. It restores the newest version,
 * which changes no row and no index, and the database refuses all commits that began before a restoring. To be called
 * while no commit is waited for: what lands between its two steps is taken back.
 * @param table a handle of its own
 * @source LanceDB documentation, "Versioning" (restore); Lance documentation, "Transactions" (conflicts of Append)
 */
export async function refuseBegun(table: Table): Promise<void> {
  await table.checkoutLatest();
  await table.checkout(await table.version());
  await table.restore();
}

/**
 * Reads from a handle; when a clean-up has removed the version that the handle stands on, moves it to the newest one
 * and reads once more.
 * @source LanceDB documentation, "Versioning" (checkoutLatest)
 */
export async function readFresh<T>(table: Table, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!/not found/i.test(String(error))) throw error;
    await table.checkoutLatest();
    return read();
  }
}
