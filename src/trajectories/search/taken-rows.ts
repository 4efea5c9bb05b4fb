import type { Table } from '../../lance/index.js';
import type { AnalysisLookup } from '../analysis/analysis-lookup.js';
import { rowIdsOf, rowsOf } from '../query/arrow-rows.js';
import { recordIds } from '../query/record-ids.js';
import { neededColumns, rowText } from '../query/row-text.js';
import { noPageLimit, type PageLimit, takenInSteps } from '../query/rows/page-limit.js';

/** A row, and members that are put at its end. @source product contract, Trajectories ("each row") */
export interface WantedRow {
  rowId: bigint;
  members: Record<string, unknown>;
}

/**
 * The rows as the list shows them, JSON texts in UTF-8, in the order of the ids; undefined when one of them has moved
 * or gone since the ids were read.
 * @throws Problem PAGE_TOO_LARGE
 * @source product contract, Trajectories ("each row")
 */
export function takeRowTexts(
  table: Table,
  findNotes: AnalysisLookup,
  wanted: readonly WantedRow[],
  limit: PageLimit = noPageLimit,
): Promise<Buffer[] | undefined> {
  const take = (some: readonly WantedRow[]) => takeTexts(table, findNotes, some);
  return takenInSteps<Buffer, readonly WantedRow[]>(wanted, limit, take, (text) => text.length, 'limit');
}

async function takeTexts(
  table: Table,
  findNotes: AnalysisLookup,
  wanted: readonly WantedRow[],
): Promise<Buffer[] | undefined> {
  const { columns } = neededColumns(undefined);
  const ids = wanted.map(({ rowId }) => rowId).sort((a, b) => (a < b ? -1 : 1));
  const taken = await table
    .takeRowIds(ids)
    .select([...columns])
    .withRowId()
    .toArrow();
  if (taken.numRows < wanted.length) return undefined;
  const rows = rowsOf(taken, columns);
  const byId = new Map(Array.from(rowIdsOf(taken), (rowId, i) => [rowId, rows[i]!]));
  const trajectoryIds = rows.map((row) => recordIds(row.record_json!).trajectoryId);
  const notes = await findNotes(trajectoryIds);
  const texts: Buffer[] = [];
  for (const { rowId, members } of wanted) {
    const row = byId.get(rowId);
    if (!row) return undefined;
    const text = rowText(row, notes.get(recordIds(row.record_json!).trajectoryId));
    texts.push(Buffer.concat([text.subarray(0, -1), Buffer.from(`,${JSON.stringify(members).slice(1)}`)]));
  }
  return texts;
}
