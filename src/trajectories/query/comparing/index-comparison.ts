import { Problem } from '../../../errors.js';
import type { Table } from '../../../lance/index.js';
import type { Optimization } from '../../../optimization.js';
import { createRowIdCache } from '../order/row-id-cache.js';
import type { Page, TrajectoryReader } from '../page-query.js';
import { createTrajectoryReader } from '../trajectory-reader.js';
import { onePage, pageCheck } from './answer-checks.js';
import type { BlameIndexes } from './index-blame.js';

/**
 * The table, the reader whose filtered pages are looked at, and the flag.
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export interface IndexComparisonOptions {
  table: Table;
  reader: TrajectoryReader;
  scalarIndexes: Optimization<unknown>;
  blame: BlameIndexes;
}

/**
 * The reader, and whether the indexes are at fault where an answer of it was found wrong: it is read twice more, with
 * nothing that is kept.
 * @source product contract, Optimisations (`scalar_indexes`)
 */
export interface ComparedReader {
  reader: TrajectoryReader;
  isOfIndexes<T>(
    read: (from: TrajectoryReader) => Promise<T>,
    difference: (answer: T) => Promise<string | undefined> | string | undefined,
  ): Promise<boolean>;
}

/**
 * The same reader, some of whose filtered pages and records are read twice more afterwards: with the indexes and without
 * them, neither time with an order that is known already. What cannot be read with the indexes is read without them.
 * @source product contract, Optimisations (`scalar_indexes`, `verification.sample_rate`)
 */
export function compareIndexes({ table, reader, scalarIndexes, blame }: IndexComparisonOptions): ComparedReader {
  const rowIds = createRowIdCache(() => 0);
  const indexed = createTrajectoryReader({ table, rowIds });
  const unindexed = createTrajectoryReader({ table, rowIds, usesIndexes: false });
  const check = pageCheck(async () => String(await table.version()));

  /** Where an error comes from the indexes, it comes again with nothing but them, and does not come without them. */
  async function mended<T>(error: unknown, read: (from: TrajectoryReader) => Promise<T>): Promise<T> {
    if (error instanceof Problem || !scalarIndexes.enabled) throw error;
    const isOfIndexes = await read(indexed).then(
      () => false,
      () => true,
    );
    if (!isOfIndexes) throw error;
    const answer = await read(unindexed);
    scalarIndexes.failed(error);
    return answer;
  }

  function compareLater(read: (from: TrajectoryReader) => Promise<Page>): void {
    if (!scalarIndexes.enabled) return;
    scalarIndexes.sample?.()?.compare({ check, optimised: () => read(indexed), original: () => read(unindexed) });
  }

  const compared: TrajectoryReader = {
    ...reader,
    async list(query, columns) {
      const list = (from: TrajectoryReader) => from.list(query, columns);
      const page = await list(reader).catch((error: unknown) => mended(error, list));
      if (query.filter.length > 0) compareLater(list);
      return page;
    },
    async get(trajectoryId, columns) {
      const get = (from: TrajectoryReader) => from.get(trajectoryId, columns);
      const row = await get(reader).catch((error: unknown) => mended(error, get));
      compareLater(async (from) => onePage(await get(from)));
      return row;
    },
  };
  return {
    reader: compared,
    isOfIndexes: (read, difference) =>
      blame({ indexed: () => read(indexed), unindexed: () => read(unindexed), difference }),
  };
}
