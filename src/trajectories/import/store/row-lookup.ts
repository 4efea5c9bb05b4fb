import { listLiteral, type Table } from '../../../lance/index.js';
import type { KeptFields } from './row.js';

/**
 * Finds which ids the table holds already, and what their rows hand on to those that replace them.
 * @source trajectory-optimization 1.2-B
 */
export type RowLookup = (table: Table, ids: readonly string[]) => Promise<Map<string, KeptFields>>;

/** Columns of a stored row that an import looks at. @source trajectory-optimization 1.2-B */
export const lookupColumns = ['trajectory_id', 'created_at', 'tags', 'notes', 'is_bookmarked'];

const idsPerQuery = 2000;

/**
 * One query for up to 2000 ids; with an index on the ids its cost hardly grows with the table.
 * @source trajectory-optimization 1.2-B (option 1)
 */
export const lookUpTogether: RowLookup = async (table, ids) => {
  const found = new Map<string, KeptFields>();
  for (let from = 0; from < ids.length; from += idsPerQuery) {
    const filter = `trajectory_id IN ${listLiteral(ids.slice(from, from + idsPerQuery))}`;
    addStored(found, await table.query().where(filter).select(lookupColumns).toArray());
  }
  return found;
};

/**
 * Adds the rows of an answer under their ids.
 * @source trajectory-optimization 1.2-B
 */
export function addStored(found: Map<string, KeptFields>, rows: Iterable<Record<string, unknown>>): void {
  for (const row of rows) {
    found.set(String(row.trajectory_id), {
      created_at: Number(row.created_at),
      tags: [...((row.tags as Iterable<string> | null) ?? [])],
      notes: String(row.notes),
      is_bookmarked: Boolean(row.is_bookmarked),
    });
  }
}
