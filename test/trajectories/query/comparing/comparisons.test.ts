import { beforeAll, describe, expect, it } from 'vitest';
import { createScalarIndex, optimizeTable, type Table } from '../../../../src/lance/index.js';
import type { FlagName } from '../../../../src/optimizations/index.js';
import { createBaselineAnalysisLookup } from '../../../../src/trajectories/analysis/analysis-lookup.baseline.js';
import { type AnalysisLookup, createAnalysisLookup } from '../../../../src/trajectories/analysis/analysis-lookup.js';
import { createQueryCache } from '../../../../src/trajectories/query/cache/query-cache.js';
import { createIndexBlame } from '../../../../src/trajectories/query/comparing/index-blame.js';
import { compareIndexes } from '../../../../src/trajectories/query/comparing/index-comparison.js';
import { createRowIdCache } from '../../../../src/trajectories/query/order/row-id-cache.js';
import type { TrajectoryReader } from '../../../../src/trajectories/query/page-query.js';
import { createBaselineReader } from '../../../../src/trajectories/query/trajectory-reader.baseline.js';
import { createTrajectoryReader } from '../../../../src/trajectories/query/trajectory-reader.js';
import {
  createTrajectoryRepository,
  type ListQuery,
  type TextPage,
} from '../../../../src/trajectories/query/trajectory-repository.js';
import { openTestFlags } from '../../../optimizations/open-test-flags.js';
import { makeRow, openTables } from '../../stored-rows.js';

const rows = Array.from({ length: 300 }, (_, i) => makeRow(i));
const notes = rows
  .filter((_, i) => i % 3 === 0)
  .map(({ trajectory_id }, i) => ({
    trajectory_id,
    is_success: false,
    category: `类别-${i % 4}`,
    root_cause: `cause ${i}`,
    suggestion: '',
    updated_at: 1,
  }));

const all: ListQuery = { filter: [], sortBy: 'created_at', order: 'desc', page: 1, pageSize: 20 };
const queries: ListQuery[] = [
  all,
  { ...all, page: 3, pageSize: 50 },
  { ...all, filter: [{ test: 'matches', column: 'agent_name', text: 'AgentB' }] },
  { ...all, filter: [{ test: 'between', column: 'reward', min: 0.1 }], sortBy: 'reward', order: 'asc' },
  { ...all, filter: [{ test: 'contains', columns: ['question'], text: '1题' }], sortBy: 'step_count' },
  { ...all, filter: [{ test: 'has_all', column: 'tags', texts: ['easy'] }], fields: ['trajectory_id', 'tags'] },
  { ...all, filter: [{ test: 'is', column: 'is_success', value: true }], walk: {} },
  { ...all, page: 99 },
];
const settings = 'verification: {sample_rate: 1, max_waiting: 1000, max_time_ratio: 1, at_least_every_seconds: 0}\n';

let table: Table;
let analysis: Table;
beforeAll(async () => {
  ({ table, analysis } = await openTables(rows));
  await analysis.add(notes);
  for (const column of ['reward', 'created_at']) await createScalarIndex(table, { column, kind: 'btree' });
  await createScalarIndex(table, { column: 'agent_name', kind: 'bitmap' });
  await createScalarIndex(analysis, { column: 'trajectory_id', kind: 'btree' });
  await optimizeTable(table, 0);
});

/** The repository as the service has it, over real tables, with parts that a test may break. */
async function open(broken: { reader?: (real: TrajectoryReader) => TrajectoryReader; find?: AnalysisLookup } = {}) {
  const opened = await openTestFlags(settings, undefined, { load: () => 0 });
  const { flags } = opened;
  const rowIds = createRowIdCache(() => 1_000_000);
  const real = createTrajectoryReader({ table, rowIds });
  const options = {
    ...compareIndexes({
      table,
      reader: broken.reader?.(real) ?? real,
      scalarIndexes: flags.optimization('scalar_indexes'),
      blame: createIndexBlame(flags.optimization('scalar_indexes')),
    }),
    baselineReader: createBaselineReader(table),
    nativeQuery: flags.optimization('native_query'),
    analysisLookup: broken.find ?? createAnalysisLookup(analysis),
    baselineAnalysisLookup: createBaselineAnalysisLookup(analysis),
    analysisByIds: flags.optimization('analysis_by_ids'),
    tableVersion: () => table.version(),
    analysisVersion: () => analysis.version(),
    onEvent() {},
  };
  const state = { version: async () => `${await table.version()} ${flags.list().native_query.effective}` };
  const repository = createTrajectoryRepository(options);
  const cached = createQueryCache({
    repository,
    dataVersion: () => state.version(),
    queryCache: flags.optimization('query_cache'),
  });
  const comparisonsOf = (flag: FlagName) => flags.savings()[flag].comparisons;
  return { ...opened, cached, repository, state, comparisonsOf };
}

