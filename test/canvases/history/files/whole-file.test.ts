import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSmall } from '../../../../src/canvases/history/files/whole-file.js';
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
