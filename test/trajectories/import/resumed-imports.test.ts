import { appendFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/lance/index.js';
import type { ImportTask } from '../../../src/trajectories/import/tasks/import-task.js';
import { tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../support/folder.js';
import { pieces } from './open.js';
import { formats, type RawRecord, rawRecord, rawRecords, type StoredRow, storedRows } from './records.js';
import { newRun, outcomeOf } from './run.js';
import { type Opened, openWired } from './wired.js';

type Options = ImportTask['options'];

const idOf = (number: number) => String(rawRecord(number).trajectory_id);
const byId = (rows: readonly StoredRow[]) => new Map(rows.map((row) => [String(row.trajectory_id), row]));

/** Starts an import that is left unfinished, as a kill leaves it, once so many commits were made and `meanwhile` is done. */
async function breakOff(
  dataDir: string,
  begin: (opened: Opened) => Promise<unknown>,
  commits: number,
  meanwhile: (opened: Opened) => Promise<unknown> = async () => {},
): Promise<void> {
  let made = 0;
  let isBroken = () => {};
  const broken = new Promise<void>((resolve) => {
    isBroken = resolve;
  });
  const opened = await openWired(dataDir, (of) => {
    made += 1;
    if (made === commits) {
      void meanwhile(of)
        .then(() => of.imports.close())
        .then(isBroken);
    }
  });
  await begin(opened);
  opened.go();
  await broken;
  await opened.close();
}

const modes: [string, Options][] = [
  ['skip', { skip_duplicate_check: false, on_conflict: 'skip' }],
  ['replace', { skip_duplicate_check: false, on_conflict: 'replace' }],
  ['unchecked', { skip_duplicate_check: true, on_conflict: 'skip' }],
];

describe.each(modes)('an import taken up again (%s)', (_name, options) => {
  const count = 400;
  const repeated: RawRecord[] = options.skip_duplicate_check ? [] : [rawRecord(2), rawRecord(3, { reward: 0.125 })];
  const text = formats.lines!([...rawRecords(count), ...repeated]);

  it('leaves alone what clients have written over its rows, and neither loses nor doubles one', async () => {
    const dataDir = await temporaryFolder();
    let taskId = '';
    const begin = async ({ imports, trajectories }: Opened) => {
      await trajectories.records.create(rawRecord(0, { reward: 77 }));
      taskId = (await imports.accept(await imports.receive(pieces(text), false), options)).task_id;
    };
    // Before the process dies: the first row, which only the import has brought, and one in the middle.
    await breakOff(dataDir, begin, 2, async ({ trajectories: { records } }) => {
      await records.remove(idOf(1));
      await records.replace(idOf(5), rawRecord(5, { reward: 55 }));
    });
    // After it, while the import waits: the newest rows that are stored, then a part of the rest is imported.
    const stored = (await storedRows(path.join(dataDir, 'lance'))).filter((row) => row.import_id === taskId);
    const newest = stored.slice(-3).map((row) => String(row.trajectory_id));
    expect(stored.length).toBeLessThan(count - 10);
    const [replaced, removed, removedToo] = newest as [string, string, string];
    const afterwards = async ({ trajectories: { records } }: Opened) => {
      await records.remove(removedToo);
      await records.remove(removed);
      await records.replace(replaced, { ...rawRecord(7), trajectory_id: replaced, reward: 99 });
      await records.setTags(idOf(6), ['mine']);
    };
    await breakOff(dataDir, afterwards, 1);

    const last = await openWired(dataDir);
    last.go();
    expect(await last.imports.finished(taskId)).toMatchObject({
      status: 'completed',
      ...(options.on_conflict === 'replace' || options.skip_duplicate_check
        ? { imported_count: count + repeated.length, skipped_count: 0 }
        : { imported_count: count - 1, skipped_count: 3 }),
    });
    const rows = await storedRows(last.lanceUri);
    const found = byId(rows);
    const gone = [idOf(1), removed, removedToo];
    const expected = Array.from({ length: count }, (_, i) => idOf(i)).filter((id) => !gone.includes(id));
    expect([...found.keys()].sort()).toEqual(expected.sort());
    expect(rows).toHaveLength(expected.length + (options.skip_duplicate_check ? 1 : 0));
    expect(new Set(rows.map(({ seq }) => seq)).size).toBe(rows.length);
    expect(found.get(idOf(5))).toMatchObject({ reward: 55, import_id: '' });
    expect(found.get(replaced)).toMatchObject({ reward: 99 });
    expect(found.get(idOf(6))).toMatchObject({ tags: ['mine'] });
    if (options.on_conflict === 'replace') expect(found.get(idOf(3))).toMatchObject({ reward: 0.125 });
    expect((await readdir(path.join(dataDir, 'imports'))).filter((name) => name.endsWith('.overridden'))).toEqual([]);
    await last.close();
  });
});

describe('rows that clients write over', () => {
  const begun = async (dataDir: string) => {
    let taskId = '';
    await breakOff(
      dataDir,
      async ({ imports }) => {
        const upload = await imports.receive(pieces(formats.lines!(rawRecords(200))), false);
        taskId = (await imports.accept(upload, { skip_duplicate_check: false, on_conflict: 'skip' })).task_id;
      },
      1,
    );
    return taskId;
  };
  const listOf = (dataDir: string, taskId: string) => path.join(dataDir, 'imports', `${taskId}.overridden`);

  it('are written down first: a line that a crash has cut off, or a write that came to nothing, changes nothing', async () => {
    const dataDir = await temporaryFolder();
    const taskId = await begun(dataDir);
    const stored = await storedRows(path.join(dataDir, 'lance'));
    const announced = stored.at(-1)!;
    await appendFile(
      listOf(dataDir, taskId),
      `\n${announced.seq}\n\n${announced.seq}\n\n${String(announced.seq).slice(0, 9)}`,
    );
    const { imports, trajectories, go, close, lanceUri } = await openWired(dataDir);
    await trajectories.records.remove(String(stored[0]!.trajectory_id));
    go();
    expect(await imports.finished(taskId)).toMatchObject({ imported_count: 200, skipped_count: 0 });
    const ids = (await storedRows(lanceUri)).map((row) => row.trajectory_id);
    expect([ids.length, new Set(ids).size, ids.includes(announced.trajectory_id)]).toEqual([199, 199, true]);
    await close();
  });

  it('stay where they cannot be written down; rows of ended imports are not written down', async () => {
    const dataDir = await temporaryFolder();
    const taskId = await begun(dataDir);
    const opened = await openWired(dataDir);
    const row = (await storedRows(opened.lanceUri))[0]!;
    const id = String(row.trajectory_id);
    const { overriding } = opened.imports;
    opened.imports.overriding = () => Promise.reject(new Error('ENOSPC'));
    await expect(opened.trajectories.records.remove(id)).rejects.toThrow('ENOSPC');
    await expect(opened.trajectories.records.replace(id, rawRecord(0))).rejects.toThrow('ENOSPC');
    expect((await storedRows(opened.lanceUri))[0]).toEqual(row);
    opened.imports.overriding = overriding;
    await opened.trajectories.records.remove(id);
    expect(await readFile(listOf(dataDir, taskId), 'utf8')).toBe(`\n${row.seq}\n`);
    opened.go();
    await opened.imports.finished(taskId);
    await opened.trajectories.records.remove(idOf(9));
    await expect(readFile(listOf(dataDir, taskId))).rejects.toThrow('ENOENT');
    await opened.close();
  });
});

it.each(['skip', 'replace'] as const)(
  'an import that was killed between two rows of a batch goes on with the next row, row by row (%s)',
  async (onConflict) => {
    const run = await newRun(formats.lines!(rawRecords(60)), { onConflict });
    await outcomeOf(run);
    const whole = await storedRows(run.lanceUri);
    const database = await openDatabase(run.lanceUri);
    const table = await database.openTable(tableNames.trajectories, trajectorySchema);
    await table.delete(`seq >= ${run.firstSeq + 37}`);
    const rowByRow = {
      ...run,
      resumes: true,
      batchImport: { ...run.batchImport, enabled: false },
      bulkDuplicateCheck: false,
    };
    const { counts, commits } = await outcomeOf(rowByRow);
    expect([counts, commits]).toEqual([{ imported: 60, failed: 0, skipped: 0 }, 23]);
    expect(await storedRows(run.lanceUri)).toEqual(whole);
    table.close();
    database.close();
  },
);

it('an import that was begun without numbering its rows by their place doubles none', async () => {
  const options = { skipDuplicateCheck: true };
  const run = await newRun(formats.lines!(rawRecords(250)), options);
  await outcomeOf(run, (commits) => (commits >= 1 ? 'stopped' : undefined));
  const { counts } = await outcomeOf({ ...run, resumes: true, firstSeq: run.firstSeq + 1_000_000 });
  expect(counts).toEqual({ imported: 250, failed: 0, skipped: 0 });
  expect(await storedRows(run.lanceUri)).toHaveLength(250);
});
