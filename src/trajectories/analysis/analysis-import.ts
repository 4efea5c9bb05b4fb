import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Analysis } from './analysis.js';
import { readAnalysisLines } from './analysis-lines.js';
import { type AnalysisStore, maxBatchRows } from './analysis-store.js';
import { analysisImportsBusy, analysisUploadBroken } from './errors.js';

const count = z.int().min(0);

/**
 * What became of the lines.
 * @source product contract, Trajectories ("POST /api/analysis/import")
 */
export const analysisImportResultSchema = z
  .object({
    imported_count: count.describe('lines whose row is stored; of lines with the same id the last one counts'),
    unmatched_count: count.describe('rows among them whose trajectory is not stored; they count once it is'),
    failed_count: count,
    errors: z.array(z.string()).describe('the first 1000, such as "Line 12: is_success: expected true or false"'),
  })
  .meta({ id: 'AnalysisImportResult' });

/** What became of the lines. @source product contract, Trajectories ("POST /api/analysis/import") */
export type AnalysisImportResult = z.infer<typeof analysisImportResultSchema>;

/** The store and whom to tell. @source product contract, Trajectories ("POST /api/analysis/import") */
export interface AnalysisImportOptions {
  store: Pick<AnalysisStore, 'putBatch' | 'makeDurable'>;
  onImported(outcome: { rows: number; failed: number; durationSeconds: number }): void;
}

/**
 * Stores JSON lines of analysis rows as they arrive; all are durable once it resolves. Rows of trajectories that are
 * not stored yet are kept: the import of these trajectories takes the verdict over. Broken lines are named and never
 * stop the rest. It holds one batch of rows, and lets other work run between slices of lines.
 * @throws Problem ANALYSIS_UPLOAD_BROKEN when the bytes end early (batches before that stay stored), ANALYSIS_IMPORTS_BUSY
 * @source product contract, Trajectories ("POST /api/analysis/import")
 */
export type AnalysisImport = (pieces: AsyncIterable<Buffer>) => Promise<AnalysisImportResult>;

const maxAtOnce = 4;
const maxErrors = 1000;
const maxLineBytes = 2 * 1024 * 1024;
const maxBatchCharacters = 4 * 1024 * 1024;
const linesBetweenPauses = 500;

/** @source product contract, Trajectories ("POST /api/analysis/import") */
export function createAnalysisImport({ store, onImported }: AnalysisImportOptions): AnalysisImport {
  let underWay = 0;

  async function importLines(pieces: AsyncIterable<Buffer>): Promise<AnalysisImportResult> {
    const result: AnalysisImportResult = { imported_count: 0, unmatched_count: 0, failed_count: 0, errors: [] };
    // Equal ids within a commit would be stored twice.
    let batch = new Map<string, Analysis>();
    let lines = 0;
    let characters = 0;

    async function flush(): Promise<void> {
      if (batch.size > 0) result.unmatched_count += await store.putBatch(batch);
      result.imported_count += lines;
      batch = new Map();
      lines = 0;
      characters = 0;
    }

    let seen = 0;
    for await (const line of readAnalysisLines(wholeOrBroken(pieces), maxLineBytes)) {
      seen += 1;
      if (seen % linesBetweenPauses === 0) await setImmediate();
      if ('reason' in line) {
        result.failed_count += 1;
        if (result.errors.length < maxErrors) result.errors.push(`Line ${line.line}: ${line.reason}`);
        continue;
      }
      const { trajectory_id, ...given } = line.given;
      batch.set(trajectory_id, given);
      lines += 1;
      characters += trajectory_id.length + given.category.length + given.root_cause.length + given.suggestion.length;
      if (batch.size >= maxBatchRows || characters >= maxBatchCharacters) await flush();
    }
    await flush();
    if (result.imported_count > 0) await store.makeDurable();
    return result;
  }

  return async (pieces) => {
    if (underWay >= maxAtOnce) throw analysisImportsBusy(maxAtOnce);
    underWay += 1;
    const startedAt = performance.now();
    try {
      const result = await importLines(pieces);
      const durationSeconds = (performance.now() - startedAt) / 1000;
      onImported({ rows: result.imported_count, failed: result.failed_count, durationSeconds });
      return result;
    } finally {
      underWay -= 1;
    }
  };
}

async function* wholeOrBroken(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (error) {
    throw analysisUploadBroken(error);
  }
}
