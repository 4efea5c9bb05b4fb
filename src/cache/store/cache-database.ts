import Database from 'libsql';
import { applicationId, type FoundFile, lookAtFile, removeCacheFile, setFileAside } from './cache-file.js';

/**
 * The second tier of the caches: one SQLite file of values by category and key. Synchronous, so it lives in a thread of
 * its own. Bounded: what was used longest ago goes first, values that are kept for ever last of all.
 */

/**
 * A value and when it is no longer good, in epoch milliseconds, null for never. `checksum`: of the value as it was given,
 * null where an earlier version of the service has written it.
 * @source story-17.4 ADR-0007
 */
export interface FoundValue {
  value: Uint8Array;
  expiresAt: number | null;
  checksum?: number | null;
}

/**
 * One value to keep; `isKept` values go only when nothing else is left.
 * @source story-17.4 ADR-0007
 */
export interface StoredValue extends FoundValue {
  category: string;
  key: string;
  isKept: boolean;
}

/**
 * How much the file may hold, and for how long what nobody asks for.
 * @source story-17.4 ADR-0007 (500 MB, 30 days)
 */
export interface CacheBounds {
  maxBytes: number;
  maxAgeMs: number;
}

/** What the file holds. @source product contract, Trajectories (`GET /admin/cache`) */
export interface CacheFileState {
  entries: number;
  bytes: number;
}

/** The file belongs to another program, and is not touched. @source issue "a cache file of another program" */
export class ForeignCacheFile extends Error {
  override readonly name = 'ForeignCacheFile';
}

const schemaVersion = 2;
/** The same without checksums. */
const versionWithoutChecksums = 1;
const addChecksums = 'ALTER TABLE entries ADD COLUMN checksum INTEGER';
const evictedAtOnce = 50;
/** After making room there is some to spare, so that not every write has to. */
const spareRatio = 0.9;
const busyTimeoutMs = 1000;
/** Uses noted in memory until the next write; more than this are forgotten, which costs the order a little. */
const maxNotedUses = 20_000;

const schema = `
  CREATE TABLE entries (
    category TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER,
    used_at INTEGER NOT NULL,
    is_kept INTEGER NOT NULL,
    checksum INTEGER,
    UNIQUE (category, key)
  );
  CREATE INDEX entries_by_use ON entries (is_kept, used_at);
  CREATE INDEX entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
`;

type Sqlite = InstanceType<typeof Database>;
type Statement = Database.Statement<unknown[]>;

function prepareFile(file: string): { database: Sqlite; found: FoundFile } {
  const found = lookAtFile(file);
  if (found === 'another_database') {
    throw new ForeignCacheFile('expected a cache file of this service, or none, got the database of another program');
  }
  if (found === 'no_database') setFileAside(file);
  return { database: new Database(file, { timeout: busyTimeoutMs }), found };
}

const number = (row: unknown, name: string) => Number((row as Record<string, unknown> | undefined)?.[name] ?? 0);

function configure(database: Sqlite): void {
  const isNew = number(database.prepare('PRAGMA application_id').get(), 'application_id') === 0;
  if (isNew) {
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // Before there is a write-ahead log, so that it stands in the file itself whatever happens next.
    database.exec(`PRAGMA application_id = ${applicationId}`);
  }
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('PRAGMA cache_size = -16384');
  database.exec('PRAGMA mmap_size = 268435456');
  database.exec('PRAGMA journal_size_limit = 16777216');
  const version = number(database.prepare('PRAGMA user_version').get(), 'user_version');
  if (version === schemaVersion) return;
  database.exec('BEGIN IMMEDIATE');
  if (version === versionWithoutChecksums) database.exec(addChecksums);
  else {
    database.exec('DROP TABLE IF EXISTS entries');
    database.exec(schema);
  }
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec('COMMIT');
}

/**
 * An open cache file.
 * @source story-17.4 ADR-0007
 */
export class CacheDatabase {
  readonly #database: Sqlite;
  readonly #bounds: CacheBounds;
  readonly #now: () => number;
  readonly #find: Statement;
  readonly #put: Statement;
  readonly #touch: Statement;
  readonly #uses = new Map<number, number>();

