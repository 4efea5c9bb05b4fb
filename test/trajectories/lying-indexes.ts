import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createScalarIndex, type ScalarIndex, type Table } from '../../src/lance/index.js';
import { analysisIndexes, trajectoryIndexes } from '../../src/trajectories/store/wanted-indexes.js';
import { tableNames } from '../../src/trajectories/trajectory-schema.js';
import { openTables, type RowMade } from './stored-rows.js';

type Note = { trajectory_id: string; is_success: boolean; category: string; root_cause: string; suggestion: string };

/** The folders of a table's indexes, in the order in which these were built. */
async function build(table: Table, folder: string, indexes: readonly ScalarIndex[]): Promise<string[]> {
  const built: string[] = [];
  for (const index of indexes) {
    await createScalarIndex(table, index);
    const known = await readdir(path.join(folder, '_indices'));
    built.push(...known.filter((name) => !built.includes(name)));
  }
  return built.map((name) => path.join(folder, '_indices', name));
}

async function stored(folder: string | undefined, rows: RowMade[], notes: Note[]) {
  const { table, analysis, database, folder: home } = await openTables(rows, 1, folder);
  if (notes.length > 0) await analysis.add(notes.map((note) => ({ ...note, updated_at: 1 })));
  const of = (name: string) => path.join(home, `${name}.lance`);
  const folders = [
    ...(await build(table, of(tableNames.trajectories), trajectoryIndexes)),
    ...(notes.length > 0 ? await build(analysis, of(tableNames.analysis), analysisIndexes) : []),
  ];
  for (const opened of [table, analysis, database]) opened.close();
  return folders;
}

/**
 * Tables whose scalar indexes all answer wrongly: each is that of other rows, in which every value belongs to the row
 * before. No handle of them is open.
 */
export async function makeLyingIndexes(folder: string, rows: RowMade[], notes: Note[] = []): Promise<void> {
  const shifted = <T>(list: T[]) => [...list.slice(1), ...list.slice(0, 1)];
  const folders = await stored(folder, rows, notes);
  const others = await stored(undefined, shifted(rows), shifted(notes));
  for (const [i, lying] of others.entries()) {
    await rm(folders[i]!, { recursive: true });
    await cp(lying, folders[i]!, { recursive: true });
  }
}
