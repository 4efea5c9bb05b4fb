import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/canvases/document/etag.js';
import { KnownJson } from '../../../src/canvases/document/json-bytes.js';
import { type CanvasReader, FileReader } from '../../../src/canvases/reading/canvas-reader.baseline.js';
import { CachedReader } from '../../../src/canvases/reading/canvas-reader.js';
import type { StableReadOptions } from '../../../src/canvases/reading/stable-read.js';
import { parseVaultPath } from '../../../src/canvases/vault/vault-path.js';
import { temporaryFolder } from '../../support/folder.js';
import { canvasBytes } from '../support/canvas-bytes.js';
import { ManualClock, settle } from '../support/manual-clock.js';
import { quietEncoder } from '../support/quiet-encoder.js';

const ours = canvasBytes('a', 300);

describe.each(['cached', 'baseline'] as const)('a canvas reader, %s', (kind) => {
  let vault: string;
  let clock: ManualClock;
  let reader: CanvasReader;
  /** Where new bytes count only once they have stood still, as in the service. */
  let carefulReader: CanvasReader;
  const fileOf = (name: string) => path.join(vault, name);
  const stateOf = async (name = 'a.canvas') => {
    const hit = reader.hit(name);
    return hit ?? (await reader.read(parseVaultPath(name))).state;
  };
  const textOf = async (name?: string) => {
    const state = await stateOf(name);
    return state.kind === 'canvas' ? state.bytes.toString() : state.kind;
  };

  beforeEach(async () => {
    vault = await temporaryFolder();
    clock = new ManualClock();
    const json = new KnownJson();
    const settings = { max_files: 10, max_bytes: 1_000_000, ttl_seconds: 60 };
    const open = (more: Partial<StableReadOptions>) => {
      const options = { root: vault, clock, isJson: json.isJson.bind(json), ...more };
      return kind === 'cached' ? new CachedReader(options, () => settings, quietEncoder()) : new FileReader(options);
    };
    reader = open({ settlingMs: 0 });
    carefulReader = open({ isWhole: (_text, etag) => etag === etagOf(ours) });
  });

  it('answers exactly the bytes of the file, with their ETag and date', async () => {
    const bytes = canvasBytes('你好');
    writeFileSync(fileOf('a.canvas'), bytes);
    utimesSync(fileOf('a.canvas'), 1_000_000, 1_000_000.9);
    for (let round = 0; round < 3; round++) {
      expect(await stateOf()).toMatchObject({
        kind: 'canvas',
        bytes,
        etag: etagOf(bytes),
        lastModified: 'Mon, 12 Jan 1970 13:46:40 GMT',
        modifiedMs: 1_000_000_900,
      });
    }
  });

  it('takes any valid JSON, and a byte order mark', async () => {
    for (const text of ['[]', 'null', '"x"', '\ufeff{}', `${'['.repeat(500)}${']'.repeat(500)}`]) {
      writeFileSync(fileOf('a.canvas'), text);
      expect(await textOf()).toBe(text);
    }
  });

  it('shows a change by another program at once, however it is made', async () => {
    const write = (text: string) => writeFileSync(fileOf('a.canvas'), `{"v":"${text}"}`);
    write('1');
    for (let round = 0; round < 40; round++) {
      expect(await textOf()).toBe('{"v":"1"}');
      const before = statSync(fileOf('a.canvas'));
      write('2');
      utimesSync(fileOf('a.canvas'), before.atime, before.mtime);
      expect(await textOf()).toBe('{"v":"2"}');
      writeFileSync(fileOf('b.tmp'), '{"v":"3"}');
      utimesSync(fileOf('b.tmp'), before.atime, before.mtime);
      renameSync(fileOf('b.tmp'), fileOf('a.canvas'));
      expect(await textOf()).toBe('{"v":"3"}');
      unlinkSync(fileOf('a.canvas'));
      expect(await textOf()).toBe('missing');
      write('1');
    }
  });

  it('answers "missing" for links, pipes, folders and sockets, without waiting', async () => {
    const outside = await temporaryFolder();
    writeFileSync(path.join(outside, 'x.canvas'), '{"canary":1}');
    symlinkSync(path.join(outside, 'x.canvas'), fileOf('link.canvas'));
    symlinkSync(outside, fileOf('folder'));
    symlinkSync('loop.canvas', fileOf('loop.canvas'));
    mkdirSync(fileOf('dir.canvas'));
    writeFileSync(fileOf('file'), '');
    execFileSync('mkfifo', [fileOf('pipe.canvas')]);
    for (const name of ['link', 'folder/x', 'loop', 'dir', 'file/x', 'pipe', 'none', 'none/x']) {
      expect(await textOf(`${name}.canvas`), name).toBe('missing');
    }
  });

  it('stops answering a canvas when its folder becomes a link', async () => {
    mkdirSync(fileOf('sub'));
    writeFileSync(fileOf('sub/a.canvas'), '{}');
    await textOf('sub/a.canvas');
    clock.letPass(50);
    expect(await textOf('sub/a.canvas')).toBe('{}');
    renameSync(fileOf('sub'), fileOf('moved'));
    symlinkSync('moved', fileOf('sub'));
    expect(await textOf('sub/a.canvas')).toBe('missing');
  });

  it('does not read what is too large', async () => {
    writeFileSync(fileOf('a.canvas'), '{}');
    truncateSync(fileOf('a.canvas'), 10 * 1024 ** 3);
    expect(await stateOf()).toMatchObject({ kind: 'too_large', size: 10 * 1024 ** 3 });
    truncateSync(fileOf('a.canvas'), 2);
    expect(await textOf()).toBe('{}');
  });

  it('waits for a file that is being written in place', async () => {
    const whole = canvasBytes('whole');
    writeFileSync(fileOf('a.canvas'), whole.subarray(0, 20));
    const reading = textOf();
    await clock.untilAwaited();
    appendFileSync(fileOf('a.canvas'), whole.subarray(20));
    expect(await clock.runUntil(reading)).toBe(whole.toString());
    writeFileSync(fileOf('a.canvas'), '');
    const empty = textOf();
    await clock.untilAwaited();
    writeFileSync(fileOf('a.canvas'), whole);
    expect(await clock.runUntil(empty)).toBe(whole.toString());
  });

  it('gives up on a file that stays broken: first as changing, after a second as invalid', async () => {
    writeFileSync(fileOf('a.canvas'), '{"nodes":[');
    expect(await clock.runUntil(stateOf())).toEqual({ kind: 'changing' });
    expect(clock.now()).toBe(310);
    clock.letPass(5000);
    expect(await stateOf()).toMatchObject({ kind: 'invalid', etag: etagOf(Buffer.from('{"nodes":[')) });
    expect(readFileSync(fileOf('a.canvas'), 'utf8')).toBe('{"nodes":[');
    expect(clock.timers).toBe(0);
  });

  it('says that the vault is unavailable, not that the canvas is missing, when the vault is gone', async () => {
    writeFileSync(fileOf('a.canvas'), '{}');
    await textOf();
    rmSync(vault, { recursive: true });
    await expect(stateOf()).rejects.toMatchObject({ code: 'VAULT_UNAVAILABLE', kind: 'unavailable' });
  });

  describe('of new bytes in a file that was touched a moment ago', () => {
    const theirs = canvasBytes('b', 300);
    const half = theirs.length >>> 1;
    const read = async () => {
      const { state } = await carefulReader.read(parseVaultPath('a.canvas'));
      return state.kind === 'canvas' ? state.etag : state.kind;
    };
    /** Over what is there, without cutting it off: what is between two such writes is JSON too. */
    const writeAt = (from: number, to: number) => {
      const file = openSync(fileOf('a.canvas'), 'r+');
      writeSync(file, theirs, from, to - from, from);
      closeSync(file);
    };

    it('answers none that are half old and half new, though they are JSON', async () => {
      writeFileSync(fileOf('a.canvas'), ours);
      expect(await read()).toBe(etagOf(ours));
      writeAt(0, half);
      const mixed = readFileSync(fileOf('a.canvas'));
      expect(JSON.parse(mixed.toString())).toBeDefined();
      const reading = read();
      await clock.untilAwaited();
      writeAt(half, theirs.length);
      expect(await clock.runUntil(reading)).toBe(etagOf(theirs));
      expect(clock.now()).toBe(100);
    });

    it('answers them when they are the same a moment later, and at once when the file was left alone', async () => {
      writeFileSync(fileOf('a.canvas'), theirs);
      expect(await clock.runUntil(read())).toBe(etagOf(theirs));
      expect(clock.now()).toBe(50);
      writeFileSync(fileOf('a.canvas'), canvasBytes('c', 300));
      // Whatever its modification time says, and whether the clock goes right.
      utimesSync(fileOf('a.canvas'), 1, 1);
      clock.letPass(60);
      expect(await read()).toBe(etagOf(canvasBytes('c', 300)));
      expect(clock.now()).toBe(50);
    });

    it('answers those of the service at once', async () => {
      writeFileSync(fileOf('a.canvas'), theirs);
      await clock.runUntil(read());
      const settledMs = clock.now();
      writeFileSync(fileOf('a.canvas'), ours);
      expect(await read()).toBe(etagOf(ours));
      expect(clock.now()).toBe(settledMs);
    });

    it('gives up on a program that does not stop', async () => {
      let isOver = false;
      let pieces = 0;
      writeFileSync(fileOf('a.canvas'), theirs);
      const reading = read().finally(() => {
        isOver = true;
      });
      while (!isOver) {
        pieces += 1;
        writeFileSync(fileOf('a.canvas'), canvasBytes(`${pieces}`, 300));
        const [next] = clock.dueInMs;
        await clock.advance(next ?? 0);
      }
      expect(await reading).toBe('changing');
      expect(clock.now()).toBeLessThanOrEqual(390);
    });
  });

  it('never answers a torn file beside a program that rewrites it in place', async () => {
    const versions = [canvasBytes('a', 300), canvasBytes('b', 200)];
    const known = new Set(versions.map((bytes) => etagOf(bytes)));
    const file = fileOf('a.canvas');
    writeFileSync(file, versions[0] as Buffer);
    for (let round = 0; round < 150; round++) {
      const bytes = versions[round % 2] as Buffer;
      const reads = [stateOf(), stateOf()];
      writeFileSync(file, bytes.subarray(0, 4000));
      await settle();
      reads.push(stateOf());
      appendFileSync(file, bytes.subarray(4000));
      for (const state of await clock.runUntil(Promise.all(reads))) {
        if (state.kind === 'canvas') expect(known).toContain(etagOf(state.bytes));
        else expect(state.kind).toBe('changing');
      }
    }
  });
});
