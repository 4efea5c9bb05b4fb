import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { spaceForUploads } from '../../../../src/trajectories/import/tasks/disk-reserve.js';
import { temporaryFolder } from '../../../support/folder.js';
import { openTestImports, pieces, skip } from '../open.js';

/** An upload that goes on once it is let; `asked` tells whether somebody has begun to read it. */
function slowUpload() {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const upload = { asked: false, go, body: body() };
  async function* body() {
    upload.asked = true;
    await gate;
    yield Buffer.from('{}\n');
  }
  return upload;
}

const full = { code: 'IMPORT_QUEUE_FULL', kind: 'too_many', headers: { 'retry-after': '10' } };

it('an upload under way has its place in the queue: one more is refused before it is read', async () => {
  const { imports } = await openTestImports(await temporaryFolder(), { maxPending: 1 });
  const first = slowUpload();
  const receiving = imports.receive(first.body, false);
  const second = slowUpload();
  await expect(imports.receive(second.body, false)).rejects.toMatchObject(full);
  await expect(imports.acceptPath('any', skip)).rejects.toMatchObject(full);
  expect(second.asked).toBe(false);
  first.go();
  const { task_id } = await imports.accept(await receiving, skip);
  await imports.finished(task_id);
  await (await imports.receive(pieces('{}'), false)).discard();
  await imports.close();
});

it('an upload that comes to nothing gives its place back', async () => {
  const { imports } = await openTestImports(await temporaryFolder(), { maxPending: 1, maxUploadBytes: 10 });
  await expect(imports.receive(pieces('x'.repeat(11)), false)).rejects.toMatchObject({
    code: 'IMPORT_UPLOAD_TOO_LARGE',
  });
  await expect(imports.acceptPath('missing', skip)).rejects.toMatchObject({ code: 'IMPORT_FILE_NOT_FOUND' });
  await (await imports.receive(pieces('{}'), false)).discard();
  const conflicting = { skip_duplicate_check: true, on_conflict: 'replace' } as const;
  const upload = await imports.receive(pieces('{}'), false);
  await expect(imports.accept(upload, conflicting)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_INVALID' });
  const { task_id } = await imports.accept(await imports.receive(pieces('{}'), false), skip);
  expect(await imports.finished(task_id)).toMatchObject({ status: 'completed' });
  await imports.close();
});

const noSpace = { code: 'IMPORT_STORAGE_FULL', kind: 'storage_full' };

it('an upload is refused unread when only the reserve of the disk is left, and broken off when that is reached', async () => {
  const dataDir = await temporaryFolder();
  const mebibyte = 1024 * 1024;
  let left = 0;
  const { imports } = await openTestImports(dataDir, {
    async spaceForUploads() {
      left -= mebibyte;
      return left + mebibyte;
    },
  });
  const upload = slowUpload();
  await expect(imports.receive(upload.body, false)).rejects.toMatchObject(noSpace);
  expect(upload.asked).toBe(false);
  left = 3 * mebibyte;
  await expect(imports.receive(pieces(Buffer.alloc(5 * mebibyte)), false)).rejects.toMatchObject(noSpace);
  expect(await readdir(path.join(dataDir, 'imports', 'spool'))).toEqual([]);
  left = 3 * mebibyte;
  await (await imports.receive(pieces(Buffer.alloc(2 * mebibyte)), false)).discard();
  await imports.close();
});

it('the reserve is a part of the disk; one that cannot be asked refuses nothing', async () => {
  const folder = await temporaryFolder();
  expect(Number.isFinite(await spaceForUploads(folder))).toBe(true);
  expect(await spaceForUploads(path.join(folder, 'missing'))).toBe(Number.POSITIVE_INFINITY);
});
