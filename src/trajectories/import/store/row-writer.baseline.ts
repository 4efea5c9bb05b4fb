import { batchRowWriter, type RowWriter } from './row-writer.js';

/**
 * A commit for each row, as the origin did.
 * @source trajectory-optimization 1.1 ("10,000次独立插入操作")
 */
export const singleRowWriter: RowWriter = {
  async add(table, rows, onCommit) {
    for (const row of rows) await batchRowWriter.add(table, [row], onCommit);
  },
  async replace(table, rows, onCommit) {
    for (const row of rows) await batchRowWriter.replace(table, [row], onCommit);
  },
};
