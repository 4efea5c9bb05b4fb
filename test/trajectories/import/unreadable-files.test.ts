import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { ImportOptions } from '../../../src/trajectories/import/tasks/import-task.js';
import { temporaryFolder } from '../../support/folder.js';
import { heldRuns, openTestImports, pieces, skip } from './open.js';
import { formats, rawRecords } from './records.js';

/** More than is read without a thread. */
const large = formats.lines!(rawRecords(300).map((record) => ({ ...record, blob: 'x'.repeat(1000) })));

/** Uploads that a stop of the service has left, the first of them begun. */
async function leftUploads(dataDir: string, count: number, options: ImportOptions = skip): Promise<string[]> {
  const held = heldRuns();
  const { imports } = await openTestImports(dataDir, { startRun: held.startRun });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await imports.accept(await imports.receive(pieces(large), false), options)).task_id);
  }
  await held.started;
  await imports.close();
  return ids;
}

/** Lets a file be there and yet not be opened, whoever tries; the answer undoes it. */
async function hinder(dataDir: string, file: string): Promise<() => Promise<void>> {
  const aside = path.join(dataDir, `${path.basename(file)}-aside`);
  await rename(file, aside);
  await symlink(file, file);
  return async () => {
    await rm(file);
    await rename(aside, file);
  };
}

const spool = (dataDir: string) => path.join(dataDir, 'imports', 'spool');

it('an upload whose task cannot be read for a while is kept, and imported at the next start', async () => {
  const dataDir = await temporaryFolder();
  const [taskId] = (await leftUploads(dataDir, 1)) as [string];
  const mend = await hinder(dataDir, path.join(dataDir, 'imports', `${taskId}.json`));
  await (await openTestImports(dataDir)).imports.close();
  expect(await readdir(spool(dataDir))).toEqual([taskId]);
  await mend();
  const { imports } = await openTestImports(dataDir);
  expect(await imports.finished(taskId)).toMatchObject({ status: 'completed', imported_count: 300 });
  await imports.close();
});

it('an upload whose task is damaged is kept; what no task names is removed', async () => {
  const dataDir = await temporaryFolder();
  const [taskId] = (await leftUploads(dataDir, 1)) as [string];
  await writeFile(path.join(dataDir, 'imports', `${taskId}.json`), '{"torn');
  await writeFile(path.join(spool(dataDir), 'left-over'), 'x');
  await (await openTestImports(dataDir)).imports.close();
  expect(await readdir(spool(dataDir))).toEqual([taskId]);
});

it('an upload that cannot be read for a while waits for the next start, and can be cancelled meanwhile', async () => {
  const dataDir = await temporaryFolder();
  const [kept, cancelled, other] = (await leftUploads(dataDir, 3)) as [string, string, string];
  const mend = await hinder(dataDir, path.join(spool(dataDir), kept));
  await hinder(dataDir, path.join(spool(dataDir), cancelled));
  const second = (await openTestImports(dataDir)).imports;
  expect(await second.finished(kept)).toMatchObject({ status: 'pending', message: /taken up again at the next start/ });
  expect(await second.cancel(cancelled)).toMatchObject({ status: 'cancelled' });
  expect(await second.finished(other)).toMatchObject({ status: 'completed', imported_count: 300 });
  await second.close();
  await mend();
  const third = (await openTestImports(dataDir)).imports;
  expect(await third.finished(kept)).toMatchObject({ status: 'completed', skipped_count: 300 });
  expect(await third.status(cancelled)).toMatchObject({ status: 'cancelled' });
  await third.close();
});

it('what is no file at all in the place of a task hinders nothing', async () => {
  const dataDir = await temporaryFolder();
  await mkdir(path.join(dataDir, 'imports', 'folder.json'), { recursive: true });
  await (await openTestImports(dataDir)).imports.close();
});
