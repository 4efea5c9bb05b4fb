import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase, optimizeTable, type Table } from '../../../../src/lance/index.js';
import { QuestionSums } from '../../../../src/trajectories/questions/changes/question-sums.js';
import { openSumsFile } from '../../../../src/trajectories/questions/changes/sums-file.js';
import { createFigures, type Figures } from '../../../../src/trajectories/questions/figures.js';
import { computeQuestionFigures } from '../../../../src/trajectories/questions/question-figures.js';
import { analysisSchema, trajectorySchema } from '../../../../src/trajectories/trajectory-schema.js';
import { makeRow, openTables, suiteFolder } from '../../stored-rows.js';
import { byQuestion } from './by-question.js';

const count = 1200;
const made = (i: number) => makeRow(i, { data_id: `题${(i * 7) % 900}`, record_json: '{}', exec_time: i % 9 });

/** One run of the service: the rows read for each asking, and what was wrong with the file. */
interface Run {
  figures: Figures;
  table: Table;
  database: Database;
  read: number[];
  failures: string[];
}

async function startRun(folder: string): Promise<Run> {
  const database = await openDatabase(folder);
  const [read, failures]: [number[], string[]] = [[], []];
  const onFailed = (error: unknown) => failures.push(String(error));
  const sumsFile = await openSumsFile({
    file: path.join(folder, 'kept.figures'),
    versionPrint: (version) => database.versionPrint('trajectories', version),
    leastRows: 1000,
    onFailed,
  });
  const openTrajectories = () => database.openTable('trajectories', trajectorySchema);
  const openAnalysis = () => database.openTable('analysis', analysisSchema);
  const table = await openTrajectories();
  const onComputed = ({ rows }: { rows: number }) => read.push(rows);
  const analysis = await openAnalysis();
  const figures = createFigures({
    trajectories: table,
    analysis,
    openTrajectories,
    openAnalysis,
    sumsFile,
    onFailed,
    onComputed,
  });
  return { figures, table, database, read, failures };
}

async function endRun({ figures, table, database }: Run): Promise<void> {
  await figures.close();
  table.close();
  database.close();
}

/** Asks, and compares with what the whole table adds up to. */
async function ask({ figures, table }: Run): Promise<void> {
  expect(byQuestion(await figures.questions())).toEqual(byQuestion(await computeQuestionFigures(table)));
}

let home: string;
/** A store whose figures were asked for once, in a run that ended. */
let filled: string;
beforeAll(async () => {
  home = await suiteFolder();
  filled = path.join(home, 'filled');
  const rows = Array.from({ length: count }, (_, i) => made(i));
  const { database } = await openTables(rows, 2, filled);
  database.close();
  const run = await startRun(filled);
  await ask(run);
  await endRun(run);
  expect([run.read, run.failures]).toEqual([[count], []]);
}, 60_000);

let copies = 0;
async function copyOfFilled(): Promise<string> {
  copies += 1;
  const folder = path.join(home, `copy-${copies}`);
  await cp(filled, folder, { recursive: true });
  return folder;
}

test('the first figures of the next run read no rows', async () => {
  const run = await startRun(filled);
  await ask(run);
  await endRun(run);
  expect([run.read, run.failures]).toEqual([[0], []]);
});

test('rows that changed since are read, and no others, before and after the first asking', async () => {
  const folder = await copyOfFilled();
  const between = await openDatabase(folder);
  const table = await between.openTable('trajectories', trajectorySchema);
  await table.update({ where: 'seq >= 100 AND seq < 130', values: { is_success: true, reward: 0.25 } });
  await table.delete('seq >= 500 AND seq < 520');
  await table.add(Array.from({ length: 50 }, (_, i) => made(count + i)));
  between.close();
  const run = await startRun(folder);
  await ask(run);
  await run.table.update({ where: 'seq = 7', values: { data_id: 'another' } });
  await ask(run);
  await endRun(run);
  const next = await startRun(folder);
  await ask(next);
  await endRun(next);
  expect([run.read, next.read, run.failures, next.failures]).toEqual([[80, 1], [0], [], []]);
});

test.each([
  ['a changed byte', (bytes: Buffer) => bytes.fill(bytes[9000]! ^ 1, 9000, 9001)],
  ['a last byte that is missing', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['another text', () => Buffer.from('{"format":1}')],
  ['nothing in it', () => Buffer.alloc(0)],
])('a file with %s is passed over, said to be, and written anew', async (_, damaged) => {
  const folder = await copyOfFilled();
  const file = path.join(folder, 'kept.figures');
  await writeFile(file, damaged(await readFile(file)));
  const run = await startRun(folder);
  await ask(run);
  await endRun(run);
  const next = await startRun(folder);
  await ask(next);
  await endRun(next);
  expect([run.read, run.failures.length, next.read, next.failures]).toEqual([[count], 1, [0], []]);
});

test('a file of a version that is gone, or of another table, is passed over in silence', async () => {
  const cleaned = await copyOfFilled();
  const database = await openDatabase(cleaned);
  const table = await database.openTable('trajectories', trajectorySchema);
  await table.delete('seq = 1');
  await optimizeTable(table, 0);
  database.close();
  const other = path.join(home, 'other');
  const twin = await openTables(
    Array.from({ length: count }, (_, i) => made(i + 1)),
    2,
    other,
  );
  twin.database.close();
  await cp(path.join(filled, 'kept.figures'), path.join(other, 'kept.figures'));
  for (const [folder, rows] of [
    [cleaned, count - 1],
    [other, count],
  ] as const) {
    const run = await startRun(folder);
    await ask(run);
    await endRun(run);
    expect([run.read, run.failures]).toEqual([[rows], []]);
  }
});

test('a few rows are not worth a file', async () => {
  const folder = path.join(home, 'few');
  const { database } = await openTables([made(1), made(2)], 1, folder);
  database.close();
  const run = await startRun(folder);
  await ask(run);
  await endRun(run);
  await expect(stat(path.join(folder, 'kept.figures'))).rejects.toThrow('ENOENT');
});

test('a file that cannot be written is said, and that is all', async () => {
  const failures: unknown[] = [];
  const broken = await openSumsFile({
    file: path.join(home, 'missing', 'kept.figures'),
    versionPrint: async () => 'print',
    onFailed: (error) => failures.push(error),
  });
  await broken.save(1, new QuestionSums().held);
  expect([failures.length, await broken.load()]).toEqual([1, undefined]);
});
