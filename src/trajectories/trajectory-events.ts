import type { AskedQuery } from './asked-query.js';
import type { ExportOutcome } from './export/exports.js';
import type { RecordOperation } from './records/records.js';
import type { CareTask } from './store/care-plan.js';
import type { PrewarmProgress } from './store/prewarm.js';

/**
 * What reading and keeping trajectories reports, for metrics. `variant` tells the optimised way from the original.
 * - `query`: a page or one record was read, analysis rows included; `asked` tells what was asked, made when it is wanted
 * - `row_ids`, `query_cache`: whether the order of a page, or its answer, was known already
 * - `analysis_lookup`: analysis rows were read for `rows` trajectories
 * - `analysis_written`: one analysis row is stored and durable
 * - `record_written`: a write to one record is durable
 * - `analysis_imported`: analysis rows of one upload are stored and durable; `failed` counts refused lines
 * - `figures_computed`: figures over all trajectories were brought up to date by reading `rows` of them
 * - `exported`: a file of `rows` trajectories was written, or broken off
 * - `index_built`, `table_optimized`, `versions_removed`, `care_failed`: upkeep of a table
 * - `table_measured`: what a table takes on disk after upkeep looked at it
 * - `table_recovered`: a damaged table was opened at an older version, or begun anew
 * - `prewarm`: how far loading for the first queries is
 * @source story-17.4 AC5; product contract, Monitoring ("Names")
 */
export type TrajectoryEvent =
  | {
      type: 'query';
      operation: 'list' | 'get';
      variant: 'native' | 'baseline';
      durationSeconds: number;
      rows: number;
      asked?: () => AskedQuery;
    }
  | { type: 'row_ids'; found: 'hit' | 'miss' }
  | { type: 'query_cache'; found: 'hit' | 'miss' }
  | { type: 'analysis_lookup'; variant: 'by_ids' | 'whole_table'; durationSeconds: number; rows: number }
  | { type: 'analysis_written'; durationSeconds: number }
  | { type: 'record_written'; operation: RecordOperation; durationSeconds: number }
  | { type: 'analysis_imported'; rows: number; failed: number; durationSeconds: number }
  | { type: 'figures_computed'; kind: 'questions' | 'failures'; rows: number; durationSeconds: number }
  | ({ type: 'exported' } & ExportOutcome)
  | { type: 'index_built'; table: string; column: string; durationSeconds: number }
  | { type: 'table_optimized'; table: string; task: CareTask; durationSeconds: number }
  | { type: 'versions_removed'; table: string; versions: number; bytes: number }
  | { type: 'table_measured'; table: string; versions: number; fragments: number; bytes: number }
  | { type: 'table_recovered'; table: string; lostVersions: number; lostRows: number | undefined }
  | ({ type: 'prewarm' } & PrewarmProgress)
  | { type: 'care_failed'; table: string };
