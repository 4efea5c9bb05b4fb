import { runImport } from '../../../src/trajectories/import/import-pipeline.js';
import type { ImportRun, RunEnd, RunReport, StopRequest } from '../../../src/trajectories/import/import-run.js';
import { temporaryFolder } from '../../support/folder.js';
import { storedRows, writeSource } from './records.js';

/** Commits of a hundred rows. */
export const batched = { enabled: true, batch_rows: 100, max_batch_bytes: 32 * 1024 * 1024 };

/** A run of a file of this content into a database of its own. */
export async function newRun(content: string | Buffer, changes: Partial<ImportRun> = {}): Promise<ImportRun> {
  const folder = await temporaryFolder();
  return {
    lanceUri: `${folder}/lance`,
    importId: '00000000-0000-4000-8000-000000000001',
    file: await writeSource(folder, content),
    importedAt: 1_700_000_000,
    skipDuplicateCheck: false,
    onConflict: 'skip',
    firstSeq: 1_700_000_000_000_000,
    resumes: false,
    overriddenFile: `${folder}/overridden`,
    batchImport: batched,
    bulkDuplicateCheck: true,
    errorFile: { path: `${folder}/errors.jsonl`, maxBytes: 1024 * 1024 },
    ...changes,
  };
}

/** How a run ended, and what it reported. */
export interface Outcome {
  end: RunEnd;
  counts: { imported: number; failed: number; skipped: number };
  errors: string[];
  commits: number;
}

export async function outcomeOf(run: ImportRun, stopRequest?: (commits: number) => StopRequest): Promise<Outcome> {
  const outcome: Outcome = { end: 'done', counts: { imported: 0, failed: 0, skipped: 0 }, errors: [], commits: 0 };
  const take = (report: RunReport) => {
    if (report.type === 'commit') outcome.commits += 1;
    if (report.type === 'progress') {
      outcome.counts = report.counts;
      outcome.errors.push(...report.errors);
    }
  };
  outcome.end = await runImport(run, take, () => stopRequest?.(outcome.commits));
  return outcome;
}

export const withoutSeq = async (run: ImportRun) =>
  (await storedRows(run.lanceUri)).map(({ seq: _seq, ...row }) => row);