const textOf = ({ rows, total }: TextPage) => `${total} ${rows.map((row) => row.toString()).join()}`;

describe('the same data asked both ways', () => {
  it('gives the same answers for every flag, each measured on the same requests', async () => {
    const { flags, cached, comparisonsOf } = await open();
    for (const query of [...queries, ...queries]) await cached.list(query);
    await cached.get('t-00003');
    await flags.comparisonsDone();
    for (const flag of ['native_query', 'analysis_by_ids', 'query_cache', 'scalar_indexes'] as const) {
      const { equal, ...others } = comparisonsOf(flag);
      expect({ flag, ...others }).toEqual({ flag, mismatch: 0, skipped: 0, dropped: 0, failed: 0 });
      expect(equal).toBeGreaterThan(3);
      expect(flags.savings()[flag].samples).toBe(equal);
    }
    expect(comparisonsOf('query_cache').equal).toBe(2 * queries.length);
  });

  it('reads without any index where that is compared with reading with them', async () => {
    const rowIds = createRowIdCache(() => 0);
    const [indexed, unindexed] = [true, false].map((usesIndexes) =>
      createTrajectoryReader({ table, rowIds, usesIndexes }),
    );
    const { walk, ...query } = queries[3] as ListQuery;
    expect((await indexed?.explain(query))?.indexes).toEqual([{ column: 'reward', kind: 'btree' }]);
    expect((await unindexed?.explain(query))?.indexes).toEqual([]);
  });

  it('is no mismatch when a row comes in meanwhile', async () => {
    const { flags, cached, comparisonsOf } = await open();
    const list = cached.list(all);
    await list;
    await table.add([makeRow(5000)]);
    await flags.comparisonsDone();
    await table.delete("trajectory_id = 't-05000'");
    expect(comparisonsOf('query_cache').mismatch).toBe(0);
    // Whichever came first.
    const { equal, skipped, mismatch } = comparisonsOf('native_query');
    expect(mismatch).toBe(0);
    expect(equal + skipped).toBeGreaterThan(0);
  });
});

describe('an optimised path that answers wrongly is found and turned off, and nothing wrong is served after', () => {
  const breakages: Record<string, (real: TrajectoryReader) => TrajectoryReader> = {
    'leaves a row out': (real) => ({
      ...real,
      list: async (...asked) => {
        const page = await real.list(...asked);
        return { ...page, rows: page.rows.slice(1) };
      },
    }),
    'counts wrongly': (real) => ({
      ...real,
      list: async (...asked) => {
        const page = await real.list(...asked);
        return { ...page, total: page.total + 1 };
      },
    }),
    'gives the rows of another page': (real) => ({
      ...real,
      list: (query, columns) => real.list({ ...query, page: query.page + 1 }, columns),
    }),
    'gives a value of another row': (real) => ({
      ...real,
      list: async (...asked) => {
        const page = await real.list(...asked);
        return {
          ...page,
          rows: page.rows.map((row) => ({
            ...row,
            record_json: page.rows[0]?.record_json ?? row.record_json,
          })) as typeof page.rows,
        };
      },
    }),
  };

  it.each(Object.entries(breakages))('native_query %s', async (_, reader) => {
    const { flags, cached } = await open({ reader });
    const right = textOf(await (await open()).repository.list(all));
    expect(textOf(await cached.list(all))).not.toBe(right);
    await flags.comparisonsDone();
    expect(flags.list().native_query.effective).toBe(false);
    expect(flags.list().native_query.reason).toContain('wrong answer');
    expect(textOf(await cached.list(all))).toBe(right);
  });

  it.each([
    ['forgets a row', async () => new Map()],
    ['gives another cause', async (ids) => new Map(ids.map((id) => [id, { category: '', rootCause: '' }]))],
  ] satisfies [string, AnalysisLookup][])('analysis_by_ids %s', async (_, find) => {
    const { flags, repository } = await open({ find });
    const right = textOf(await (await open()).repository.list(all));
    expect(textOf(await repository.list(all))).not.toBe(right);
    await flags.comparisonsDone();
    expect(flags.list().analysis_by_ids.effective).toBe(false);
    expect(textOf(await repository.list(all))).toBe(right);
  });

  it('query_cache gives an answer of before', async () => {
    const { flags, cached, state } = await open();
    state.version = async () => 'always the same';
    await cached.list(all);
    await flags.comparisonsDone();
    await table.add([makeRow(6000)]);
    expect((await cached.list(all)).total).toBe(rows.length);
    await flags.comparisonsDone();
    expect(flags.list().query_cache.effective).toBe(false);
    expect((await cached.list(all)).total).toBe(rows.length + 1);
    await table.delete("trajectory_id = 't-06000'");
  });
});
