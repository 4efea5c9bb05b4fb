import { get } from 'node:http';
import type { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Table } from '../../../src/lance/index.js';
import { exportRoutes } from '../../../src/trajectories/export/export-routes.js';
import { type ExportQuery, openExportScan } from '../../../src/trajectories/export/export-scan.js';
import { createExports, type ExportOutcome } from '../../../src/trajectories/export/exports.js';
import { tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../support/folder.js';
import { startTestServer } from '../../support/server.js';
import { makeRow, openTables, type RowMade } from '../stored-rows.js';

const all: ExportQuery = { filter: [], sortBy: 'trajectory_id', order: 'asc', format: 'jsonl' };
const padded = (count: number, padding: number) =>
  Array.from({ length: count }, (_, i) => {
    const row = makeRow(i);
    return { ...row, record_json: JSON.stringify({ ...JSON.parse(row.record_json), padding: 'x'.repeat(padding) }) };
  });

async function open(
  rows: RowMade[],
  onTake: (ids: number) => void | Promise<void> = () => {},
  largestRecord: () => number | undefined = () => undefined,
) {
  const { table, database, analysis } = await openTables(rows, 1, await temporaryFolder());
  const taken: number[] = [];
  let closed = 0;
  const outcomes: ExportOutcome[] = [];
  const failures: unknown[] = [];
  const waiting: (() => void)[] = [];
  const exports = createExports({
    async openScan(query) {
      const snapshot = await database.openTable(tableNames.trajectories, trajectorySchema);
      const table = new Proxy(snapshot, {
        get(target, name) {
          if (name === 'takeRowIds') {
            return (ids: bigint[]) => {
              taken.push(ids.length);
              const query = target.takeRowIds(ids);
              const toArrow = query.toArrow.bind(query);
              query.toArrow = async () => {
                await onTake(taken.length);
                return toArrow();
              };
              return query;
            };
          }
          if (name === 'close') {
            return () => {
              closed += 1;
              for (const tell of waiting.splice(0)) tell();
              target.close();
            };
          }
          const value = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }) as Table;
      return openExportScan({ table, analysisLookup: async () => new Map(), largestRecord }, query);
    },
    onExported: (outcome, error) => {
      outcomes.push({ ...outcome });
      if (error) failures.push(error);
    },
  });
  onTestFinished(() => {
    table.close();
    analysis.close();
    database.close();
  });
  const snapshotsClosed = async (count: number) => {
    while (closed < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return closed;
  };
  return { table, exports, taken, outcomes, failures, snapshotsClosed };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const idsOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as RowMade).trajectory_id);

const idle = async () => {
  for (let i = 0; i < 50; i++) await new Promise(setImmediate);
};

describe('an export', () => {
  test('holds the rows of one moment, whatever is written meanwhile', async () => {
    const rows = padded(60, 10);
    let table: Table | undefined;
    const opened = await open(rows, async (nth) => {
      if (nth !== 2) return;
      await table!.update({ where: 'true', values: { notes: 'changed' } });
      await table!.delete("trajectory_id > 't-00030'");
      await table!.optimize({ cleanupOlderThan: new Date(Date.now() - 600_000) });
    });
    table = opened.table;
    const text = await textOf(await opened.exports.open(all));
    expect(idsOf(text)).toEqual(rows.map((row) => row.trajectory_id));
    expect(text).not.toContain('changed');
    expect(await opened.snapshotsClosed(1)).toBe(1);
    expect(idsOf(await textOf(await opened.exports.open(all)))).toHaveLength(31);
  });

  test('reads no further than its reader does', async () => {
    const { exports, taken } = await open(padded(300, 100_000));
    const stream = await exports.open(all);
    expect(taken).toEqual([]);
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await idle();
    expect(taken.length).toBeLessThanOrEqual(3);
    await reader.return?.();
  });

  test('takes slices that follow the size of the records', async () => {
    const small = await open(padded(2500, 10));
    await textOf(await small.exports.open(all));
    expect(small.taken).toEqual([16, 32, 64, 128, 256, 512, 1024, 468]);
    const large = await open(padded(64, 200_000));
    await textOf(await large.exports.open(all));
    expect(large.taken[0]).toBe(16);
    expect(Math.max(...large.taken.slice(1))).toBeLessThanOrEqual(20);
  });

  test('takes no more rows at once than memory has room for, if all were as large as the largest record', async () => {
    const mib = 1024 * 1024;
    for (const [bytes, taken] of [
      [32 * mib, [4, 4, 4, 4, 4]],
      [2 ** 31, Array(20).fill(1)],
      [4 * mib, [16, 4]],
    ] as const) {
      const opened = await open(padded(20, 10), undefined, () => bytes);
      expect(idsOf(await textOf(await opened.exports.open(all)))).toHaveLength(20);
      expect(opened.taken).toEqual(taken);
    }
    const columns = await open(padded(20, 10), undefined, () => 2 ** 31);
    await textOf(await columns.exports.open({ ...all, fields: ['trajectory_id', 'reward'] }));
    expect(columns.taken).toEqual([16, 4]);
    const texts = await open(padded(20, 10), undefined, () => 32 * mib);
    await textOf(await texts.exports.open({ ...all, format: 'csv' }));
    expect(texts.taken).toEqual([4, 4, 4, 4, 4]);
  });

  test('follows the size of questions too, where records are not asked for', async () => {
    const large = Array.from({ length: 48 }, (_, i) => makeRow(i, { question: 'x'.repeat(1024 * 1024) }));
    const { exports, taken } = await open(large);
    await textOf(await exports.open({ ...all, format: 'csv' }));
    expect(taken).toEqual([16, ...Array(10).fill(3), 2]);
  });

  test('whose client leaves stops reading and lets go of its snapshot', async () => {
    const { exports, outcomes, taken, snapshotsClosed } = await open(padded(400, 100_000));
    const server = await startTestServer([exportRoutes({ exports })]);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as { port: number };
    await new Promise<void>((resolve) => {
      const request = get({ port, host: '127.0.0.1', path: '/api/trajectories/export' }, (response) => {
        response.once('data', () => request.destroy());
        response.on('close', resolve);
        response.on('error', () => {});
      });
      request.on('error', () => {});
    });
    expect(await snapshotsClosed(1)).toBe(1);
    expect(outcomes.map((outcome) => outcome.result)).toEqual(['aborted']);
    const read = taken.reduce((sum, count) => sum + count, 0);
    expect(read).toBeLessThan(400);
    await idle();
    expect(taken.reduce((sum, count) => sum + count, 0)).toBe(read);
  });

  test('that fails in the middle breaks the connection off, and the service goes on', async () => {
    const opened = await open(padded(100, 100), (nth) => {
      if (nth === 3) throw new Error('disk gone');
    });
    const server = await startTestServer([exportRoutes({ exports: opened.exports })]);
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as { port: number };
    const whole = () =>
      new Promise<boolean>((resolve) => {
        get({ port, host: '127.0.0.1', path: '/api/trajectories/export' }, (response) => {
          response.resume();
          response.on('error', () => {});
          response.on('close', () => resolve(response.complete));
        }).on('error', () => resolve(false));
      });
    expect(await whole()).toBe(false);
    expect(await opened.snapshotsClosed(1)).toBe(1);
    expect(opened.outcomes.map((outcome) => outcome.result)).toEqual(['failed']);
    expect(opened.failures).toEqual([expect.objectContaining({ message: 'disk gone' })]);
    expect(await whole()).toBe(true);
  });

  test('is refused while four are under way, and admitted after', async () => {
    const { exports, snapshotsClosed } = await open(padded(40, 10));
    const four = await Promise.all(Array.from({ length: 4 }, () => exports.open(all)));
    await expect(exports.open(all)).rejects.toMatchObject({ code: 'EXPORTS_BUSY', kind: 'too_many' });
    four[0]!.destroy();
    expect(await snapshotsClosed(1)).toBe(1);
    expect(idsOf(await textOf(await exports.open(all)))).toHaveLength(40);
    for (const stream of four) stream.destroy();
    await snapshotsClosed(5);
  });

  test('that cannot begin is a plain failure and takes no place', async () => {
    const { exports } = await open([]);
    const broken = createExports({
      openScan: () => Promise.reject(new Error('no table')),
      onExported: () => {},
    });
    for (let i = 0; i < 6; i++) await expect(broken.open(all)).rejects.toThrow('no table');
    expect(await textOf(await exports.open(all))).toBe('');
  });
});
