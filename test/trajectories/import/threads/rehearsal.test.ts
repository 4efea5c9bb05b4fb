import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { madeUpText, rehearse } from '../../../../src/trajectories/import/threads/rehearsal.js';
import { temporaryFolder } from '../../../support/folder.js';
import { newRun, outcomeOf } from '../run.js';

it('the made-up records are imported, all of them, each with an id of its own', async () => {
  const outcome = await outcomeOf(await newRun(madeUpText(0) + madeUpText(1)));
  expect(outcome).toMatchObject({ end: 'done', counts: { imported: 160, failed: 0, skipped: 0 } });
});

it('a rehearsal ends when a run has come, and leaves nothing behind, not even what an earlier one left', async () => {
  const folder = `${await temporaryFolder()}/rehearsal`;
  await mkdir(folder);
  await writeFile(`${folder}/left`, '');
  let asked = 0;
  await rehearse(folder, () => ++asked > 1);
  expect([asked, existsSync(folder)]).toEqual([2, false]);
});

it('a rehearsal that fails leaves nothing behind', async () => {
  const file = `${await temporaryFolder()}/file`;
  await writeFile(file, '');
  await expect(rehearse(`${file}/rehearsal`, () => false)).rejects.toThrow();
});
