import { retryOnConflict, type Table } from '../../../lance/index.js';
import type { ColumnMemory } from './memory/column-memory.js';
import type { TrajectoryRow } from './row.js';
import { buildTable } from './row-builder.js';

/**
 * One way of bringing rows into the table; each call of `onCommit` is one commit. `memory` is the writer's until it has
 * resolved.
 * @source trajectory-optimization 1.2-A
 */
export interface RowWriter {
  /** Adds rows whose ids are new. */
  add(
    table: Table,
    rows: readonly TrajectoryRow[],
    onCommit: (rows: number) => void,
    memory?: ColumnMemory,
  ): Promise<void>;
  /** Adds rows, each in place of the one with its id, if there is one. Ids are unique within `rows`. */
  replace(
    table: Table,
    rows: readonly TrajectoryRow[],
    onCommit: (rows: number) => void,
    memory?: ColumnMemory,
  ): Promise<void>;
}

/**
 * All rows in one commit.
 * @source trajectory-optimization 1.2-A
 */
export const batchRowWriter: RowWriter = {
  async add(table, rows, onCommit, memory) {
    await retryOnConflict(() => table.add(buildTable(rows, memory)));
    onCommit(rows.length);
  },
  async replace(table, rows, onCommit, memory) {
    const merge = table.mergeInsert('trajectory_id').whenMatchedUpdateAll().whenNotMatchedInsertAll();
    await retryOnConflict(() => merge.execute(buildTable(rows, memory)));
    onCommit(rows.length);
  },
};
