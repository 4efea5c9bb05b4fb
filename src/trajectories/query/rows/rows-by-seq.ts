import { numberLiteral, type Table } from '../../../lance/index.js';
import { rowsOf } from '../arrow-rows.js';
import type { Column, TrajectoryRow } from '../trajectory-columns.js';

/**
 * The rows of these `seq`, in their order; those that are gone are left out.
 * @source product contract, Settled details ("`created_at`, then `seq`")
 */
export async function rowsBySeq(
  table: Table,
  seqs: readonly number[],
  columns: readonly Column[],
): Promise<TrajectoryRow[]> {
  if (seqs.length === 0) return [];
  const read = [...columns, 'seq'] as Column[];
  const where = `seq IN (${seqs.map(numberLiteral).join(', ')})`;
  const found = await table.query().where(where).select(read).toArrow();
  const bySeq = new Map(rowsOf(found, read).map(({ seq, ...row }: TrajectoryRow & { seq?: number }) => [seq, row]));
  return seqs.flatMap((seq) => bySeq.get(seq) ?? []);
}
