import { listLiteral, readFresh, type Table } from '../../../lance/index.js';
import { type AnalysisLookup, type AnalysisNote, addNotes, noteColumns } from '../../analysis/analysis-lookup.js';

/** A second condition on a column without an index, which no row meets: with it every row is looked at. */
const withoutIndex = 'updated_at = -1';

/**
 * Looks at every analysis row without any index, but hands over those of the given ids only: many times less work than
 * reading the whole table, and the same answer. Nothing is kept between two askings.
 * @source product contract, Optimisations (`analysis_by_ids`, `verification.sample_rate`)
 */
export function createLookLookup(table: Table): AnalysisLookup {
  return (trajectoryIds) =>
    readFresh(table, async () => {
      const notes = new Map<string, AnalysisNote>();
      if (trajectoryIds.length === 0) return notes;
      const where = `(trajectory_id IN ${listLiteral(trajectoryIds)}) OR (${withoutIndex})`;
      const found = await table
        .query()
        .where(where)
        .select([...noteColumns])
        .toArrow();
      addNotes(notes, found);
      return notes;
    });
}
