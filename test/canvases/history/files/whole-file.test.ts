import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { etagOfFile } from '../../../../src/canvases/history/files/held-file.js';
import { openUnlinked, readSmall, readWhole } from '../../../../src/canvases/history/files/whole-file.js';
import { temporaryFolder } from '../../../support/folder.js';

const limit = 64 * 1024;

describe('reading a small file at once', () => {
  it.each([0, 1, limit])('gives all %i bytes and what the system knows of the file', async (length) => {
    const file = path.join(await temporaryFolder(), 'a');
    const bytes = Buffer.alloc(length, 'canvas');
    writeFileSync(file, bytes);
    const read = readSmall(file);
    expect(read?.bytes.equals(bytes)).toBe(true);
    expect(read?.stats).toMatchObject({ size: length, nlink: 1 });
  });

  it('leaves a larger one to those who wait', async () => {
    const file = path.join(await temporaryFolder(), 'a');
    writeFileSync(file, Buffer.alloc(limit + 1));
    expect(readSmall(file)).toBeUndefined();
  });

  it('follows no link, and takes no folder and no missing file for one', async () => {
    const folder = await temporaryFolder();
    writeFileSync(path.join(folder, 'a'), 'secret');
    symlinkSync(path.join(folder, 'a'), path.join(folder, 'link'));
    mkdirSync(path.join(folder, 'sub'));
    expect(() => readSmall(path.join(folder, 'link'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
    expect(() => readSmall(path.join(folder, 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(readSmall(path.join(folder, 'sub'))).toBeUndefined();
  });
});

describe('reading a whole file', () => {
  it.each([0, 1, limit])('gives all %i bytes where that is not too much', async (length) => {
    const file = path.join(await temporaryFolder(), 'a');
    writeFileSync(file, Buffer.alloc(length, 'canvas'));
    const opened = await openUnlinked(file);
    expect((await readWhole(opened, length))?.length).toBe(length);
    if (length > 0) expect(await readWhole(opened, length - 1)).toBeUndefined();
    await opened.close();
  });

  it.skipIf(process.platform === 'win32')('reads nothing of a device that gives bytes without end', async () => {
    const device = await openUnlinked('/dev/zero');
    expect(await readWhole(device, limit)).toBeUndefined();
    await device.close();
    expect(await etagOfFile('/dev/zero', limit)).toBe('');
  });
});
