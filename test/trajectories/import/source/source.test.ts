import { appendFile, readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  FileChanged,
  identityOf,
  isSmallText,
  readSource,
  SourceFault,
} from '../../../../src/trajectories/import/source/source.js';
import { temporaryFolder } from '../../../support/folder.js';
import { formats, rawRecords, writeSource } from '../records.js';

const text = formats.lines!(rawRecords(300));

/** What was read before the end or the fault, and the fault. */
async function readAll(content: string | Buffer): Promise<{ text: Buffer; fault: unknown; bytesRead: number }> {
  const file = await writeSource(await temporaryFolder(), content);
  const pieces: Buffer[] = [];
  let bytesRead = 0;
  let fault: unknown;
  try {
    for await (const piece of readSource(file, (bytes) => {
      bytesRead = bytes;
    })) {
      pieces.push(piece);
    }
  } catch (error) {
    fault = error;
  }
  return { text: Buffer.concat(pieces), fault, bytesRead };
}

describe('readSource', () => {
  it('gives plain text, gzip, gzip of gzip and several members as the same bytes', async () => {
    const half = Math.floor(text.length / 2);
    const members = Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]);
    for (const content of [text, gzipSync(text), gzipSync(gzipSync(text)), members]) {
      const read = await readAll(content);
      expect(read.fault).toBeUndefined();
      expect(read.text.toString()).toBe(text);
      expect(read.bytesRead).toBe(Buffer.byteLength(content));
    }
  });

  it('gives nothing for an empty file', async () => {
    expect((await readAll('')).text.length).toBe(0);
  });

  it('gives all that a cut gzip holds, then says that it is cut', async () => {
    const whole = gzipSync(text);
    for (const length of [11, 500, Math.floor(whole.length / 2), whole.length - 9, whole.length - 1]) {
      const cut = whole.subarray(0, length);
      const read = await readAll(cut);
      expect(read.fault).toBeInstanceOf(SourceFault);
      expect((read.fault as Error).message).toBe('the gzip data is cut off');
      expect(read.text.equals(gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH })), String(length)).toBe(true);
    }
  });

  it('says that gzip data is damaged', async () => {
    const damaged = gzipSync(text);
    damaged.fill(0xff, 2000, 2100);
    expect((await readAll(damaged)).fault).toMatchObject({ message: 'the gzip data is damaged' });
  });

  it('stops at a bomb, and at gzip wrapped too often', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    const read = await readAll(bomb);
    expect(read.fault).toMatchObject({ message: 'expected gzip data that expands at most 250-fold' });
    expect(read.text.length).toBeLessThan(90 * 1024 * 1024);
    const nested = await readAll(gzipSync(gzipSync(gzipSync(text))));
    expect(nested.fault).toMatchObject({ message: 'expected gzip at most twice, one inside the other' });
  });

  it('refuses a file that is another one than was accepted, before and after it was read', async () => {
    const folder = await temporaryFolder();
    const file = await writeSource(folder, text);
    const read = async (during: () => Promise<unknown>) => {
      for await (const _piece of readSource(file, () => {})) await during();
    };
    await expect(read(() => appendFile(file.path, 'x'))).rejects.toThrow(FileChanged);
    await expect(read(async () => {})).rejects.toThrow(new FileChanged('the file has changed'));
    const again = await identityOf(file.path);
    await utimes(file.path, 1, 1);
    await expect(readSource(again, () => {}).next()).rejects.toThrow(FileChanged);
    await rm(file.path);
    await expect(read(async () => {})).rejects.toThrow(new FileChanged('the file is gone'));
  });
});

it('closes the file also when reading is given up at the first piece', async () => {
  for (const content of [text.repeat(20), gzipSync(text.repeat(20)), gzipSync(gzipSync(text))]) {
    const file = await writeSource(await temporaryFolder(), content);
    for await (const _piece of readSource(file, () => {})) break;
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    expect(open).not.toContain(file.path);
  }
});

it('isSmallText tells short text, and never gzip', async () => {
  const folder = await temporaryFolder();
  const small = await writeSource(folder, '{}');
  expect(await isSmallText(small, 2)).toBe(true);
  expect(await isSmallText(small, 1)).toBe(false);
  await writeFile(path.join(folder, 'z'), gzipSync('{}'));
  expect(await isSmallText(await identityOf(path.join(folder, 'z')), 1000)).toBe(false);
  expect(await isSmallText(await writeSource(folder, '', 'empty'), 1000)).toBe(true);
});

const quarter = 256 * 1024;

it.each([
  ['blank lines', '\n'.repeat(quarter)],
  ['lines that are no records', 'x\n'.repeat(quarter / 2)],
  ['empty records', '{}\n'.repeat(quarter / 3)],
  ['a list of them in one line', `{"trajectories":[${'1,'.repeat(quarter / 2 - 12)}1]}`],
])('isSmallText is not met by %s, however few bytes they are', async (_name, content) => {
  const file = await writeSource(await temporaryFolder(), content);
  expect(file.bytes).toBeLessThanOrEqual(quarter);
  expect(await isSmallText(file, quarter)).toBe(false);
});

it('isSmallText is met by records as they are', async () => {
  const file = await writeSource(await temporaryFolder(), formats.lines!(rawRecords(250)));
  expect(await isSmallText(file, quarter)).toBe(true);
});
