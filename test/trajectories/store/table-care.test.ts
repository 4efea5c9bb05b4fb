import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createScalarIndex, type ScalarIndex, type Table, tableLayout } from '../../../src/lance/index.js';
import { createLogger } from '../../../src/logger.js';
import { type CareClock, createTableCare } from '../../../src/trajectories/store/table-care.js';
import { createVersionLeases } from '../../../src/trajectories/store/version-leases.js';
import { createWriteQueue } from '../../../src/trajectories/store/write-queue.js';
import type { TrajectoryEvent } from '../../../src/trajectories/trajectory-events.js';
import { fixedOptimization } from '../../support/optimization.js';
import { makeRow, openTables } from '../stored-rows.js';

const indexes: ScalarIndex[] = [
  { column: 'reward', kind: 'btree' },
  { column: 'agent_name', kind: 'bitmap' },
];
const rows = (from: number, count: number) => Array.from({ length: count }, (_, i) => makeRow(from + i));

/** Time that stands still until it is told to go on; what is due then runs. */
function manualClock() {
  let [nowMs, due] = [1_000_000, Number.POSITIVE_INFINITY];
  let pending: (() => void) | undefined;
  const clock: CareClock = {
    now: () => nowMs,
    later(run, ms) {
      due = nowMs + ms;
      pending = run;
      return () => {
        pending = undefined;
      };
    },
  };
  const pass = (ms: number) => {
    nowMs += ms;
    if (nowMs < due) return;
    pending?.();
    pending = undefined;
  };
  return { clock, pass, isWaiting: () => pending !== undefined };
}

function careOf(table: Table, given: { folder?: string; synced?: () => void; whenQuiet?: () => Promise<void> } = {}) {
  const scalarIndexes = fixedOptimization(true, {});
  const events: TrajectoryEvent[] = [];
  const leases = createVersionLeases();
  const time = manualClock();
  const care = createTableCare({
    leases,
    whenQuiet: async () => given.whenQuiet?.(),
    makeDurable: async () => given.synced?.(),
    countVersions: async () => (given.folder ? versionFiles(given.folder).length : 1),
    sweep: async () => {},
    clock: time.clock,
    keepVersionsMs: 0,
    name: 'trajectories',
    table,
    indexes,
    scalarIndexes,
    writes: createWriteQueue(),
    logger: createLogger('silent'),
    onEvent: (event) => events.push(event),
  });
  const done = () =>
    events
      .splice(0)
      .filter(({ type }) => type !== 'table_measured' && type !== 'versions_removed')
      .map((event) => ('column' in event ? event.column : 'task' in event ? event.task : event.type));
  return { care, done, scalarIndexes, leases, events, ...time };
}

const versionFiles = (folder: string) =>
  readdirSync(path.join(folder, 'trajectories.lance', '_versions')).filter((file) => file.endsWith('.manifest'));

function bytesUnder(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(path.join(file.parentPath, file.name)).size, 0);
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

test('each step waits while something else is to have the processors, and none begins once care is closed', async () => {
  const { table } = await openTables(rows(0, 50));
  const doors: (() => void)[] = [];
  const whenQuiet = () => new Promise<void>((resolve) => doors.push(resolve));
  const { care, done } = careOf(table, { whenQuiet });
  const run = care.run();
  const open = async () => {
    await expect.poll(() => doors.length).toBe(1);
    doors.shift()!();
  };
  await open();
  await expect.poll(() => doors.length).toBe(1);
  expect(done()).toEqual([]);
  await open();
  await expect.poll(() => doors.length).toBe(1);
  expect(done()).toEqual(['reward']);
  const closed = care.close();
  await open();
  // What comes after the indexes asks too.
  await open();
  await Promise.all([run, closed]);
  expect(done()).toEqual([]);
  expect((await table.listIndices()).map((index) => index.columns[0])).toEqual(['reward']);
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
  expect(done()).toEqual(['compact']);
  expect((await table.indexStats('reward_idx'))?.numUnindexedRows).toBe(0);
});

