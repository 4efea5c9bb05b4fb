import { Index, type Table, type VectorQuery } from '@lancedb/lancedb';

/**
 * Divides the vectors into neighbourhoods, so that a search looks at a few of them; vectors stay whole. Readers are not
 * held up, and it is in use once this resolves.
 * @source LanceDB documentation, "Vector Index" (IVF_FLAT)
 */
export async function createVectorIndex(table: Table, column: string, partitions: number): Promise<void> {
  const config = Index.ivfFlat({ numPartitions: partitions, distanceType: 'cosine' });
  await table.createIndex(column, { config, replace: true });
}

/**
 * The nearest vectors by angle, nearest first; `_distance` of a row is 1 less the cosine. Rows that the index does not
 * cover are compared one by one.
 * @param probes how many neighbourhoods are looked at, where there is an index
 * @source LanceDB documentation, "Vector Search"
 */
export function nearestQuery(table: Table, vector: Float32Array, probes: number): VectorQuery {
  return table.query().nearestTo(vector).distanceType('cosine').nprobes(probes);
}

/**
 * As {@link nearestQuery}, but all vectors are compared, as if there were no index.
 * @source LanceDB documentation, "Vector Search" (exhaustive search)
 */
export function exactQuery(table: Table, vector: Float32Array): VectorQuery {
  return table.query().nearestTo(vector).distanceType('cosine').bypassVectorIndex();
}

/** Forgets the index of the column, if there is one; its files go later. @source LanceDB documentation, "Vector Index" */
export async function dropVectorIndex(table: Table, column: string): Promise<void> {
  const indices = await table.listIndices();
  for (const { name, columns } of indices) if (columns.includes(column)) await table.dropIndex(name);
}

/**
 * How many vectors the index misses; undefined when there is none.
 * @source LanceDB documentation, "Reindexing"
 */
export async function vectorsWithoutIndex(table: Table, column: string): Promise<number | undefined> {
  const indices = await table.listIndices();
  const index = indices.find((each) => each.columns.includes(column));
  const statistics = index && (await table.indexStats(index.name));
  return statistics?.numUnindexedRows;
}
