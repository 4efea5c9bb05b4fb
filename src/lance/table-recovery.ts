import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { syncFolder } from '../durable-file.js';

/**
 * What was wrong with a stored table, and what was done about it. Nothing is deleted: what could not be read lies in
 * the folder `keptIn`, beside the table's own files.
 * @source product contract, Promises 4; LanceDB documentation, "Versioning"
 */
export interface TableDamage {
  table: string;
  /** The version that is in use now; undefined when none could be read and the table begins empty. */
  version: number | undefined;
  /** Rows in use now. */
  rows: number;
  /** Versions set aside, newest first: what they had added, changed or removed is missing. */
  lostVersions: number[];
  /** Rows that the newest version said it had; undefined when it could not even be opened. */
  lostRows: number | undefined;
  /** When the oldest of the versions set aside was written, epoch milliseconds. */
  lostSinceMs: number | undefined;
  /** Name of the folder that holds what was set aside. */
  keptIn: string;
  cause: unknown;
}

/** Faults of the machine, not of the table: going back to an older version would help nobody. */
const passingFault = /too many open files|permission denied|no space left|os error (5|12|13|24|28|30)\b/i;
const damagedFolder = '_damaged';
const largestVersion = 2n ** 64n - 1n;

/**
 * Opens a table at the newest version that can be read, setting aside the manifests of those that cannot: the database
 * itself opens nothing when the newest manifest is torn, and notices a missing data file only when it is asked for.
 * @param folder of the table, which exists
 * @param openNewest opens it as the database does
 * @returns the table, or undefined when no version of it can be read; and the damage, if there was any
 * @throws Error for faults of the machine (no permission, too many open files)
 * @source product contract, Promises 4; LanceDB documentation, "Versioning"
 */
export async function openSoundTable(
  name: string,
  folder: string,
  openNewest: () => Promise<Table>,
): Promise<{ table: Table | undefined; damage: TableDamage | undefined }> {
  const setAside: Manifest[] = [];
  let rowsBefore: number | undefined;
  let cause: unknown;
  for (;;) {
    const tried = await tryOpening(openNewest);
    if (setAside.length === 0) rowsBefore = tried.rows;
    if ('table' in tried) {
      if (setAside.length === 0) return { table: tried.table, damage: undefined };
      const version = await tried.table.version();
      const lostRows = rowsBefore === undefined ? undefined : Math.max(0, rowsBefore - tried.rows);
      return {
        table: tried.table,
        damage: { ...damageOf(name, setAside, cause), version, rows: tried.rows, lostRows },
      };
    }
    if (passingFault.test(String(tried.error))) throw tried.error;
    cause ??= tried.error;
    const newest = (await manifestsOf(folder))[0];
    if (!newest) break;
    await moveDurably(path.join(folder, '_versions'), path.join(folder, damagedFolder), newest.file);
    setAside.push(newest);
  }
  // The whole folder is moved away with them: put them back where they belong.
  for (const { file } of setAside.reverse()) {
    await moveDurably(path.join(folder, damagedFolder), path.join(folder, '_versions'), file);
  }
  const aside = path.join(path.dirname(folder), `.damaged-${name}-${new Date().toISOString().replace(/[:.]/g, '-')}`);
  await rename(folder, aside);
  await syncFolder(path.dirname(folder));
  const damage = { ...damageOf(name, setAside.reverse(), cause), version: undefined, rows: 0, lostRows: rowsBefore };
  return { table: undefined, damage: { ...damage, keptIn: path.basename(aside) } };
}

function damageOf(table: string, setAside: readonly Manifest[], cause: unknown) {
  const times = setAside.map(({ writtenAtMs }) => writtenAtMs);
  return {
    table,
    lostVersions: setAside.map(({ version }) => version),
    lostSinceMs: times.length > 0 ? Math.min(...times) : undefined,
    keptIn: damagedFolder,
    cause,
  };
}

type Tried = { table: Table; rows: number } | { error: unknown; rows: number | undefined };

/** Reads one narrow column through: every piece of data must be there for that, and its list of deleted rows. */
async function tryOpening(openNewest: () => Promise<Table>): Promise<Tried> {
  let table: Table | undefined;
  let rows: number | undefined;
  try {
    table = await openNewest();
    const { fields } = await table.schema();
    const narrow = fields.find(({ type }) => /^(Bool|Int|Float)/.test(String(type))) ?? fields[0];
    // A manifest of nothing but zeros passes for one of a table without columns.
    if (!narrow) throw new Error('expected a table with columns, got none');
    rows = await table.countRows();
    let found = 0;
    for await (const batch of table.query().select([narrow.name])) found += batch.numRows;
    if (found !== rows) throw new Error(`expected ${rows} rows, got ${found}`);
    return { table, rows };
  } catch (error) {
    table?.close();
    return { error, rows };
  }
}

interface Manifest {
  file: string;
  version: number;
  writtenAtMs: number;
}

/** Newest first. Names are the version, or its distance from the largest number there is. */
async function manifestsOf(folder: string): Promise<Manifest[]> {
  const versions = path.join(folder, '_versions');
  const files = await readdir(versions).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const manifests = files.flatMap((file) => {
    const [, digits] = /^(\d+)\.manifest$/.exec(file) ?? [];
    if (digits === undefined) return [];
    return [{ file, version: Number(digits.length === 20 ? largestVersion - BigInt(digits) : BigInt(digits)) }];
  });
  const timed = manifests.map(async (manifest) => {
    const { mtimeMs } = await stat(path.join(versions, manifest.file));
    return { ...manifest, writtenAtMs: mtimeMs };
  });
  return (await Promise.all(timed)).sort((a, b) => b.version - a.version);
}

/**
 * Number of versions that the folder of a table holds.
 * @source LanceDB documentation, "Versioning"
 */
export async function countVersions(folder: string): Promise<number> {
  const files = await readdir(path.join(folder, '_versions'));
  return files.filter((file) => file.endsWith('.manifest')).length;
}

async function moveDurably(from: string, to: string, file: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await rename(path.join(from, file), path.join(to, file));
  await syncFolder(to);
  await syncFolder(from);
}
