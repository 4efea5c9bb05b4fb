import { readFresh, type Table } from '../../lance/index.js';
import { rowsOf } from '../query/arrow-rows.js';
import type { Column } from '../query/trajectory-columns.js';

/**
 * What a stored record hands on to the one that replaces it, and its place in every order (`seq`).
 * @source product contract, Trajectories ("PUT")
 */
export interface StoredRecord {
  seq: number;
  /** The import that brought it; "" when none did. */
  importId: string;
  created_at: number;
  updated_at: number;
  tags: string[];
  notes: string;
  is_bookmarked: boolean;
}

const columns: readonly Column[] = ['created_at', 'updated_at', 'tags', 'notes', 'is_bookmarked'];

/**
 * Reads the records that pass the condition, oldest `seq` first: one, unless an import was told not to look for ids
 * that are taken.
 * @source product contract, Trajectories ("`skip_duplicate_check`")
 */
export async function storedRecords(table: Table, where: string): Promise<StoredRecord[]> {
  const found = await readFresh(table, () =>
    table
      .query()
      .where(where)
      .select([...columns, 'seq', 'import_id'])
      .toArrow(),
  );
  const [seqs, importIds] = [found.getChild('seq'), found.getChild('import_id')];
  return rowsOf(found, columns)
    .map((row, i) => ({ ...row, seq: Number(seqs?.get(i)), importId: String(importIds?.get(i)) }) as StoredRecord)
    .sort((a, b) => a.seq - b.seq);
}
