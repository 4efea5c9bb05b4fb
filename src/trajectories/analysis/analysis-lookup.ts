import type { Table as ArrowTable, RecordBatch } from 'apache-arrow';
import { listLiteral, readFresh, type Table } from '../../lance/index.js';

/**
 * The part of an analysis row that is shown with its trajectory.
 * @source product contract, Trajectories ("each row")
 */
export interface AnalysisNote {
  category: string;
  rootCause: string;
}

/** Analysis rows by trajectory id; ids without one are left out. @source trajectory-optimization 2.2-B */
export type AnalysisLookup = (trajectoryIds: readonly string[]) => Promise<Map<string, AnalysisNote>>;

/** The columns that a note is made from. @source trajectory-optimization 2.2-B */
export const noteColumns: readonly string[] = ['trajectory_id', 'category', 'root_cause'];

/**
 * Reads the rows of the given ids only.
 * @source trajectory-optimization 2.2-B
 */
export function createAnalysisLookup(table: Table): AnalysisLookup {
  return (trajectoryIds) =>
    readFresh(table, async () => {
      const notes = new Map<string, AnalysisNote>();
      if (trajectoryIds.length === 0 || (await table.countRows()) === 0) return notes;
      const found = await table
        .query()
        .where(`trajectory_id IN ${listLiteral(trajectoryIds)}`)
        .select([...noteColumns])
        .toArrow();
      addNotes(notes, found);
      return notes;
    });
}

/**
 * Adds the rows of an Arrow table or batch to the map.
 * @source trajectory-optimization 2.2-B
 */
export function addNotes(notes: Map<string, AnalysisNote>, rows: ArrowTable | RecordBatch): void {
  const [ids, categories, rootCauses] = noteColumns.map((column) => rows.getChild(column));
  for (let i = 0; i < rows.numRows; i++) {
    notes.set(String(ids?.get(i)), { category: String(categories?.get(i)), rootCause: String(rootCauses?.get(i)) });
  }
}
