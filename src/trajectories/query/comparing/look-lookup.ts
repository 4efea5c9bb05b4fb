import { listLiteral, readFresh, type Table, withoutIndex } from '../../../lance/index.js';
import { type AnalysisLookup, type AnalysisNote, addNotes, noteColumns } from '../../analysis/analysis-lookup.js';

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
      const where = withoutIndex(`trajectory_id IN ${listLiteral(trajectoryIds)}`);
      const found = await table
        .query()
        .where(where)
        .select([...noteColumns])
        .toArrow();
      addNotes(notes, found);
      return notes;
    });
}
