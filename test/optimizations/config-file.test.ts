import type * as FileSystem from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { fileSignature, readConfigFile } from '../../src/optimizations/config/config-file.js';
import { systemClock } from '../../src/optimizations/index.js';
import { temporaryFolder } from '../support/folder.js';
import { openTestFlags } from './open-test-flags.js';

const whileReading = vi.hoisted(() => ({ happens: () => {} }));

vi.mock('node:fs', async (original) => {
  const actual = await original<typeof FileSystem>();
  const readSync = (...given: [number, Buffer, number, number, null]) => {
    whileReading.happens();
    return actual.readSync(...given);
  };
  return { ...actual, readSync };
});
afterEach(() => {
  whileReading.happens = () => {};
});

async function fileWith(content: string | Uint8Array) {
  const file = path.join(await temporaryFolder(), 'x.yaml');
  writeFileSync(file, content);
  return file;
}

it('a file that is written while it is read is read again', async () => {
  const file = await fileWith('enabled: false\n');
  let reads = 0;
  whileReading.happens = () => {
    reads += 1;
    if (reads === 1) writeFileSync(file, 'enabled: true\n# and more\n');
  };
  expect(readConfigFile(file)).toEqual({ state: 'text', text: 'enabled: true\n# and more\n' });
});

it('a file that is written at each attempt is said to be changing, and taken up once it rests', async () => {
  const { flags, file, write, settle, events } = await openTestFlags('enabled: true\n');
  events.length = 0;
  whileReading.happens = () => writeFileSync(file, 'enabled: false\n');
  expect(readConfigFile(file)).toEqual({ state: 'changing' });
  expect(() => flags.reload()).toThrow('expected a file at rest, got one being written');
  settle();
  expect(events).toEqual([]);
  whileReading.happens = () => {};
  write('enabled: false\n');
  settle();
  expect(flags.list().all.effective).toBe(false);
});

it('what is no small UTF-8 text is refused', async () => {
  expect(readConfigFile(await fileWith(new Uint8Array([0x65, 0xff, 0x65])))).toEqual({
    state: 'refused',
    message: 'expected UTF-8 text',
  });
  expect(readConfigFile(await fileWith('#'.repeat(32 * 1024)))).toMatchObject({ state: 'text' });
  expect(readConfigFile(await fileWith('#'.repeat(32 * 1024 + 1)))).toEqual({
    state: 'refused',
    message: 'expected at most 32768 bytes',
  });
});

it('what cannot be opened is refused with the reason, and what is not there is missing', async () => {
  const folder = await temporaryFolder();
  const loop = path.join(folder, 'loop');
  symlinkSync('loop', loop);
  expect(readConfigFile(loop)).toEqual({ state: 'refused', message: 'expected a readable file, got ELOOP' });
  expect(fileSignature(loop)).toBe('ELOOP');
  expect(readConfigFile(path.join(folder, 'none'))).toEqual({ state: 'missing' });
  expect(readConfigFile(path.join(await fileWith(''), 'none'))).toEqual({ state: 'missing' });
});

it('the clock of the machine tells the time and repeats a task until it is stopped', async () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  let runs = 0;
  await new Promise<void>((resolve) => {
    const stop = systemClock.every(1, () => {
      runs += 1;
      if (runs < 3) return;
      stop();
      resolve();
    });
  });
  expect(runs).toBe(3);
});
