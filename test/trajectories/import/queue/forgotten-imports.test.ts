import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Imports } from '../../../../src/trajectories/import/imports.js';
import { temporaryFolder } from '../../../support/folder.js';
import { heldRuns, openTestImports, pieces, skip } from '../open.js';
import { formats, rawRecords } from '../records.js';

/** More than is read without a thread. */
const large = formats.lines!(rawRecords(300).map((record) => ({ ...record, blob: 'x'.repeat(1000) })));

const accept = async (imports: Imports, text: string) =>
  (await imports.accept(await imports.receive(pieces(text), false), skip)).task_id;

const kept = (imports: Imports) => imports.history(10, 0).data.map(({ task_id }) => task_id);

it('imports that are cancelled while they wait push the oldest out of the history too', async () => {
  const dataDir = await temporaryFolder();
  const held = heldRuns();
  const { imports } = await openTestImports(dataDir, { startRun: held.startRun, maxHistory: 2 });
  const running = await accept(imports, large);
  await held.started;
  const cancelled: string[] = [];
  for (let i = 0; i < 4; i++) {
    cancelled.unshift(await accept(imports, '{}'));
    await imports.cancel(cancelled[0]!);
  }
  expect(kept(imports)).toEqual([...cancelled.slice(0, 2), running]);
  held.go();
  await imports.close();
});

it('a start with more ended imports than are kept forgets the oldest', async () => {
  const dataDir = await temporaryFolder();
  const first = (await openTestImports(dataDir)).imports;
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) {
    ids.push(await accept(first, '{}'));
    await first.finished(ids[i]!);
  }
  await first.close();
  const second = (await openTestImports(dataDir, { maxHistory: 2 })).imports;
  expect(kept(second)).toEqual([ids[3], ids[2]]);
  expect((await readdir(path.join(dataDir, 'imports'))).filter((name) => name.endsWith('.json'))).toHaveLength(2);
  await second.close();
});

it('the oldest error files go when all together are too large; the imports stay', async () => {
  const dataDir = await temporaryFolder();
  const { imports } = await openTestImports(dataDir, { maxErrorFilesBytes: 150 });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    ids.push(await accept(imports, i === 3 ? formats.lines!(rawRecords(1)) : 'x\n'));
    await imports.finished(ids[i]!);
  }
  await imports.close();
  const files = (await readdir(path.join(dataDir, 'imports'))).filter((name) => name.endsWith('.errors.jsonl'));
  expect(files).toContain(`${ids[4]}.errors.jsonl`);
  expect(files).not.toContain(`${ids[0]}.errors.jsonl`);
  expect(kept(imports)).toHaveLength(5);
  expect(await imports.status(ids[0]!)).toMatchObject({ failed_count: 1, errors: [expect.stringMatching(/^Line 1/)] });
});
