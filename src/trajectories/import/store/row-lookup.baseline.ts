import { stringLiteral } from '../../../lance/index.js';
import type { KeptFields } from './row.js';
import { addStored, lookupColumns, type RowLookup } from './row-lookup.js';

/**
 * One query for each id, as the origin asked.
 * @source trajectory-optimization 1.1 ("1. 检查重复")
 */
export const lookUpEach: RowLookup = async (table, ids) => {
  const found = new Map<string, KeptFields>();
  for (const id of ids) {
    const filter = `trajectory_id = ${stringLiteral(id)}`;
    addStored(found, await table.query().where(filter).select(lookupColumns).limit(1).toArray());
  }
  return found;
};
