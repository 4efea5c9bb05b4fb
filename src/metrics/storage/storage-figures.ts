/**
 * How large the database is, how fast it grows, and how much room is left beside the data. Looked at once in a while, off
 * every request's way; a scrape shows what was last seen.
 */
import { readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../../logger.js';
import { type Clock, systemClock } from '../clock.js';
import { folderBytes } from './folder-size.js';
import { Growth } from './growth.js';

/** @source issue "Size and growth" */
export interface StorageFiguresOptions {
  /** Absolute path of the database folder. */
  lanceUri: string;
  dataDir: string;
  logger: Logger;
  clock?: Pick<Clock, 'now' | 'every'>;
  /** Free and all bytes of the file system that holds a folder. */
  readSpace?(folder: string): Promise<{ freeBytes: number; totalBytes: number }>;
}

/** @source issue "Size and growth" */
export interface StorageWatch {
  /** Looks for the first time at once. */
  open(options: StorageFiguresOptions): void;
  /** Looks now, once it is open. Never throws. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const lookEveryMs = 30_000;
/** Looking through the files of a large database may take a while: a share of the time at most. */
const tablesEveryMs = 60_000;
const restPerLook = 20;
/** The tables are this service's own; a folder with more of them is no reason for more series. */
const maxTables = 50;
const ending = '.lance';

async function spaceOf(folder: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** Knows nothing before it is opened. @source issue "Size and growth"; statfs(2) */
export function createStorageWatch(registry: Registry): StorageWatch {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const tables = gauge('canvas_database_bytes', 'Bytes of a table on disk, indexes and old versions included', [
    'table',
  ]);
  const growthRate = gauge(
    'canvas_database_growth_bytes_per_second',
    'How fast the database has grown over at most the last day; negative when it shrank',
  );
  const freeBytes = gauge('canvas_disk_free_bytes', 'Bytes that may still be written beside the data');
  const freeRatio = gauge('canvas_disk_free_ratio', 'Their share of the file system');
  // No series while it is not known: a zero would be a full disk, or a database that does not grow.
  for (const unknown of [growthRate, freeBytes, freeRatio]) unknown.remove();
  const growth = new Growth();
  let tablesDueAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let opened: StorageFiguresOptions | undefined;
  let stop = () => {};
  const told = new Set<string>();

  /** A failure is said once and not again until the same thing has worked. */
  async function attempt(logger: Logger, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      told.delete(what);
    } catch (error) {
      if (!told.has(what)) logger.warn({ err: error }, `${what} cannot be measured; the last figures stay`);
      told.add(what);
    }
  }

  async function lookAtSpace({ dataDir, readSpace = spaceOf }: StorageFiguresOptions): Promise<void> {
    const space = await readSpace(dataDir);
    freeBytes.set(space.freeBytes);
    freeRatio.set(space.totalBytes > 0 ? space.freeBytes / space.totalBytes : 0);
  }

  async function lookAtTables({ lanceUri, clock = systemClock }: StorageFiguresOptions): Promise<void> {
    const startedAt = clock.now();
    const tableBytes: Record<string, number> = {};
    for (const entry of (await readdir(lanceUri)).sort()) {
      const isTable = entry.endsWith(ending) && Object.keys(tableBytes).length < maxTables;
      const name = isTable ? entry.slice(0, -ending.length) : 'other';
      tableBytes[name] = (tableBytes[name] ?? 0) + (await folderBytes(path.join(lanceUri, entry)));
    }
    tables.reset();
    for (const [table, bytes] of Object.entries(tableBytes)) tables.set({ table }, bytes);
    const databaseBytes = Object.values(tableBytes).reduce((sum, bytes) => sum + bytes, 0);
    const now = clock.now();
    growth.add(now, databaseBytes);
    const { bytesPerSecond } = growth;
    if (bytesPerSecond !== undefined) growthRate.set(bytesPerSecond);
    tablesDueAt = startedAt + Math.max(tablesEveryMs, restPerLook * (now - startedAt));
  }

  async function lookAtAll(at: StorageFiguresOptions): Promise<void> {
    const { logger, clock = systemClock } = at;
    await attempt(logger, 'the room on the disk', () => lookAtSpace(at));
    if (clock.now() >= tablesDueAt) await attempt(logger, 'the size of the database', () => lookAtTables(at));
  }

  async function look(): Promise<void> {
    if (opened === undefined) return;
    looking ??= lookAtAll(opened).finally(() => {
      looking = undefined;
    });
    await looking;
  }

  return {
    open(options) {
      opened = options;
      stop = (options.clock ?? systemClock).every(lookEveryMs, () => void look());
      void look();
    },
    look,
    async close() {
      stop();
      opened = undefined;
      await looking;
    },
  };
}
