import { open, readFile } from 'node:fs/promises';
import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../../src/trajectories/import/source/source.js';
import { temporaryFolder } from '../../support/folder.js';
import { formats, rawRecord, rawRecords, storedRows } from './records.js';
import { newRun, outcomeOf } from './run.js';

const mebibyte = 1024 * 1024;

/** The most that buffers and objects took while the work ran, above what they took before. */
async function extraBytes<T>(work: () => Promise<T>): Promise<{ result: T; extra: number }> {
  const taken = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const before = taken();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, taken());
  }, 5);
  try {
    const result = await work();
    return { result, extra: most - before };
  } finally {
    clearInterval(timer);
  }
}

describe('bad input is named, counted and held within bounds:', () => {
  it('one line of hundreds of megabytes, and a record after it', async () => {
    const run = await newRun('');
    const handle = await open(run.file.path, 'w');
    await handle.write('{"trajectory_id":"');
    // A hole costs no disk: the line is all NUL. The fault suite sends half a gigabyte.
    const after = 320 * mebibyte;
    await handle.write(`"}\n${JSON.stringify(rawRecord(1))}\n`, after);
    await handle.close();
    const { result, extra } = await extraBytes(async () =>
      outcomeOf({ ...run, file: await identityOf(run.file.path) }),
    );
    expect(result).toMatchObject({ counts: { imported: 1, failed: 1 }, errors: ['Line 1: larger than 64 MiB'] });
    expect(extra).toBeLessThan(256 * mebibyte);
    expect((await readFile(run.errorFile.path, 'utf8')).length).toBeLessThan(2000);
  }, 60_000);

  it('more than a hundred thousand lines that hold nothing', async () => {
    const run = await newRun('{}\n'.repeat(120_000), {
      errorFile: { path: `${await temporaryFolder()}/errors`, maxBytes: 100_000 },
    });
    const { result, extra } = await extraBytes(() => outcomeOf(run));
    expect(result.counts).toEqual({ imported: 0, failed: 120_000, skipped: 0 });
    expect(result.errors).toHaveLength(1000);
    expect(extra).toBeLessThan(256 * mebibyte);
    const lines = (await readFile(run.errorFile.path, 'utf8')).trim().split('\n');
    expect(lines.join('\n').length).toBeLessThan(101_000);
    expect(JSON.parse(lines.at(-1)!)).toEqual({ cut: true, not_listed: 120_000 - (lines.length - 1) });
  }, 60_000);

  it('gzip of gigabytes', async () => {
    const run = await newRun('');
    const gzip = createGzip({ level: 9 });
    const parts: Buffer[] = [];
    gzip.on('data', (part: Buffer) => parts.push(part));
    const ended = new Promise((resolve) => gzip.on('end', resolve));
    gzip.write(`${JSON.stringify(rawRecord(1))}\n`);
    const blank = Buffer.alloc(4 * mebibyte, ' ');
    for (let i = 0; i < 8; i++) await new Promise<void>((resolve) => gzip.write(blank, () => resolve()));
    gzip.end();
    await ended;
    const member = Buffer.concat(parts);
    const handle = await open(run.file.path, 'w');
    // Members one after the other: four gigabytes of text in four megabytes.
    for (let i = 0; i < 128; i++) await handle.write(member);
    await handle.close();
    const { result, extra } = await extraBytes(async () =>
      outcomeOf({ ...run, file: await identityOf(run.file.path) }),
    );
    expect(result.counts).toMatchObject({ imported: 1 });
    expect(result.errors.at(-1)).toMatch(/expected gzip data that expands at most 250-fold$/);
    expect(extra).toBeLessThan(256 * mebibyte);
  }, 60_000);

  it('the same ids again and again in one file', async () => {
    const records = rawRecords(50);
    const again = Array.from({ length: 20 }, (_, i) => records.map((record) => ({ ...record, notes: `${i}` }))).flat();
    for (const onConflict of ['skip', 'replace'] as const) {
      const run = await newRun(formats.lines!(again), { onConflict });
      const outcome = await outcomeOf(run);
      const rows = await storedRows(run.lanceUri);
      expect(rows).toHaveLength(50);
      expect(new Set(rows.map(({ trajectory_id }) => trajectory_id)).size).toBe(50);
      expect(rows[0]!.notes).toBe('0');
      const { imported, skipped } = outcome.counts;
      expect([imported, skipped]).toEqual(onConflict === 'skip' ? [50, 950] : [1000, 0]);
    }
  });

  it.each([
    ['a line of a million brackets', `${'['.repeat(1_000_000)}\n`, 1],
    ['a million keys', `{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":${i}`).join(',')}}\n`, 1],
    ['numbers beyond a double', `${JSON.stringify(rawRecord(2)).replace('"epoch_id":1', '"epoch_id":1e309')}\n`, 1],
    ['NUL bytes', `${'\0'.repeat(1000)}\n`, 0],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d, 0x0a]), 1],
  ])('%s', async (_name, bad, failed) => {
    const good = Buffer.from(`${JSON.stringify(rawRecord(1))}\n`);
    const run = await newRun(Buffer.concat([good, Buffer.from(bad as string), good]));
    const outcome = await outcomeOf(run);
    expect(outcome.counts).toEqual({ imported: 1, failed, skipped: 1 });
    for (const error of outcome.errors) expect(error.length).toBeLessThan(600);
  });
});
