import { z } from 'zod';
import type { FileIdentity } from '../source/source.js';

const counter = z.int().min(0);

/**
 * Where an import stands. `pending`, `processing` and, after a stop of the service, both again; the others are final.
 * `interrupted`: its source was gone or changed before it was read whole.
 * @source product contract, Trajectories (ImportResult)
 */
export const importStatusSchema = z.enum(['pending', 'processing', 'completed', 'failed', 'cancelled', 'interrupted']);

/** @source product contract, Trajectories (ImportResult) */
export type ImportStatus = z.infer<typeof importStatusSchema>;

/** One import without its lists, as the history shows it. @source product contract, Trajectories (ImportResult) */
export const importSummarySchema = z
  .object({
    task_id: z.string(),
    success: z.boolean().meta({ description: 'Completed, and at least one record is stored now' }),
    status: importStatusSchema,
    progress: z.int().min(0).max(100).meta({ description: 'Percent of the bytes read' }),
    imported_count: counter,
    failed_count: counter,
    skipped_count: counter.meta({ description: 'Records whose id was stored already' }),
    message: z.string(),
    created_at: z.number().meta({ description: 'Epoch seconds' }),
    completed_at: z.number().nullable().meta({ description: 'Epoch seconds; null until the import has ended' }),
  })
  .meta({ id: 'ImportSummary' });

/** @source product contract, Trajectories (ImportResult) */
export type ImportSummary = z.infer<typeof importSummarySchema>;

/** One import as its status shows it. @source product contract, Trajectories (ImportResult) */
export const importResultSchema = importSummarySchema
  .extend({
    errors: z
      .array(z.string())
      .meta({ description: 'The first 1000, such as "Line 12[3]: reward: expected a number"' }),
    errors_url: z
      .string()
      .nullable()
      .meta({ description: 'Where all errors are, as JSON lines with an excerpt of each record; null without errors' }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'ImportResult' });

/** @source product contract, Trajectories (ImportResult) */
export type ImportResult = z.infer<typeof importResultSchema>;

/** What a client may ask of an import. @source product contract, Trajectories ("skip_duplicate_check, on_conflict") */
export const importOptionsSchema = z.object({
  skip_duplicate_check: z.boolean(),
  on_conflict: z.enum(['skip', 'replace']),
});

/** @source product contract, Trajectories ("skip_duplicate_check, on_conflict") */
export type ImportOptions = z.infer<typeof importOptionsSchema>;

/**
 * One import as it is kept on disk. `source.path` stays on this machine: no answer shows it.
 * @source product contract, Settled details ("goes on after a restart by itself")
 */
export const importTaskSchema = z.object({
  task_id: z.uuid(),
  kind: z.enum(['upload', 'path']),
  source: z.object({ path: z.string(), bytes: counter, mtimeNs: z.string(), inode: z.string() }),
  options: importOptionsSchema,
  status: importStatusSchema,
  bytes_read: counter,
  imported_count: counter,
  failed_count: counter,
  skipped_count: counter,
  message: z.string(),
  warnings: z.array(z.string()),
  created_at: z.number(),
  completed_at: z.number().nullable(),
  /** `seq` of the first row; missing until the import has begun. */
  first_seq: z.number().optional(),
});

/** @source product contract, Settled details ("goes on after a restart by itself") */
export type ImportTask = z.infer<typeof importTaskSchema>;

/**
 * Tells whether an import has ended for good.
 * @source product contract, Trajectories (ImportResult)
 */
export function isFinal(status: ImportStatus): boolean {
  return status !== 'pending' && status !== 'processing';
}

/**
 * The task as clients see it.
 * @source product contract, Trajectories (ImportResult)
 */
export function summaryOf(task: ImportTask): ImportSummary {
  const { task_id, status, imported_count, failed_count, skipped_count, message, created_at, completed_at } = task;
  return {
    task_id,
    success: status === 'completed' && imported_count + skipped_count > 0,
    status,
    progress: progressOf(task),
    imported_count,
    failed_count,
    skipped_count,
    message,
    created_at,
    completed_at,
  };
}

/** 100 is kept for imports that are whole and durable. */
function progressOf(task: ImportTask): number {
  if (task.status === 'completed') return 100;
  return Math.min(99, Math.floor((task.bytes_read / Math.max(1, task.source.bytes)) * 100));
}

/**
 * An import that was accepted and has not begun.
 * @source product contract, Trajectories (import)
 */
export function newTask(
  kind: ImportTask['kind'],
  taskId: string,
  source: FileIdentity,
  options: ImportOptions,
): ImportTask {
  return {
    task_id: taskId,
    kind,
    source,
    options,
    status: 'pending',
    bytes_read: 0,
    imported_count: 0,
    failed_count: 0,
    skipped_count: 0,
    message: 'Waiting for its turn',
    warnings: [],
    created_at: Date.now() / 1000,
    completed_at: null,
  };
}
