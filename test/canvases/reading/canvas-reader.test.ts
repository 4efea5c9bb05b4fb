import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { KnownJson } from '../../../src/canvases/document/json-bytes.js';
import { FileReader } from '../../../src/canvases/reading/canvas-reader.baseline.js';
import { CachedReader } from '../../../src/canvases/reading/canvas-reader.js';
import { readChecks } from '../../../src/canvases/reading/read-checks.js';
import { SharedReads } from '../../../src/canvases/reading/shared-reads.js';
import { SwitchedReader } from '../../../src/canvases/reading/switched-reader.js';
import { parseVaultPath } from '../../../src/canvases/vault/vault-path.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { ManualClock, settle } from '../support/manual-clock.js';
import { quietEncoder } from '../support/quiet-encoder.js';

let vault: string;
let clock: ManualClock;
let settings: { max_files: number; max_bytes: number; ttl_seconds: number };
let parsed: number;
let options: ConstructorParameters<typeof FileReader>[0];

beforeEach(async () => {
  vault = await temporaryFolder();
  clock = new ManualClock();
  settings = { max_files: 100, max_bytes: 10_000_000, ttl_seconds: 60 };
  parsed = 0;
  const json = new KnownJson();
  const isJson = (bytes: Buffer, etag: string) => {
    parsed += 1;
    return json.isJson(bytes, etag);
  };
  options = { root: vault, clock, isJson, settlingMs: 0 };
});
const write = (name: string, text = '{}') => writeFileSync(path.join(vault, name), text);
const readAll = async (reader: CachedReader, names: string[]) => {
  for (const name of names) await reader.read(parseVaultPath(name));
};
const hits = (reader: CachedReader, names: string[]) => names.filter((name) => reader.hit(name)).length;

describe('what the cache tells of itself', () => {
  it('is what it holds, how often it was the answer, and what it lost', async () => {
    for (const name of ['a.canvas', 'b.canvas', 'c.canvas']) write(name);
    clock.letPass(10_000);
    await clock.advance(1);
    settings = { ...settings, max_files: 2 };
    const reader = new CachedReader(options, () => settings, quietEncoder());
    await readAll(reader, ['a.canvas', 'b.canvas', 'c.canvas']);
    expect(hits(reader, ['a.canvas', 'b.canvas', 'c.canvas'])).toBe(2);
    await readAll(reader, ['gone.canvas']);
    const { bytes, ...told } = reader.statistics();
    expect(bytes).toBeGreaterThan(2000);
    expect(told).toEqual({ entries: 2, max_bytes: 10_000_000, hits: 2, misses: 4, evictions: 1, expirations: 0 });
    await clock.advance(61_000);
    expect(hits(reader, ['b.canvas'])).toBe(0);
    expect(reader.statistics()).toMatchObject({ entries: 0, evictions: 1, expirations: 1 });
  });
});

describe('what the cache keeps', () => {
  const names = Array.from({ length: 100 }, (_unused, index) => `${index}.canvas`);

  it('answers repeated reads of 100 canvases without reading them again', async () => {
    for (const name of names) write(name);
    clock.letPass(10_000);
    const reader = new CachedReader(options, () => settings, quietEncoder());
    await readAll(reader, names);
    expect(parsed).toBe(100);
    for (let round = 0; round < 20; round++) expect(hits(reader, names)).toBe(100);
    expect(parsed).toBe(100);
  });

  it('is bounded by number and by bytes, and follows the settings while it runs', async () => {
    for (const name of names) write(name, canvasBytes('x', 40).toString());
    clock.letPass(10_000);
    const reader = new CachedReader(options, () => settings, quietEncoder());
    await readAll(reader, names);
    settings = { ...settings, max_files: 10 };
    expect(hits(reader, names.slice(90))).toBe(10);
    expect(hits(reader, names)).toBe(10);
    settings = { ...settings, max_bytes: 12_000 };
    await readAll(reader, names);
    const kept = hits(reader, names);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(4);
    settings = { ...settings, max_bytes: 10 };
    await readAll(reader, names.slice(0, 3));
    expect(hits(reader, names)).toBe(0);
  });

  it('is let go after its time', async () => {
    write('a.canvas');
    clock.letPass(10_000);
    await clock.advance(1);
    const reader = new CachedReader(options, () => settings, quietEncoder());
    await readAll(reader, ['a.canvas']);
    await clock.advance(59_000);
    expect(reader.hit('a.canvas')).toBeDefined();
    await clock.advance(2_000);
    expect(reader.hit('a.canvas')).toBeUndefined();
  });

  it('compares the bytes of a file that was changed a moment ago, and does not parse them again', async () => {
    write('a.canvas');
    const momentAgo = vi.spyOn(clock, 'wall').mockReturnValue(statSync(path.join(vault, 'a.canvas')).ctimeMs);
    const reader = new CachedReader(options, () => settings, quietEncoder());
    expect(await reader.read(parseVaultPath('a.canvas'))).toMatchObject({ cache: 'miss' });
    expect(reader.hit('a.canvas')).toBeUndefined();
    expect(await reader.read(parseVaultPath('a.canvas'))).toMatchObject({ cache: 'hit' });
    expect(parsed).toBe(1);
    momentAgo.mockRestore();
    clock.letPass(10_000);
    await reader.read(parseVaultPath('a.canvas'));
    expect(reader.hit('a.canvas')).toBeDefined();
  });
});

