import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { KnownJson } from '../../../src/canvases/document/json-bytes.js';
import { FileReader } from '../../../src/canvases/reading/canvas-reader.baseline.js';
import { CachedReader } from '../../../src/canvases/reading/canvas-reader.js';
import { readChecks } from '../../../src/canvases/reading/read-checks.js';
import type { StoredCanvas } from '../../../src/canvases/reading/stored-canvas.js';
import { SwitchedReader } from '../../../src/canvases/reading/switched-reader.js';
import { parseVaultPath } from '../../../src/canvases/vault/vault-path.js';
import { openTestFlags } from '../../optimizations/open-test-flags.js';
import { temporaryFolder } from '../../support/folder.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { ManualClock } from '../support/manual-clock.js';
import { quietEncoder } from '../support/quiet-encoder.js';

const settings = 'verification: {sample_rate: 1, max_waiting: 1000, max_time_ratio: 1, at_least_every_seconds: 0}\n';
const bytes = canvasBytes('一', 40);
const file = 'a/b.canvas';

/** A reader over a real file that came to rest long ago, its cache filled. */
async function open() {
  const root = await temporaryFolder();
  mkdirSync(path.join(root, 'a'));
  writeFileSync(path.join(root, file), bytes);
  const clock = new ManualClock();
  clock.wall = () => Date.now() + 60_000;
  const { flags } = await openTestFlags(settings, undefined, { load: () => 0 });
  const flag = flags.optimization('canvas_cache');
  const options = { root, clock, isJson: new KnownJson().isJson.bind(new KnownJson()) };
  const cached = new CachedReader(options, () => flag.settings, quietEncoder());
  const checks = readChecks(root, clock);
  const reader = new SwitchedReader(flag, cached, new FileReader(options), checks);
  await reader.read(parseVaultPath(file));
  const resultOf = async () => {
    await flags.comparisonsDone();
    return flags.savings().canvas_cache.comparisons;
  };
  return { root, reader, cached, checks, flags, resultOf, clock };
}

describe('reads of canvases, both ways', () => {
  it('are the same from memory, from the file, and for what is not there', async () => {
    const { reader, resultOf } = await open();
    expect(reader.hit(file)?.bytes).toEqual(bytes);
    await reader.read(parseVaultPath(file));
    await reader.read(parseVaultPath('none.canvas'));
    expect(await resultOf()).toEqual({ equal: 4, mismatch: 0, skipped: 0, dropped: 0, failed: 0 });
  });

  it.each<[string, (canvas: StoredCanvas) => Partial<StoredCanvas>]>([
    ['other bytes', ({ bytes }) => ({ bytes: Buffer.from(bytes.toString().replace('一', '二')) })],
    ['fewer bytes', ({ bytes }) => ({ bytes: bytes.subarray(5) })],
    ['another ETag', () => ({ etag: '"other"' })],
    ['another modification time', () => ({ modifiedMs: 1 })],
  ])('differ in %s', async (_, change) => {
    const { reader, cached, flags, resultOf } = await open();
    const real = cached.hit(file) as StoredCanvas;
    cached.hit = () => ({ ...real, ...change(real) });
    reader.hit(file);
    expect(await resultOf()).toMatchObject({ mismatch: 1 });
    expect(flags.list().canvas_cache.effective).toBe(false);
    expect(reader.hit(file)).toBeUndefined();
  });

  it('differ when one finds a canvas that the other does not', async () => {
    const { root, reader, cached, resultOf } = await open();
    const real = cached.hit(file) as StoredCanvas;
    cached.hit = () => real;
    rmSync(path.join(root, file));
    reader.hit(file);
    expect(await resultOf()).toMatchObject({ mismatch: 1 });
  });

  it('are not compared when the file changed meanwhile, or could have', async () => {
    const { root, reader, resultOf, clock } = await open();
    await resultOf();
    reader.hit(file);
    writeFileSync(path.join(root, file), canvasBytes('三'));
    expect(await resultOf()).toMatchObject({ equal: 1, mismatch: 0, skipped: 1 });
    await reader.read(parseVaultPath(file));
    await resultOf();
    clock.wall = () => Date.now();
    utimesSync(path.join(root, file), 1, 1);
    await reader.read(parseVaultPath(file));
    expect(await resultOf()).toMatchObject({ mismatch: 0, skipped: 2 });
  });

  it('name the state of a link and of what is missing, too', async () => {
    const { root, checks } = await open();
    symlinkSync('nowhere', path.join(root, 'link.canvas'));
    expect(checks.versionOf('link.canvas')).toMatch(/^\d+:/);
    expect(checks.versionOf('none.canvas')).toBe('missing');
    expect(checks.versionOf('bad\0.canvas')).toBeUndefined();
  });
});

it('a compressed form must be that of its canvas, whichever coding it has; its times say nothing', async () => {
  const { reader, cached, flags, resultOf } = await open();
  const canvas = reader.hit(file) as StoredCanvas;
  const before = (await resultOf()).equal;
  const give = (coding: 'br' | 'gzip', coded: Buffer) => {
    cached.coded = () => ({ coding, etag: '"coded"', bytes: coded });
    return reader.coded(file, canvas, [coding]);
  };
  expect(give('gzip', gzipSync(bytes))?.coding).toBe('gzip');
  give('br', brotliCompressSync(bytes));
  expect(await resultOf()).toMatchObject({ equal: before + 2, mismatch: 0 });
  expect(flags.savings().canvas_cache.samples).toBe(before);
  give('br', brotliCompressSync(bytes.subarray(1)));
  expect(await resultOf()).toMatchObject({ mismatch: 1 });
  flags.set('canvas_cache', true);
  give('gzip', gzipSync(bytes).subarray(0, 50));
  expect(await resultOf()).toMatchObject({ mismatch: 2, failed: 0 });
  expect(flags.list().canvas_cache.reason).toContain('that are no gzip');
});
