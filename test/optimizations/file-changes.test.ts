import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { openTestFlags } from './open-test-flags.js';

const windowOf = (ms: number) => `batch_writer:\n  enabled: true\n  window_ms: ${ms}\n`;

describe('the configuration file', () => {
  it('is taken up when it is renamed over', async () => {
    const { flags, file, settle } = await openTestFlags(windowOf(1));
    writeFileSync(`${file}.new`, windowOf(2));
    renameSync(`${file}.new`, file);
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(2);
  });

  it('is taken up when a link further up is swapped, as mounted configuration is', async () => {
    const folder = await temporaryFolder();
    for (const [name, ms] of [
      ['v1', 1],
      ['v2', 2],
    ] as const) {
      mkdirSync(path.join(folder, name));
      writeFileSync(path.join(folder, name, 'optimization.yaml'), windowOf(ms));
    }
    symlinkSync('v1', path.join(folder, 'current'));
    symlinkSync(path.join('current', 'optimization.yaml'), path.join(folder, 'optimization.yaml'));
    const { flags, settle } = await openTestFlags('', path.join(folder, 'optimization.yaml'));
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(1);
    symlinkSync('v2', path.join(folder, 'next'));
    renameSync(path.join(folder, 'next'), path.join(folder, 'current'));
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(2);
  });

  it('is taken up when size and modification time are as before', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'optimization.yaml');
    const time = new Date('2025-01-01T00:00:00Z');
    writeFileSync(file, windowOf(1));
    utimesSync(file, time, time);
    const { mtimeNs, size, ino } = statSync(file, { bigint: true });
    const { flags, settle } = await openTestFlags('', file);
    writeFileSync(file, windowOf(2));
    utimesSync(file, time, time);
    expect(statSync(file, { bigint: true })).toMatchObject({ mtimeNs, size, ino });
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(2);
  });

  it('is not read half-way through an edit in place', async () => {
    const { flags, file, clock, events } = await openTestFlags(windowOf(1));
    events.length = 0;
    const descriptor = openSync(file, 'w');
    writeSync(descriptor, 'batch_writer:\n  enabled: fal');
    clock.pass(250);
    writeSync(descriptor, 'se\n  window_ms: 9\n');
    closeSync(descriptor);
    expect(events).toEqual([]);
    clock.pass(1750);
    expect(events.filter((event) => event.type === 'config_read')).toEqual([
      { type: 'config_read', result: 'success' },
    ]);
    expect(flags.optimization('batch_writer')).toMatchObject({ enabled: false, settings: { window_ms: 9 } });
  });

  it('counts as a bad edit while it is empty, and as good once it is filled again', async () => {
    const { flags, write, settle, lines } = await openTestFlags(windowOf(7));
    write('');
    settle();
    expect(lines()[0]).toMatchObject({ reason: expect.stringContaining('expected settings, got an empty file') });
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(7);
    write(windowOf(8));
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(8);
  });

  it('may be deleted: the last good one stays, which is said once, and it is taken up when it returns', async () => {
    const { flags, file, settle, lines, events, write } = await openTestFlags(windowOf(7));
    events.length = 0;
    rmSync(file);
    settle();
    settle();
    expect(events).toEqual([{ type: 'config_read', result: 'missing' }]);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ reason: expect.stringContaining('expected a file, got none') });
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(7);
    write(windowOf(8));
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(8);
  });

  it('may come into being while the service runs', async () => {
    const { flags, settle, write } = await openTestFlags(undefined);
    write('enabled: false\n');
    settle();
    expect(flags.optimization('fast_json').enabled).toBe(false);
  });

  it('may change its mode without anything changing', async () => {
    const { flags, file, settle, events } = await openTestFlags(windowOf(7));
    events.length = 0;
    chmodSync(file, 0o000);
    settle();
    chmodSync(file, 0o600);
    settle();
    expect(events.filter((event) => event.type === 'switch_set')).toEqual([]);
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(7);
  });

  it('may be replaced by a folder or a pipe: refused without waiting for a writer', async () => {
    const { flags, file, settle, lines } = await openTestFlags(windowOf(7));
    rmSync(file);
    mkdirSync(file);
    settle();
    rmSync(file, { recursive: true });
    execFileSync('mkfifo', [file]);
    settle();
    expect(lines().map((line) => String(line.reason).includes('expected a regular file'))).toEqual([true, true]);
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(7);
  });

  it.each(['by rename', 'in place'])('may be rewritten without rest %s: the last one is never missed', async (how) => {
    const { flags, file, clock, settle } = await openTestFlags(windowOf(1));
    let lastLive = 0;
    for (let i = 2; i <= 400; i++) {
      writeFileSync(`${file}.new`, windowOf(i));
      if (how === 'by rename') renameSync(`${file}.new`, file);
      else writeFileSync(file, windowOf(i));
      clock.pass(10);
      if (i % 200 === 0) {
        const live = flags.optimization('batch_writer').settings.window_ms;
        expect(live).toBeGreaterThan(lastLive);
        lastLive = live;
      }
    }
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(400);
  });

  it('survives 300 random good and bad edits, and always ends on the last good one', async () => {
    const { flags, file, settle } = await openTestFlags(windowOf(1));
    let seed = 20261121;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const bad = [
      '',
      ':',
      '[',
      'enabled: .nan\n',
      '__proto__: {enabled: false}\n',
      'a: &a [*a]\n',
      '\0',
      'enabled: tru',
    ];
    let good = 1;
    for (let i = 0; i < 300; i++) {
      const isGood = random(2) === 0;
      if (isGood) good = 1 + random(10_000);
      const text = isGood ? windowOf(good) : (bad[random(bad.length)] ?? '');
      if (random(2) === 0) {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      } else writeFileSync(file, text);
      if (random(10) === 0) rmSync(file);
      else if (random(3) > 0) continue;
      settle();
      if (isGood && statSync(file, { throwIfNoEntry: false })) {
        expect(flags.optimization('batch_writer').settings.window_ms).toBe(good);
      }
    }
    writeFileSync(file, windowOf(42));
    settle();
    expect(flags.optimization('batch_writer').settings.window_ms).toBe(42);
  });
});