describe('shared reads', () => {
  it('answer nobody with a read that began before the question', async () => {
    const reads = new SharedReads<number>();
    const finish: (() => void)[] = [];
    let started = 0;
    const read = () => {
      started += 1;
      const number = started;
      return new Promise<number>((resolve) => finish.push(() => resolve(number)));
    };
    const first = reads.run('a', read);
    const late = [reads.run('a', read), reads.run('a', read)];
    expect(started).toBe(1);
    const other = reads.run('b', read);
    expect(started).toBe(2);
    finish[0]?.();
    await settle();
    finish[1]?.();
    finish[2]?.();
    expect(await first).toBe(1);
    expect(await other).toBe(2);
    expect(await Promise.all(late)).toEqual([3, 3]);
    await settle();
    const next = reads.run('a', read);
    finish[3]?.();
    expect(await next).toBe(4);
  });

  it('a failed read concerns only those who shared it', async () => {
    const reads = new SharedReads<string>();
    const failed = reads.run('a', () => Promise.reject(new Error('no')));
    const next = reads.run('a', () => Promise.resolve('yes'));
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});

describe('the switch of the cache', () => {
  it('gives the memory back when it is off, and starts again when it is on', async () => {
    write('a.canvas');
    clock.letPass(10_000);
    const flag = fixedOptimization(true, settings);
    const cached = new CachedReader(options, () => settings, quietEncoder());
    const reader = new SwitchedReader(flag, cached, new FileReader(options), readChecks(options.root, options.clock));
    expect((await reader.read(parseVaultPath('a.canvas'))).cache).toBe('miss');
    expect(reader.hit('a.canvas')).toBeDefined();
    flag.enabled = false;
    expect(reader.hit('a.canvas')).toBeUndefined();
    expect((await reader.read(parseVaultPath('a.canvas'))).cache).toBe('off');
    flag.enabled = true;
    expect(reader.hit('a.canvas')).toBeUndefined();
    reader.forget(parseVaultPath('a.canvas'));
  });

  it('reads in the original way when the cache breaks, and reports it', async () => {
    write('a.canvas');
    const flag = fixedOptimization(true, settings);
    const fault = new Error('broken');
    const broken = new CachedReader(options, () => settings, quietEncoder());
    for (const method of ['hit', 'read', 'remember', 'forget'] as const) {
      Object.defineProperty(broken, method, {
        value: () => {
          throw fault;
        },
      });
    }
    const reader = new SwitchedReader(flag, broken, new FileReader(options), readChecks(options.root, options.clock));
    expect(reader.hit('a.canvas')).toBeUndefined();
    const answer = await reader.read(parseVaultPath('a.canvas'));
    expect(answer).toMatchObject({ cache: 'off', state: { kind: 'canvas' } });
    if (answer.state.kind === 'canvas') reader.remember(parseVaultPath('a.canvas'), answer.state);
    reader.forget(parseVaultPath('a.canvas'));
    expect(flag.failures).toEqual([fault, fault, fault, fault]);
  });
});
