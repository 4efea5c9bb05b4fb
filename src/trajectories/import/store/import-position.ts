import { type Database, numberLiteral, stringLiteral, type Table } from '../../../lance/index.js';
import { tableNames, trajectorySchema } from '../../trajectory-schema.js';

/**
 * How far an import got before it was interrupted: so many of the rows that its file holds, from the first on, need not
 * be looked at again, and so many of them were stored.
 * @source product contract, Settled details ("goes on after a restart by itself")
 */
export interface ImportPosition {
  rows: number;
  stored: number;
}

/** Where an import begins. @source product contract, Settled details ("goes on after a restart by itself") */
export const atStart: ImportPosition = { rows: 0, stored: 0 };

const seqsPerQuery = 2000;

/**
 * Reads the position from what is stored. The n-th row of a file (from 0) has the `seq` `firstSeq + n`, and rows reach the
 * table in that order, each commit atomically: so the highest `seq` that the import has in the table tells where it
 * stands, whatever clients have done to rows below. Rows that clients have taken from it count as if they were there.
 * @param overridden `seq` of the rows that clients have replaced or deleted meanwhile
 * @source product contract, Promises 1 and Settled details ("goes on after a restart by itself")
 */
export async function positionOf(
  table: Table,
  { importId, firstSeq }: { importId: string; firstSeq: number },
  overridden: ReadonlySet<number>,
): Promise<ImportPosition> {
  const ofImport = `import_id = ${stringLiteral(importId)}`;
  const own = `${ofImport} AND seq >= ${numberLiteral(firstSeq)}`;
  // Of a run that numbered its rows otherwise: so many rows at least were dealt with.
  const otherwise = await table.countRows(`${ofImport} AND seq < ${numberLiteral(firstSeq)}`);
  const taken = [...overridden].filter((seq) => Number.isInteger(seq) && seq >= firstSeq);
  let stored = otherwise + (await table.countRows(own)) + taken.length;
  // A client's write that was announced may not have come about.
  for (let from = 0; from < taken.length; from += seqsPerQuery) {
    stored -= await table.countRows(`${own} AND seq IN ${seqList(taken.slice(from, from + seqsPerQuery))}`);
  }
  const last = taken.reduce((highest, seq) => Math.max(highest, seq), await highestSeq(table, own));
  return { rows: Math.max(otherwise, last - firstSeq + 1), stored };
}

const seqList = (seqs: readonly number[]) => `(${seqs.map(numberLiteral).join(', ')})`;

async function highestSeq(table: Table, where: string | undefined): Promise<number> {
  const query = table.query().select(['seq']);
  const ordered = (where === undefined ? query : query.where(where)).orderBy({
    columnName: 'seq',
    ascending: false,
    nullsFirst: false,
  });
  const [last] = await ordered.limit(1).toArray();
  return Number(last?.seq ?? -1);
}

/**
 * Above every `seq` of the table, and above what another writer would take at this moment: microseconds since 1970
 * are never overtaken by a thousand rows a millisecond.
 * @source product contract, Settled details ("`created_at`, then `seq`")
 */
export async function firstFreeSeq(database: Database): Promise<number> {
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  try {
    return Math.max(Date.now() * 1000, Math.floor(await highestSeq(table, undefined)) + 1);
  } finally {
    table.close();
  }
}
