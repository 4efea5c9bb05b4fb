import { numberLiteral, type Table } from '../../../lance/index.js';
import { rowsOf } from '../arrow-rows.js';
import type { Column, TrajectoryRow } from '../trajectory-columns.js';
import { noPageLimit, type PageLimit, takenInSteps } from './page-limit.js';
import { textBytes } from './row-taker.js';

/**
 * The rows of these `seq`, in their order; those that are gone are left out.
 * @throws Problem PAGE_TOO_LARGE
 * @source product contract, Settled details ("`created_at`, then `seq`")
 */
export async function rowsBySeq(
  table: Table,
  seqs: readonly number[],
  columns: readonly Column[],
  limit: PageLimit = noPageLimit,
): Promise<TrajectoryRow[]> {
  const read = [...columns, 'seq'] as Column[];
  async function take(some: readonly number[]): Promise<TrajectoryRow[]> {
    const where = `seq IN (${some.map(numberLiteral).join(', ')})`;
    const found = await table.query().where(where).select(read).toArrow();
    const bySeq = new Map(rowsOf(found, read).map(({ seq, ...row }: TrajectoryRow & { seq?: number }) => [seq, row]));
    return some.flatMap((seq) => bySeq.get(seq) ?? []);
  }
  return (await takenInSteps(seqs, limit, take, textBytes)) ?? [];
}
