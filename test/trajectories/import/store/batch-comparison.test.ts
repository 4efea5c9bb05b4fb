import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type Table } from '../../../../src/lance/index.js';
import { BatchCommitter } from '../../../../src/trajectories/import/store/batch-committer.js';
import { comparisonFor } from '../../../../src/trajectories/import/store/batch-comparison.js';
import { type TrajectoryRow, toRow } from '../../../../src/trajectories/import/store/row.js';
import { normalizeTrajectory } from '../../../../src/trajectories/trajectory-normalizing.js';
import { analysisSchema, tableNames, trajectorySchema } from '../../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../../support/folder.js';
import { type RawRecord, rawRecord, storedRows } from '../records.js';

let nextSeq = 1;

function row(number: number, changes: RawRecord = {}, importId = 'import-1'): TrajectoryRow {
  const result = normalizeTrajectory(rawRecord(number, changes), 1000);
  if (!result.ok) throw new Error(result.reasons.join());
  return { ...toRow(result.trajectory, importId), seq: nextSeq++ };
}
const rows = (from: number, to: number, changes: RawRecord = {}) =>
  Array.from({ length: to - from }, (_, i) => row(from + i, changes));

/** The table with some of its methods replaced. */
function replaced(table: Table, methods: Record<string, unknown>): Table {
  return new Proxy(table, {
    get(target, name) {
      const value = methods[name as string] ?? Reflect.get(target, name);
      return typeof value === 'function' && !(name in methods) ? value.bind(target) : value;
    },
  });
}

/** An import that is compared at each batch; `broken` replaces methods of its table. */
async function open(
  broken: (table: Table) => Record<string, unknown> = () => ({}),
  onConflict: 'skip' | 'replace' = 'skip',
) {
  const lanceUri = await temporaryFolder();
  const database = await openDatabase(lanceUri);
  onTestFinished(() => database.close());
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const trajectories = replaced(table, broken(table));
  const checked: [string, string | undefined][] = [];
  const commits: string[] = [];
  const committer = new BatchCommitter({
    trajectories,
    analysis: await database.openTable(tableNames.analysis, analysisSchema),
    importId: 'import-1',
    skipDuplicateCheck: false,
    onConflict,
    batchImport: true,
    bulkDuplicateCheck: true,
    importedAt: 2000,
    onCommit: ({ variant }) => commits.push(variant),
    onFallback: (flag) => commits.push(`fallback of ${flag}`),
    comparison: comparisonFor({ importId: 'import-1', compareEachMs: 0 }, trajectories, ({ flag, difference }) =>
      checked.push([flag, difference]),
    ),
  });
  const numbers = async () => (await storedRows(lanceUri)).map(({ data_id }) => data_id).sort();
  return { lanceUri, committer, checked, commits, numbers };
}

const agreed = [
  ['bulk_duplicate_check', undefined],
  ['batch_import', undefined],
];
const wanted = (from: number, to: number) =>
  rows(from, to)
    .map(({ data_id }) => data_id)
    .sort();

/** What breaks a commit of several rows; one of a single row is stored as it is. */
const breakages: [string, (table: Table) => Record<string, unknown>, RegExp][] = [
  [
    'that loses its last row',
    (table) => ({ add: (data: { numRows: number }) => table.add(several(data) ? cut(data) : (data as never)) }),
    /9 rows were to be added, 8 were/,
  ],
  [
    'that is stored twice',
    (table) => {
      const twice = (data: { numRows: number; concat(other: unknown): never }) =>
        table.add(several(data) ? data.concat(data) : (data as never));
      return { add: twice };
    },
    /9 rows were to be added, 18 were/,
  ],
];
const several = ({ numRows }: { numRows: number }) => numRows > 1;
const cut = (data: { numRows: number }) =>
  (data as never as { slice(a: number, b: number): never }).slice(0, data.numRows - 1);

describe('a batch of an import', () => {
  it('is compared, and nothing else happens, when both ways agree', async () => {
    const { committer, checked, commits, numbers } = await open();
    await committer.commit(rows(0, 30));
    expect(await committer.commit(rows(20, 40))).toEqual({ imported: 10, skipped: 10 });
    expect(checked).toEqual([...agreed, ...agreed]);
    expect(commits).toEqual(['batch', 'batch']);
    expect(await numbers()).toEqual(wanted(0, 40));
  });

  it.each(breakages)('%s is found and stored anew, row by row, as is all that follows', async (_, broken, reason) => {
    const { committer, checked, commits, numbers } = await open(broken);
    await committer.commit(rows(0, 9));
    expect(checked.at(-1)).toEqual(['batch_import', expect.stringMatching(reason)]);
    expect(await numbers()).toEqual(wanted(0, 9));
    expect(await committer.commit(rows(8, 11))).toEqual({ imported: 2, skipped: 1 });
    expect(commits).toEqual(['batch', 'row', 'row']);
    expect(await numbers()).toEqual(wanted(0, 11));
  });

  it('that replaces rows is put right by replacing them again', async () => {
    const merge = (table: Table) => ({
      mergeInsert(on: string) {
        const builder = table.mergeInsert(on).whenMatchedUpdateAll().whenNotMatchedInsertAll();
        const execute = (data: { numRows: number }) => builder.execute(several(data) ? cut(data) : (data as never));
        const self: Record<string, unknown> = { execute };
        self.whenMatchedUpdateAll = self.whenNotMatchedInsertAll = () => self;
        return self;
      },
    });
    const { committer, checked, lanceUri } = await open(merge, 'replace');
    await committer.commit([row(1), row(2)]);
    await committer.commit([row(1, { reward: 7 }), row(2, { reward: 8 })]);
    expect(checked.filter(([, difference]) => difference?.includes('not stored'))).toHaveLength(1);
    expect((await storedRows(lanceUri)).map(({ reward }) => reward)).toEqual([7, 8]);
  });

  it('whose duplicates one query misses is looked up one by one, as are all that follow', async () => {
    let isBlind = false;
    const blind = (table: Table) => ({
      query() {
        const query = table.query();
        const where = query.where.bind(query);
        // A list of ids, and nothing of them is found.
        query.where = (filter) => where(isBlind && /^trajectory_id IN/.test(filter) ? 'false' : filter);
        return query;
      },
    });
    const { committer, checked, numbers } = await open(blind);
    await committer.commit(rows(0, 9));
    isBlind = true;
    expect(await committer.commit(rows(3, 12))).toEqual({ imported: 3, skipped: 6 });
    expect(checked[2]).toEqual(['bulk_duplicate_check', 'an id that is stored was not found']);
    expect(await committer.commit(rows(9, 15))).toEqual({ imported: 3, skipped: 3 });
    expect(await numbers()).toEqual(wanted(0, 15));
  });

  it('is not compared without a pause that is set, nor again within it', async () => {
    expect(comparisonFor({ importId: 'i' }, {} as Table, () => {})).toBeUndefined();
    const { committer, checked } = await open();
    Object.assign((committer as unknown as { options: object }).options, { comparison: undefined });
    await committer.commit(rows(0, 3));
    expect(checked).toEqual([]);
  });
});
