import type { Table } from '../../lance/index.js';

/**
 * Gives new records their `seq`: above every other, and never one that an import takes at the same moment, since those
 * are whole and these end in a half. Doubles hold microseconds since 1970 to a quarter.
 * @source product contract, Settled details ("`created_at`, then `seq`")
 */
export interface SeqSource {
  next(): Promise<number>;
}

/** @param now epoch seconds @source product contract, Settled details ("`created_at`, then `seq`") */
export function createSeqSource(table: Table, now: () => number): SeqSource {
  let last: number | undefined;

  async function highest(): Promise<number> {
    const ordering = { columnName: 'seq', ascending: false, nullsFirst: false };
    const [row] = await table.query().select(['seq']).orderBy(ordering).limit(1).toArray();
    return Number(row?.seq ?? 0);
  }

  return {
    async next() {
      last ??= await highest();
      last = Math.max(Math.floor(now() * 1e6), Math.floor(last) + 1) + 0.5;
      return last;
    },
  };
}
