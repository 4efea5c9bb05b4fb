import type { FileIdentity } from './source/source.js';
import type { ImportFlag } from './store/batch-committer.js';

/** `batch_import`: rows and bytes of one commit. @source product contract, Optimisations (batch_import) */
export interface BatchImportSettings {
  batch_rows: number;
  max_batch_bytes: number;
}

/** Everything a run needs, plain enough to be sent to a worker thread. @source product contract, Trajectories */
export interface ImportRun {
  lanceUri: string;
  importId: string;
  file: FileIdentity;
  /** Epoch seconds: `created_at` of records without their own. */
  importedAt: number;
  skipDuplicateCheck: boolean;
  onConflict: 'skip' | 'replace';
  /** `seq` of the first row of the file; those after it follow one by one, in every run of the same import. */
  firstSeq: number;
  /** An earlier run of the same import may have committed rows. */
  resumes: boolean;
  /** Where the rows are listed that clients have replaced or deleted since. */
  overriddenFile: string;
  batchImport: { enabled: boolean } & BatchImportSettings;
  bulkDuplicateCheck: boolean;
  /** False: ids are found by looking at every row, as if there were no scalar index. It may change while the run goes on. */
  usesIndexes?: boolean;
  /** Pause between two batches that are compared with the original way; undefined: none is. */
  compareEachMs?: number | undefined;
  /** Where every error is listed, and how much of them. */
  errorFile: { path: string; maxBytes: number };
}

/** Rows by what became of them. @source product contract, Trajectories (ImportResult) */
export interface ImportCounts {
  imported: number;
  failed: number;
  skipped: number;
}

/**
 * What a run reports on its way. `errors` are those since the last report, of the first 1000.
 * @source product contract, Trajectories (ImportResult)
 */
export type RunReport =
  | { type: 'progress'; counts: ImportCounts; bytesRead: number; errors: string[] }
  | { type: 'commit'; rows: number; durationSeconds: number; variant: 'batch' | 'row' }
  | { type: 'fallback'; flag: ImportFlag; error: unknown }
  | { type: 'checked'; flag: ImportFlag; difference: string | undefined };

/**
 * How a run ended: all read; cancelled by a client; stopped by the service, to be taken up again; or its file became
 * another one.
 * @source product contract, Trajectories (ImportResult)
 */
export type RunEnd = 'done' | 'cancelled' | 'stopped' | 'changed';

/**
 * Runs a commit while nobody else brings new ids, so that none comes between the look for it and the commit; one that
 * rewrites stored rows, while nobody else writes at all.
 * @source product contract, Promises 1
 */
export type Exclusively = <T>(commit: () => Promise<T>, rewrites?: boolean) => Promise<T>;

/** What to do at the next batch. @source product contract, Trajectories ("cancel") */
export type StopRequest = 'cancelled' | 'stopped' | undefined;

/** Errors listed; more are only counted. @source product contract, Promises 6 */
export const maxListedErrors = 1000;
