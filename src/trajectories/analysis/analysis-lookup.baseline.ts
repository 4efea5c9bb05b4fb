import { readFresh, type Table } from '../../lance/index.js';
import { type AnalysisLookup, type AnalysisNote, addNotes, noteColumns } from './analysis-lookup.js';

/**
 * Reads the whole analysis table each time, then picks the rows of the given ids.
 * @source trajectory-optimization 2.1 (`get_analysis_df` on each request)
 */
export function createBaselineAnalysisLookup(table: Table): AnalysisLookup {
  return (trajectoryIds) =>
    readFresh(table, async () => {
      const all = new Map<string, AnalysisNote>();
      for await (const batch of table.query().select([...noteColumns])) addNotes(all, batch);
      const wanted = new Set(trajectoryIds);
      return new Map([...all].filter(([id]) => wanted.has(id)));
    });
}
