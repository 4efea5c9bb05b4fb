import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Registry } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../../src/logger.js';
import { Growth } from '../../../src/metrics/storage/growth.js';
import { createStorageWatch } from '../../../src/metrics/storage/storage-figures.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';

async function openWatch(readSpace = async () => ({ freeBytes: 250, totalBytes: 1000 })) {
  const dataDir = await temporaryFolder();
  const lanceUri = path.join(dataDir, 'lancedb');
  const registry = new Registry();
  const clock = new ManualClock();
  const said: string[] = [];
  const logger = { warn: (_fields: unknown, message: string) => said.push(message) } as unknown as Logger;
  const watch = createStorageWatch(registry);
  onTestFinished(() => watch.close());
  const store = async (file: string, bytes: number) => {
    await mkdir(path.dirname(path.join(lanceUri, file)), { recursive: true });
    await writeFile(path.join(lanceUri, file), Buffer.alloc(bytes));
  };
  const open = () => {
    watch.open({ lanceUri, dataDir, logger, clock, readSpace });
    return watch.look();
  };
  return { watch, registry, clock, said, lanceUri, store, open, figure: figureOf(registry) };
}

/** A metric as a scrape shows it: one value, or one for each table; undefined where there is no series. */
const figureOf = (registry: Registry) => async (name: string) => {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  const byTable = values.map(({ labels, value }) => [labels.table, value] as const);
  return byTable[0]?.[0] === undefined ? byTable[0]?.[1] : Object.fromEntries(byTable);
};

it('tells the bytes of each table on disk, and the room that is left', async () => {
  const { registry, store, open, figure } = await openWatch();
  await store('trajectories.lance/data/a.lance', 1000);
  await store('trajectories.lance/_versions/1.manifest', 10);
  await store('analysis.lance/data/b.lance', 200);
  await store('_damaged/old', 5);
  await open();
  expect(await figure('canvas_database_bytes')).toEqual({ trajectories: 1010, analysis: 200, other: 5 });
  expect(await figure('canvas_database_growth_bytes_per_second')).toBeUndefined();
  const text = await registry.metrics();
  expect(text).toContain('canvas_database_bytes{table="trajectories"} 1010');
  expect(text).toContain('canvas_disk_free_bytes 250');
  expect(text).toContain('canvas_disk_free_ratio 0.25');
});

it('forgets a table that is gone, and sees growth', async () => {
  const { watch, clock, lanceUri, store, open, figure } = await openWatch();
  await store('a.lance/x', 1000);
  await store('b.lance/x', 1000);
  await open();
  await rm(path.join(lanceUri, 'b.lance'), { recursive: true });
  await store('a.lance/x', 3000);
  for (let minute = 0; minute < 15; minute++) {
    await clock.advance(60_000);
    await watch.look();
  }
  expect(await figure('canvas_database_bytes')).toEqual({ a: 3000 });
  expect(await figure('canvas_database_growth_bytes_per_second')).toBeCloseTo(1000 / (15 * 60), 5);
});

it('looks rarely: the tables once a minute, never twice at a time', async () => {
  let looks = 0;
  const { watch, clock, store, open, figure } = await openWatch(async () => {
    looks += 1;
    return { freeBytes: 1, totalBytes: 0 };
  });
  await store('a.lance/x', 1);
  await Promise.all([open(), watch.look(), watch.look()]);
  expect(looks).toBe(1);
  expect(await figure('canvas_disk_free_ratio')).toBe(0);
  await store('a.lance/x', 2);
  await clock.advance(30_000);
  await watch.look();
  expect(await figure('canvas_database_bytes')).toEqual({ a: 1 });
  await clock.advance(30_000);
  await watch.look();
  expect(await figure('canvas_database_bytes')).toEqual({ a: 2 });
});

it('says once what it cannot measure, and keeps the last figures', async () => {
  let isBroken = false;
  const { watch, said, store, open, figure } = await openWatch(async () => {
    if (isBroken) throw new Error('no such device');
    return { freeBytes: 1, totalBytes: 4 };
  });
  await store('a.lance/x', 1);
  await open();
  isBroken = true;
  for (let i = 0; i < 3; i++) await watch.look();
  expect(said).toEqual(['the room on the disk cannot be measured; the last figures stay']);
  expect(await figure('canvas_disk_free_ratio')).toBe(0.25);
  isBroken = false;
  await watch.look();
  isBroken = true;
  await watch.look();
  expect(said.length).toBe(2);
});

it('asks the system for the room by itself, and knows nothing before it is opened', async () => {
  const dataDir = await temporaryFolder();
  const registry = new Registry();
  const watch = createStorageWatch(registry);
  const figure = figureOf(registry);
  await watch.look();
  expect(await figure('canvas_disk_free_bytes')).toBeUndefined();
  const said: string[] = [];
  watch.open({
    lanceUri: path.join(dataDir, 'none'),
    dataDir,
    logger: { warn: (_fields: unknown, message: string) => said.push(message) } as unknown as Logger,
  });
  await watch.look();
  await watch.close();
  expect(await figure('canvas_disk_free_bytes')).toBeGreaterThan(0);
  expect(await figure('canvas_disk_free_ratio')).toBeLessThanOrEqual(1);
  expect(said).toEqual(['the size of the database cannot be measured; the last figures stay']);
});

it('growth is over at most a day, and unknown over less than ten minutes', () => {
  const growth = new Growth();
  const hourMs = 3_600_000;
  growth.add(0, 1000);
  growth.add(60_000, 5000);
  expect(growth.bytesPerSecond).toBeUndefined();
  for (let hour = 1; hour <= 48; hour++) growth.add(hour * hourMs, 1000 + (hour <= 24 ? 0 : (hour - 24) * 100));
  expect(growth.bytesPerSecond).toBeCloseTo(2400 / 86_400, 7);
  growth.add(49 * hourMs, 0);
  expect(growth.bytesPerSecond).toBeLessThan(0);
});
