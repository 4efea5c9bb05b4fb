import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../../../durable-file.js';
import type { ImportTask } from './import-task.js';
import type { TaskFiles } from './task-files.js';

/**
 * The rows of one unfinished import that clients have replaced or deleted, as a file of their `seq`, one a line. It is
 * written before the client's write, so that the import, taken up again after a crash, knows that they were stored.
 */

/** A row as a client found it before replacing or deleting it. @source product contract, Promises 1 */
export interface OverriddenRow {
  /** The task that brought it; "" when a client did. */
  importId: string;
  seq: number;
}

/** Where imports and their files are. @source product contract, Promises 1 */
export interface OverriddenPlace {
  jobs: ReadonlyMap<string, { task: Pick<ImportTask, 'completed_at'> }>;
  files: Pick<TaskFiles, 'overriddenPath'>;
  makeDurable(): Promise<void>;
}

/**
 * Writes down those of the rows that unfinished imports have brought. First the table is made durable: a row written down
 * here tells that all rows before it are in, which a power cut must not take back.
 * @throws NodeJS.ErrnoException
 * @source product contract, Promises 1
 */
export async function writeOverridden(
  rows: readonly OverriddenRow[],
  { jobs, files, makeDurable }: OverriddenPlace,
): Promise<void> {
  const own = rows.filter(({ importId }) => jobs.get(importId)?.task.completed_at === null);
  if (own.length === 0) return;
  await makeDurable();
  for (const importId of new Set(own.map((row) => row.importId))) {
    const seqs = own.filter((row) => row.importId === importId).map(({ seq }) => seq);
    await addOverridden(files.overriddenPath(importId), seqs);
  }
}

/**
 * Durable once resolved. Each line begins anew: what a crash cut off does not run into what follows.
 * @throws NodeJS.ErrnoException
 * @source product contract, Promises 1
 */
export async function addOverridden(file: string, seqs: readonly number[]): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.writeFile(seqs.map((seq) => `\n${seq}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(path.dirname(file));
}

/**
 * @returns none when there is no such file
 * @throws NodeJS.ErrnoException when it cannot be read
 * @source product contract, Settled details ("goes on after a restart by itself")
 */
export async function readOverridden(file: string): Promise<Set<number>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return new Set(text.split('\n').flatMap((line) => (/^\d+$/.test(line) ? [Number(line)] : [])));
}
