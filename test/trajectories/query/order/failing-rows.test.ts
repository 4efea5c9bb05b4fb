import { expect, it } from 'vitest';
import type { Table } from '../../../../src/lance/index.js';
import { createLeadingRows } from '../../../../src/trajectories/query/order/leading-rows.js';
import { createRowIdCache } from '../../../../src/trajectories/query/order/row-id-cache.js';
import type { Sorting } from '../../../../src/trajectories/query/order/sorting.js';

const all = { filter: [], sortBy: 'reward', order: 'asc', page: 1, pageSize: 2 } as const;
const filtered = { ...all, filter: [{ test: 'is', column: 'is_success', value: true }] } as const;

async function later<T>(value: T): Promise<T> {
  await new Promise(setImmediate);
  return value;
}

/** Whoever fails first: the other is still under way, and nothing is left that nobody waits for. */
it.each(['matching', 'countRows'] as const)('a page whose %s fails fails alone', async (failing) => {
  const broken = () => Promise.reject(new Error('broken'));
  const sorting = {
    first: async () => ({ ids: new BigUint64Array(1), total: 1, positionOf: () => ({ value: 0, seq: 0 }) }),
    all: async () => new BigUint64Array(1),
    matching: () => later(new BigUint64Array(1)),
    countRows: () => later(1),
    explain: async () => [],
    explainMatching: async () => [],
    idle: async () => {},
    [failing]: broken,
  } satisfies Sorting;
  const table = { version: async () => 1 } as unknown as Table;
  const rows = createLeadingRows({ table, cache: createRowIdCache(() => 1_000_000), sorting });
  await rows.find(all);
  await expect(rows.find(filtered)).rejects.toThrow('broken');
  await new Promise(setImmediate);
});
