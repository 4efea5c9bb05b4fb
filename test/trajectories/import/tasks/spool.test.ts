import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { spoolUpload } from '../../../../src/trajectories/import/tasks/spool.js';
import { temporaryFolder } from '../../../support/folder.js';

const newFile = async () => path.join(await temporaryFolder(), 'upload');

async function* pieces(sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (const [i, size] of sizes.entries()) yield Buffer.alloc(size, i % 256);
}

it('every byte is there, however the upload comes in pieces', async () => {
  const sizes = [1, 0, 70_000, 1024 * 1024, 3, 3 * 1024 * 1024, ...Array.from({ length: 300 }, () => 65_536), 17];
  const file = await newFile();
  let large = 0;
  const found = await spoolUpload(pieces(sizes), file, {
    maxBytes: 1e9,
    expectGzip: false,
    largeBytes: 70_001,
    onLarge: () => {
      large += 1;
    },
  });
  const expected = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i % 256)));
  expect((await readFile(file)).equals(expected)).toBe(true);
  expect([found.bytes, large]).toEqual([expected.length, 1]);
});

it('a small upload is not called large', async () => {
  const onLarge = () => expect.unreachable();
  await spoolUpload(pieces([10, 10]), await newFile(), { maxBytes: 100, expectGzip: false, largeBytes: 20, onLarge });
});

it('nothing is left of an upload that is too large, breaks off, or is not what it says', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(2 * 1024 * 1024);
    throw new Error('aborted');
  }
  const limits = { maxBytes: 3 * 1024 * 1024, expectGzip: false };
  const file = await newFile();
  await expect(spoolUpload(broken(), file, limits)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_BROKEN' });
  const tooLarge = pieces([2 * 1024 * 1024, 2 * 1024 * 1024]);
  await expect(spoolUpload(tooLarge, file, limits)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_TOO_LARGE' });
  const plain = pieces([10]);
  await expect(spoolUpload(plain, file, { ...limits, expectGzip: true })).rejects.toMatchObject({
    code: 'IMPORT_UPLOAD_INVALID',
  });
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});
