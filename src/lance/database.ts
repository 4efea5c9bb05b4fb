import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { connect, Session, type Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';
import { removeEmptyFolders } from './folders/empty-folders.js';
import { createFolderSync, type FolderSync } from './folders/folder-sync.js';
import { countVersions, openSoundTable, type TableDamage } from './table-recovery.js';
import { versionPrint } from './version-print.js';

/**
 * One folder of tables, opened by this thread. Handles do not see what other threads or processes commit until
 * `checkoutLatest()` is called on them. A commit is atomic and survives `kill -9`; only {@link Database.syncTable}
 * makes it survive a power cut.
 *
 * Tables are made without stable row ids, so an update or an optimisation gives a row a new `_rowid` (and none is ever
 * used twice): with stable ones, scattered updates of a fifth of 100,000 rows slowed each later scan 35 times.
 * @source LanceDB documentation, "Tables" and "Versioning"
 */
export interface Database {
  /** Opens the table, or creates it empty. @throws Error when a stored table lacks one of the schema's columns */
  openTable(name: string, schema: Schema): Promise<Table>;
  /** Makes every commit made so far, by whom ever, survive a power cut. @returns number of files fsynced */
  syncTable(name: string): Promise<number>;
  /** Names of the tables whose name begins so. */
  tableNames(prefix: string): Promise<string[]>;
  /** Removes a table with all its rows. Handles of it are of no use any more. */
  dropTable(name: string): Promise<void>;
  /** Number of versions of the table that are on disk. */
  countVersions(name: string): Promise<number>;
  /** Tells a version of the table from all others, see {@link versionPrint}; undefined when it is not there. */
  versionPrint(name: string, version: number): Promise<string | undefined>;
  /** Removes empty folders that old versions have left behind. @returns how many */
  sweep(name: string): Promise<number>;
  /** Frees the connection; tables opened from it stay usable until they are closed themselves. */
  close(): void;
}

/**
 * With `onDamage`, each table is read through when it is first opened: one that a power cut or a bad disk has damaged
 * goes back to its last good version, or begins anew, and `onDamage` is told what is missing. One opener only may ask
 * for that, before the others open.
 * @source product contract, Promises 4 and 6
 */
export interface DatabaseOptions {
  onDamage?(damage: TableDamage): void;
  /** Those of readers when left out. */
  caches?: CacheLimits;
}

/**
 * What a connection keeps in memory at most of what it has read, in bytes: parts of indexes; the lists of pieces that
 * make up a version, and where the columns lie in each. Without limits the database takes 6 and 1 GiB, and a thousand
 * commits leave a thousand lists behind, each longer than the one before.
 * @source LanceDB documentation, Session
 */
export interface CacheLimits {
  indexBytes: number;
  metadataBytes: number;
}

const readerCaches: CacheLimits = { indexBytes: 1024 ** 3, metadataBytes: 16 * 1024 ** 2 };
/** For who adds rows, and looks for nothing but ids. @source product contract, Promises 6 */
export const writerCaches: CacheLimits = { indexBytes: 128 * 1024 ** 2, metadataBytes: 8 * 1024 ** 2 };

/**
 * @param uri absolute path of the folder, created when missing (a relative one could be taken for a cloud address)
 * @throws Error when the path is not absolute
 * @source LanceDB documentation, "Quickstart" (connect); product contract, "Process settings" (LANCEDB_URI)
 */
export async function openDatabase(
  uri: string,
  { onDamage, caches = readerCaches }: DatabaseOptions = {},
): Promise<Database> {
  if (!path.isAbsolute(uri)) throw new Error(`expected an absolute path for the database, got "${uri}"`);
  const firstCreated = await mkdir(uri, { recursive: true });
  const topmost = path.dirname(firstCreated ?? uri);
  // As an option: the third parameter of `connect`, which its types offer for it, is not looked at.
  const session = new Session(BigInt(caches.indexBytes), BigInt(caches.metadataBytes));
  const connection = await connect(uri, { session });
  const syncs = new Map<string, FolderSync>();
  const tableFolder = (name: string) => path.join(uri, `${name}.lance`);

  /**
   * Makes the table aside and renames it into place. The database's own creation overwrites what another opener has
   * created, and filled, at the same moment; a rename onto a folder with files in it fails.
   */
  async function createTable(name: string, schema: Schema): Promise<void> {
    const aside = await mkdtemp(path.join(uri, '.new-'));
    try {
      const makers = await connect(aside);
      (await makers.createEmptyTable(name, schema)).close();
      makers.close();
      await rename(path.join(aside, path.basename(tableFolder(name))), tableFolder(name));
    } catch (error) {
      if (!(await exists(tableFolder(name)))) throw error;
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  const checked = new Set<string>();

  /** The table as it is stored, at its last good version when it is opened for the first time. */
  async function openStored(name: string, schema: Schema): Promise<Table> {
    if (!(await exists(tableFolder(name)))) await createTable(name, schema);
    if (!onDamage || checked.has(name)) return connection.openTable(name);
    const { table, damage } = await openSoundTable(name, tableFolder(name), () => connection.openTable(name));
    checked.add(name);
    if (damage) onDamage(damage);
    if (table) return table;
    await createTable(name, schema);
    return connection.openTable(name);
  }

  return {
    async openTable(name, schema) {
      const table = await openStored(name, schema);
      const stored = new Set((await table.schema()).names);
      const missing = schema.names.filter((column) => !stored.has(column));
      if (missing.length === 0) return table;
      table.close();
      throw new Error(`table "${name}": expected the columns ${missing.join(', ')}, which the stored table lacks`);
    },
    syncTable(name) {
      let sync = syncs.get(name);
      if (!sync) {
        sync = createFolderSync(tableFolder(name), foldersBetween(uri, topmost));
        syncs.set(name, sync);
      }
      return sync.sync();
    },
    versionPrint: (name, version) => versionPrint(tableFolder(name), version),
    sweep: (name) => removeEmptyFolders(tableFolder(name)),
    countVersions: (name) => countVersions(tableFolder(name)),
    async tableNames(prefix) {
      const names = (await readdir(uri)).filter((name) => name.endsWith('.lance')).map((name) => name.slice(0, -6));
      return names.filter((name) => name.startsWith(prefix)).sort();
    },
    async dropTable(name) {
      syncs.delete(name);
      await connection.dropTable(name);
    },
    close: () => connection.close(),
  };
}

async function exists(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** `from` and every folder above it up to `to`. */
function foldersBetween(from: string, to: string): string[] {
  const folders = [from];
  for (let folder = from; folder !== to && folder !== path.dirname(folder); ) {
    folder = path.dirname(folder);
    folders.push(folder);
  }
  return folders;
}