test('data that came in many small pieces is put together', async () => {
  const { table } = await openTables(rows(0, 60), 6);
  const { care, done } = careOf(table);
  await care.run();
  expect(done()).toEqual(['reward', 'agent_name', 'compact']);
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

test('small pieces are put together without rewriting the large one, each row a few times only', async () => {
  const { table } = await openTables(rows(0, 2000));
  const { care, done } = careOf(table);
  await care.run();
  done();
  const large = (await tableLayout(table))[0]!;
  for (let i = 0; i < 40; i++) await table.update({ where: `seq = ${i + 1}`, values: { notes: `n${i}` } });
  await care.run();
  expect(done()).toEqual(['merge']);
  expect(await tableLayout(table)).toEqual([
    { fragment: large.fragment, rows: 1960 },
    { fragment: expect.any(Number), rows: 40 },
  ]);
  expect(await table.countRows()).toBe(2000);
  expect(await table.countRows("notes = 'n39' AND seq = 40")).toBe(1);
});

test('old versions go once they are many and some time has passed, and the rest once nobody writes', async () => {
  const { table, folder } = await openTables(rows(0, 500));
  const syncs: number[] = [];
  const { care, done, pass, isWaiting } = careOf(table, {
    folder,
    synced: () => syncs.push(versionFiles(folder).length),
  });
  await care.run();
  done();
  for (let i = 0; i < 120; i++) await table.add([makeRow(1000 + i, { notes: 'x' })]);
  expect(versionFiles(folder).length).toBeGreaterThan(100);
  pass(16_000);
  await care.run();
  expect(done()).toEqual([expect.stringMatching('tidy|compact')]);
  expect(versionFiles(folder).length).toBeLessThan(10);
  // What replaced them was made durable while they were all still there.
  expect(syncs.some((versions) => versions > 100)).toBe(true);
  await care.run();
  pass(60_000);
  await care.run();
  pass(60_000);
  await care.run();
  expect(versionFiles(folder).length).toBeLessThanOrEqual(3);
  expect(isWaiting()).toBe(false);
  expect(await table.countRows("notes = 'x'")).toBe(120);
});

test('a version that a reader holds stays readable', async () => {
  const { table, folder, database } = await openTables(rows(0, 200));
  const { care, leases, pass, done } = careOf(table, { folder });
  await care.run();
  const version = await table.version();
  const reader = await database.openTable('trajectories', await table.schema());
  await reader.checkout(version);
  const giveBack = leases.take(version);
  const churn = async () => {
    for (let i = 0; i < 110; i++) await table.add([makeRow(1000 + i, { notes: 'x' })]);
    pass(20_000);
    await care.run();
  };
  await churn();
  expect(done()).toContain('compact');
  expect(await reader.countRows("notes = ''")).toBe(200);
  // All that is older than the reader's has gone; from it on everything is there still.
  expect(versionFiles(folder).length).toBeGreaterThan(100);
  giveBack();
  await table.add([makeRow(2000)]);
  pass(20_000);
  await care.run();
  expect(versionFiles(folder).length).toBeLessThan(10);
});

test('single-row writes in a row leave few versions, few pieces and little on disk', async () => {
  const { table, folder } = await openTables(rows(0, 300));
  const { care, pass } = careOf(table, { folder });
  await care.run();
  let [mostVersions, mostFragments, mostBytes] = [0, 0, 0];
  for (let i = 0; i < 300; i++) {
    if (i % 4 !== 0) await table.add([makeRow(1000 + i)]);
    else await table.update({ where: `seq = ${(i % 300) + 1}`, values: { notes: 'x' } });
    if (i % 20 !== 19) continue;
    pass(500);
    await care.run();
    mostVersions = Math.max(mostVersions, versionFiles(folder).length);
    mostFragments = Math.max(mostFragments, (await table.stats()).fragmentStats.numFragments);
    mostBytes = Math.max(mostBytes, bytesUnder(folder));
  }
  expect(await table.countRows()).toBe(525);
  expect(mostFragments).toBeLessThan(80);
  expect(mostVersions).toBeLessThan(250);
  expect(mostBytes).toBeLessThan(12 * 2 ** 20);
}, 60_000);

test('a table that is emptied again and again keeps few versions too', async () => {
  const { table, folder } = await openTables(rows(0, 5));
  const { care, pass } = careOf(table, { folder });
  await care.run();
  for (let i = 0; i < 60; i++) {
    await table.add([makeRow(100)]);
    await table.delete('true');
  }
  pass(10_000);
  await care.run();
  expect(await table.countRows()).toBe(0);
  expect(versionFiles(folder).length).toBeLessThan(10);
});
