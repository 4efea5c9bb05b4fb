import { expect, it } from 'vitest';
import type { Table } from '../../../../src/lance/index.js';
import { idHash, OwnIds } from '../../../../src/trajectories/import/store/own-ids.js';

/** As much of a table as is asked here. */
function fakeTable() {
  const state = { version: 1, rows: 0, foreignRows: 0, counts: [] as (string | undefined)[] };
  const table = {
    version: async () => state.version,
    async countRows(filter?: string) {
      state.counts.push(filter);
      return filter ? state.foreignRows : state.rows + state.foreignRows;
    },
  };
  return { state, table: table as unknown as Table };
}

const idsFrom = (from: number, count: number) => Array.from({ length: count }, (_, i) => `q${from + i}-run1-1-2-3-0`);

async function commit(own: OwnIds, state: { version: number; rows: number }, ids: string[]): Promise<void> {
  state.version += 1;
  state.rows += ids.length;
  await own.committed(ids);
}

it('ids that no row has are known without a query while the table holds only rows of this import', async () => {
  const { state, table } = fakeTable();
  const own = new OwnIds(table, 'one');
  expect(await own.mayBeStored(idsFrom(0, 100))).toEqual([]);
  // Past several doublings.
  await commit(own, state, idsFrom(0, 50_000));
  expect(await own.mayBeStored(['题', ...idsFrom(49_998, 4)])).toEqual(idsFrom(49_998, 2));
  expect(await own.mayBeStored(idsFrom(0, 50_000))).toHaveLength(50_000);
  expect(state.counts).toEqual([undefined]);
});

it('all ids are asked for when the table held rows before', async () => {
  const { state, table } = fakeTable();
  state.rows = 1;
  const own = new OwnIds(table, 'one');
  expect(await own.mayBeStored(idsFrom(0, 2))).toEqual(idsFrom(0, 2));
  await commit(own, state, idsFrom(0, 2));
  expect(await own.mayBeStored(idsFrom(5, 2))).toEqual(idsFrom(5, 2));
});

it('a version that another has made is looked at: upkeep changes nothing, a row of another ends it', async () => {
  const { state, table } = fakeTable();
  const own = new OwnIds(table, "o'ne");
  await own.mayBeStored([]);
  await commit(own, state, idsFrom(0, 10));
  state.version += 1;
  expect(await own.mayBeStored(idsFrom(9, 2))).toEqual(idsFrom(9, 1));
  expect(state.counts).toEqual([undefined, "import_id <> 'o''ne'"]);
  state.version += 1;
  state.foreignRows = 1;
  expect(await own.mayBeStored(idsFrom(20, 2))).toEqual(idsFrom(20, 2));
  state.foreignRows = 0;
  expect(await own.mayBeStored(idsFrom(20, 2))).toEqual(idsFrom(20, 2));
});

it('ids made to meet in one slot of a known hash do not meet in that of a table', () => {
  // Units that differ in a high bit only change nothing below it in a hash that multiplies.
  const units = ['A', String.fromCharCode(0x8041)];
  const crafted = Array.from({ length: 4096 }, (_, i) =>
    Array.from({ length: 12 }, (_, bit) => units[(i >> bit) & 1]).join(''),
  );
  const slotsOf = (seed: number) => crafted.map((id) => Math.floor(idHash(id, seed) / 2 ** 21) & 0x7fff);
  for (const seed of [0, 1, 0x811c9dc5, 0xffffffff]) expect(new Set(slotsOf(seed)).size).toBeGreaterThan(3500);
  const others = slotsOf(2);
  const together = slotsOf(1).filter((slot, i) => slot === others[i]).length;
  expect(together).toBeLessThan(10);
  expect(new Set(crafted.map((id) => idHash(id, 7))).size).toBe(4096);
});
