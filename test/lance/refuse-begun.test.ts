import { expect, it } from 'vitest';
import { arrow, openDatabase, refuseBegun } from '../../src/lance/index.js';
import { temporaryFolder } from '../support/folder.js';

const schema = new arrow.Schema([new arrow.Field('id', new arrow.Utf8(), false)]);

async function openHandles() {
  const folder = await temporaryFolder();
  const handle = async () => (await openDatabase(folder)).openTable('t', schema);
  return { begun: await handle(), own: await handle(), other: await handle(), handle };
}

it('a commit that was begun before does not land, one that is begun after does', async () => {
  const { begun, own, other } = await openHandles();
  await refuseBegun(own);
  await expect(begun.add([{ id: 'late' }])).rejects.toThrow(/incompatible/i);
  await other.checkoutLatest();
  await other.add([{ id: 'new' }]);
  expect((await other.query().toArray()).map(({ id }) => id)).toEqual(['new']);
});

it('a commit that has landed stays, its rows and its index where they were, and no row id is used twice', async () => {
  const { begun, own, handle } = await openHandles();
  await begun.add([{ id: 'a' }, { id: 'b' }]);
  await begun.createIndex('id');
  const idsOf = async () => {
    const table = await handle();
    const rows = await table.query().withRowId().toArray();
    return { names: rows.map(({ id }) => id), rowIds: rows.map(({ _rowid }) => BigInt(_rowid)) };
  };
  const before = await idsOf();
  await refuseBegun(own);
  expect(await idsOf()).toEqual(before);
  expect((await own.listIndices()).map(({ columns }) => columns)).toEqual([['id']]);
  await own.checkoutLatest();
  await own.add([{ id: 'c' }]);
  const after = await idsOf();
  expect(after.names).toEqual(['a', 'b', 'c']);
  expect(new Set(after.rowIds).size).toBe(3);
});
