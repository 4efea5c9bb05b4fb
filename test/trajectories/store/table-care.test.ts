import { expect, test } from 'vitest';
import { createScalarIndex, type ScalarIndex, type Table } from '../../../src/lance/index.js';
import { createLogger } from '../../../src/logger.js';
import { createTableCare } from '../../../src/trajectories/store/table-care.js';
import { createWriteQueue } from '../../../src/trajectories/store/write-queue.js';
import type { TrajectoryEvent } from '../../../src/trajectories/trajectory-events.js';
import { fixedOptimization } from '../../support/optimization.js';
import { makeRow, openTables } from '../stored-rows.js';

const indexes: ScalarIndex[] = [
  { column: 'reward', kind: 'btree' },
  { column: 'agent_name', kind: 'bitmap' },
];
const rows = (from: number, count: number) => Array.from({ length: count }, (_, i) => makeRow(from + i));

function careOf(table: Table, scalarIndexes = fixedOptimization(true, {})) {
  const events: TrajectoryEvent[] = [];
  const care = createTableCare({
    name: 'trajectories',
    table,
    indexes,
    scalarIndexes,
    writes: createWriteQueue(),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
  });
  const done = () => events.splice(0).map((event) => ('column' in event ? event.column : event.type));
  return { care, done, scalarIndexes };
}

test('an empty table needs no care', async () => {
  const { table } = await openTables([]);
  const { care, done } = careOf(table);
  await care.run();
  expect(done()).toEqual([]);
});

test('missing indexes are built once', async () => {
  const { table } = await openTables(rows(0, 50));
  const { care, done } = careOf(table);
  await care.run();
  expect(done()).toEqual(['reward', 'agent_name']);
  await care.run();
  expect(done()).toEqual([]);
  expect((await table.listIndices()).map((index) => index.columns[0]).sort()).toEqual(['agent_name', 'reward']);
});

test('a few new rows wait; more than a tenth of unindexed rows do not', async () => {
  const { table } = await openTables(rows(0, 100));
  const { care, done } = careOf(table);
  await care.run();
  done();
  await table.add(rows(100, 5));
  await care.run();
  expect(done()).toEqual([]);
  await table.add(rows(105, 20));
  await care.run();
  expect(done()).toEqual(['table_optimized']);
  expect((await table.indexStats('reward_idx'))?.numUnindexedRows).toBe(0);
});

test('data that came in many small pieces is put together', async () => {
  const { table } = await openTables(rows(0, 60), 6);
  const { care, done } = careOf(table);
  await care.run();
  expect(done()).toEqual(['reward', 'agent_name', 'table_optimized']);
  expect((await table.stats()).fragmentStats.numFragments).toBe(1);
});

test('calls made meanwhile share one further run', async () => {
  const { table } = await openTables(rows(0, 20));
  const { care, done } = careOf(table);
  const first = care.run();
  const [second, third] = [care.run(), care.run()];
  expect(second).toBe(third);
  await Promise.all([first, second]);
  expect(done()).toEqual(['reward', 'agent_name']);
});

test('while indexes are switched off those of its columns are dropped, and built again once on', async () => {
  const { table } = await openTables(rows(0, 50));
  await createScalarIndex(table, { column: 'seq', kind: 'btree' });
  const { care, done, scalarIndexes } = careOf(table);
  const columns = async () => (await table.listIndices()).map((index) => index.columns[0]).sort();
  await care.run();
  scalarIndexes.enabled = false;
  await care.run();
  expect(await columns()).toEqual(['seq']);
  scalarIndexes.enabled = true;
  await care.run();
  expect(await columns()).toEqual(['agent_name', 'reward', 'seq']);
  expect(done()).toEqual(['reward', 'agent_name', 'reward', 'agent_name']);
});

test('a failure is reported and does no harm', async () => {
  const { table } = await openTables(rows(0, 20));
  const broken = new Proxy(table, {
    get: (target, name) => {
      if (name === 'createIndex') return () => Promise.reject(new Error('no space left'));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { care, done, scalarIndexes } = careOf(broken);
  await care.run();
  expect(done()).toEqual(['care_failed']);
  expect(scalarIndexes.failures).toHaveLength(1);
  expect(await table.countRows()).toBe(20);
});
