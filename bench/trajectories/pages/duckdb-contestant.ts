import { pathToFileURL } from 'node:url';
import type { Statistics } from '../../../src/trajectories/analysis/statistics.js';
import { pageText } from '../../../src/trajectories/query/page-text.js';
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

/**
 * What is used of `@duckdb/node-api`, which is no dependency: it is only compared with.
 * @source DuckDB documentation, "Node.js Client (Neo)"
 */
interface DuckModule {
  DuckDBInstance: { create(file: string): Promise<{ connect(): Promise<DuckConnection>; closeSync(): void }> };
}

interface DuckConnection {
  run(sql: string): Promise<unknown>;
  createAppender(table: string): Promise<DuckAppender>;
  prepare(sql: string): Promise<DuckStatement>;
  closeSync(): void;
}

interface DuckStatement {
  bind(values: readonly unknown[]): void;
  runAndReadAll(): Promise<{ getRowObjectsJS(): Values[] }>;
}

type DuckAppender = Record<
  'appendVarchar' | 'appendDouble' | 'appendInteger' | 'appendBoolean',
  (value: never) => void
> & {
  appendBlob(bytes: Uint8Array): void;
  endRow(): void;
  flushSync(): void;
  closeSync(): void;
};

const types: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['epoch_id', 'iteration_id', 'sample_id', 'step_count'].map((name) => [name, 'INTEGER'])),
  ...Object.fromEntries(
    ['reward', 'toolcall_reward', 'res_reward', 'exec_time', 'created_at', 'updated_at', 'seq'].map((name) => [
      name,
      'DOUBLE',
    ]),
  ),
  is_bookmarked: 'BOOLEAN',
  is_success: 'BOOLEAN',
  record_json: 'BLOB',
};
const appendOf = {
  VARCHAR: 'appendVarchar',
  DOUBLE: 'appendDouble',
  INTEGER: 'appendInteger',
  BOOLEAN: 'appendBoolean',
} as const;
const typeOf = (column: string) => types[column] ?? 'VARCHAR';

/** How to have it compared. @source DuckDB documentation, "Node.js Client (Neo)" */
export const duckMissing = 'not installed: npm install --no-save @duckdb/node-api, or its main file in DUCKDB_MODULE';

/**
 * The module, where somebody has installed it.
 * @param place its main file; else it is looked for as any package
 * @returns undefined when it is not there
 * @source DuckDB documentation, "Node.js Client (Neo)"
 */
export async function importDuckdb(place: string | undefined): Promise<DuckModule | undefined> {
  const name = place ? pathToFileURL(place).href : '@duckdb/node-api';
  try {
    return (await import(name)) as DuckModule;
  } catch (error) {
    if (!place && (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** @source DuckDB documentation, "Appender" */
export interface DuckdbStore extends Contestant {
  add(records: readonly StoredRecord[]): void;
  /** Makes the indexes; call it once everything is there. */
  finish(): Promise<void>;
}

/**
 * The same records in DuckDB, the usual way: one table by columns, an index for what is looked up by value. Its indexes
 * serve no order and no range: those it reads by columns, on all cores.
 * @param file is created
 * @source DuckDB documentation, "Indexes" (zonemaps and ART)
 */
export async function openDuckdb({ DuckDBInstance }: DuckModule, file: string): Promise<DuckdbStore> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run(
    `CREATE TABLE trajectories (${columns.map((column) => `${column} ${typeOf(column)}`).join(', ')})`,
  );
  await connection.run('CREATE TABLE analysis (trajectory_id VARCHAR, category VARCHAR, root_cause VARCHAR)');
  const rows = await connection.createAppender('trajectories');
  const notes = await connection.createAppender('analysis');
  const prepared = new Map<string, DuckStatement>();

  async function all(sql: string, values: readonly unknown[]): Promise<Values[]> {
    let statement = prepared.get(sql);
    if (!statement) {
      statement = await connection.prepare(sql);
      prepared.set(sql, statement);
    }
    statement.bind(values);
    return (await statement.runAndReadAll()).getRowObjectsJS();
  }

  function append({ row, text, analysis }: StoredRecord): void {
    const values = { ...row, tags: JSON.stringify(row.tags) } as Values;
    for (const column of columns) {
      const type = typeOf(column);
      if (type === 'BLOB') rows.appendBlob(Buffer.from(text));
      else rows[appendOf[type as keyof typeof appendOf]](values[column] as never);
    }
    rows.endRow();
    if (!analysis) return;
    for (const value of [analysis.trajectory_id, analysis.category, analysis.root_cause])
      notes.appendVarchar(value as never);
    notes.endRow();
  }

  async function count(filter: Parameters<Contestant['count']>[0]): Promise<number> {
    const { sql, values } = whereOf(filter, true);
    return Number((await all(`${countSql} ${sql}`, values))[0]?.total);
  }

  return {
    add(records) {
      for (const record of records) append(record);
      rows.flushSync();
      notes.flushSync();
    },
    async finish() {
      rows.closeSync();
      notes.closeSync();
      await connection.run('CREATE UNIQUE INDEX by_trajectory_id ON trajectories (trajectory_id)');
      await connection.run('CREATE INDEX by_data_id ON trajectories (data_id)');
      await connection.run('CREATE UNIQUE INDEX analysis_by_trajectory_id ON analysis (trajectory_id)');
      await connection.run('ANALYZE');
      await connection.run('CHECKPOINT');
    },
    async page(query) {
      const { sql, values } = whereOf(query.filter, true);
      const order = `ORDER BY t.${query.sortBy} ${query.order}, t.seq ${query.order}`;
      // The page is found in the narrow columns first, so that no other record is read.
      const found = `SELECT t.rowid FROM trajectories AS t ${sql} ${order} LIMIT ? OFFSET ?`;
      const offset = (query.page - 1) * query.pageSize;
      const page = await all(`${readSql} WHERE t.rowid IN (${found}) ${order}`, [...values, query.pageSize, offset]);
      return pageText({ rows: page.map(textOf), total: await count(query.filter) }, query);
    },
    count,
    async get(trajectoryId) {
      const [row] = await all(`${readSql} WHERE t.trajectory_id = ?`, [trajectoryId]);
      if (!row) throw new Error(`${trajectoryId}: expected a row`);
      return textOf(row);
    },
    async statistics() {
      const startedAt = performance.now();
      const [sums = {}] = await all(statisticsSql, []);
      const statistics: Statistics = statisticsOfSums(sums);
      return { statistics, milliseconds: performance.now() - startedAt };
    },
    forget() {},
    async close() {
      prepared.clear();
      connection.closeSync();
      instance.closeSync();
    },
  };
}
