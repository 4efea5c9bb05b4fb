import Database from 'libsql';
import { pageText } from '../../../src/trajectories/query/page-text.js';
import type { TrajectoryFilter } from '../../../src/trajectories/query/trajectory-filter.js';
import type { Contestant } from './contestant.js';
import type { StoredRecord } from './page-store.js';
import {
  columns,
  countSql,
  readSql,
  statisticsOfSums,
  statisticsSql,
  textOf,
  type Values,
  whereOf,
} from './sql-rows.js';

/** For each filter with each sort that is asked for, as one would make them who knows the questions. */
const indexes = [
  ['created_at', 'seq'],
  ['reward', 'seq'],
  ['exec_time', 'seq'],
  ['step_count', 'seq'],
  ['data_id', 'created_at', 'seq'],
  ['agent_name', 'created_at', 'seq'],
  ['agent_name', 'exec_time', 'seq', 'reward'],
  ['agent_name', 'is_success'],
  ['created_at', 'seq', 'reward'],
  // Covers the statistics.
  ['data_id', 'is_success', 'reward', 'exec_time'],
];

/**
 * The same records in SQLite, the usual way: a table with a row for each record, an index for each question, WAL.
 * @source SQLite documentation, "Query Planning" and "Write-Ahead Logging"
 */
export interface SqliteStore extends Contestant {
  add(records: readonly StoredRecord[]): void;
  /** Makes the indexes; call it once everything is there. */
  finish(): void;
}

/** @param file is created @source SQLite documentation, "PRAGMA Statements" */
export function openSqlite(file: string): SqliteStore {
  const database = new Database(file);
  for (const pragma of [
    'journal_mode = WAL',
    'synchronous = NORMAL',
    'cache_size = -262144',
    'mmap_size = 8589934592',
  ]) {
    database.pragma(pragma);
  }
  database.exec(`CREATE TABLE trajectories (${columns.join(', ')})`);
  database.exec('CREATE TABLE analysis (trajectory_id PRIMARY KEY, category, root_cause) WITHOUT ROWID');
  const addRow = database.prepare(`INSERT INTO trajectories VALUES (${columns.map(() => '?').join(', ')})`);
  const addAnalysis = database.prepare('INSERT INTO analysis VALUES (?, ?, ?)');
  const prepared = new Map<string, Database.Statement>();

  function all(sql: string, values: readonly unknown[]): Values[] {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement.all(...values) as Values[];
  }

  function countRows(filter: TrajectoryFilter): number {
    const { sql, values } = whereOf(filter, filter.length === 1);
    return Number(all(`${countSql} ${sql}`, values)[0]?.total);
  }

  return {
    add(records) {
      database.exec('BEGIN');
      for (const { row, text, analysis } of records) {
        const values = { ...row, record_json: Buffer.from(text), tags: JSON.stringify(row.tags) } as Values;
        addRow.run(...columns.map((column) => plain(values[column])));
        if (analysis) addAnalysis.run(analysis.trajectory_id, analysis.category, analysis.root_cause);
      }
      database.exec('COMMIT');
    },
    finish() {
      database.exec('CREATE UNIQUE INDEX by_trajectory_id ON trajectories (trajectory_id)');
      for (const index of indexes) {
        database.exec(`CREATE INDEX by_${index.join('_and_')} ON trajectories (${index.join(', ')})`);
      }
      database.exec('ANALYZE');
      database.pragma('wal_checkpoint(TRUNCATE)');
    },
    async page(query) {
      const { sql, values } = whereOf(query.filter, false);
      const order = `ORDER BY t.${query.sortBy} ${query.order}, t.seq ${query.order}`;
      // The page is found inside an index first, so that no row before it is read.
      const found = `SELECT t.rowid FROM trajectories AS t ${sql} ${order} LIMIT ? OFFSET ?`;
      const offset = (query.page - 1) * query.pageSize;
      const rows = all(`${readSql} WHERE t.rowid IN (${found}) ${order}`, [...values, query.pageSize, offset]);
      return pageText({ rows: rows.map(textOf), total: countRows(query.filter) }, query);
    },
    async count(filter) {
      return countRows(filter);
    },
    async get(trajectoryId) {
      const [row] = all(`${readSql} WHERE t.trajectory_id = ?`, [trajectoryId]);
      if (!row) throw new Error(`${trajectoryId}: expected a row`);
      return textOf(row);
    },
    async statistics() {
      const startedAt = performance.now();
      const statistics = statisticsOfSums(all(statisticsSql, [])[0] ?? {});
      return { statistics, milliseconds: performance.now() - startedAt };
    },
    forget() {},
    async close() {
      database.close();
    },
  };
}

const plain = (value: unknown) => (typeof value === 'boolean' ? Number(value) : value);