  private constructor(database: Sqlite, bounds: CacheBounds, now: () => number) {
    this.#database = database;
    this.#bounds = bounds;
    this.#now = now;
    this.#find = database.prepare(
      'SELECT rowid, value, expires_at, checksum FROM entries WHERE category = ? AND key = ?',
    );
    this.#put = database.prepare(
      `INSERT INTO entries (category, key, value, expires_at, used_at, is_kept, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (category, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
         used_at = excluded.used_at, is_kept = excluded.is_kept, checksum = excluded.checksum`,
    );
    this.#touch = database.prepare('UPDATE entries SET used_at = ? WHERE rowid = ?');
  }

  /**
   * Opens the file, or makes it. One that is damaged is replaced: nothing in it is dear enough to be mourned.
   * @param now epoch milliseconds
   * @throws ForeignCacheFile; SQLite's error when there can be no file, such as on a full disk
   * @source product contract, Promises 4 ("cache file damaged")
   */
  static open(
    file: string,
    bounds: CacheBounds,
    now = Date.now,
  ): { database: CacheDatabase; found: FoundFile | 'damaged' } {
    const { database, found } = prepareFile(file);
    try {
      configure(database);
      return { database: new CacheDatabase(database, bounds, now), found };
    } catch (error) {
      database.close();
      if (found !== 'ours' || !isDamage(error)) throw error;
      removeCacheFile(file);
      const fresh = new Database(file, { timeout: busyTimeoutMs });
      configure(fresh);
      return { database: new CacheDatabase(fresh, bounds, now), found: 'damaged' };
    }
  }

  /** @returns the value, undefined when it is not there or has expired */
  get(category: string, key: string): FoundValue | undefined {
    const row = this.#find.get(category, key) as
      | { rowid: number; value: Uint8Array; expires_at: number | null; checksum: number | null }
      | undefined;
    const now = this.#now();
    if (!row || (row.expires_at !== null && row.expires_at <= now)) return undefined;
    if (this.#uses.size < maxNotedUses) this.#uses.set(row.rowid, now);
    return { value: row.value, expiresAt: row.expires_at, checksum: row.checksum };
  }

  /** Keeps the values in one transaction, and makes room where they need it; answers how many others went for them. */
  set(values: readonly StoredValue[]): number {
    const now = this.#now();
    this.#transaction(() => {
      this.#writeUses();
      for (const { category, key, value, expiresAt, isKept, checksum = null } of values) {
        this.#put.run(category, key, value, expiresAt, now, isKept ? 1 : 0, checksum);
      }
    });
    return this.#makeRoom();
  }

  /** Drops one value. */
  drop(category: string, key: string): void {
    this.#database.prepare('DELETE FROM entries WHERE category = ? AND key = ?').run(category, key);
  }

  clear(category: string): void {
    this.#database.prepare('DELETE FROM entries WHERE category = ?').run(category);
  }

  /** Drops what has expired or was not used for long, keeps the file within its bound, and gives its room back. */
  cleanUp(): number {
    const now = this.#now();
    let dropped = 0;
    this.#transaction(() => {
      this.#writeUses();
      const expired = this.#database.prepare('DELETE FROM entries WHERE expires_at <= ?').run(now);
      const old = this.#database
        .prepare('DELETE FROM entries WHERE is_kept = 0 AND used_at < ?')
        .run(now - this.#bounds.maxAgeMs);
      dropped = Number(expired.changes) + Number(old.changes);
    });
    dropped += this.#makeRoom();
    this.#database.prepare('PRAGMA incremental_vacuum').all();
    this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    return dropped;
  }

  state(): CacheFileState {
    return {
      entries: number(this.#database.prepare('SELECT COUNT(*) AS entries FROM entries').get(), 'entries'),
      bytes: this.#bytes(),
    };
  }

  close(): void {
    try {
      this.#transaction(() => this.#writeUses());
      this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    } finally {
      this.#database.close();
    }
  }

  #writeUses(): void {
    for (const [rowid, at] of this.#uses) this.#touch.run(at, rowid);
    this.#uses.clear();
  }

  #makeRoom(): number {
    const { maxBytes } = this.#bounds;
    if (this.#bytes() <= maxBytes) return 0;
    const oldest: Statement = this.#database.prepare(
      'DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries ORDER BY is_kept, used_at LIMIT ?)',
    );
    let evicted = 0;
    while (this.#bytes() > maxBytes * spareRatio) {
      const { changes } = oldest.run(evictedAtOnce);
      if (Number(changes) === 0) break;
      evicted += Number(changes);
    }
    return evicted;
  }

  /** Pages in use; free ones are used again before the file grows. */
  #bytes(): number {
    const pages = number(this.#database.prepare('PRAGMA page_count').get(), 'page_count');
    const free = number(this.#database.prepare('PRAGMA freelist_count').get(), 'freelist_count');
    const size = number(this.#database.prepare('PRAGMA page_size').get(), 'page_size');
    return (pages - free) * size;
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/**
 * Whether an error says that the file itself is damaged; a lock or a full disk says nothing against it.
 * @source SQLite documentation, "Result and Error Codes"
 */
export function isDamage(error: unknown): boolean {
  return /SQLITE_(CORRUPT|NOTADB)/.test(String((error as { code?: unknown }).code));
}
