import { cp, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase, optimizeTable, type Table } from '../../../../src/lance/index.js';
import { statisticsOf } from '../../../../src/trajectories/analysis/statistics.js';
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

/** Asks for statistics, and compares them, to the last bit, with those of the questions that were taken along. */
async function askStatistics(run: Run, expected: Awaited<ReturnType<typeof computeQuestionFigures>>): Promise<void> {
  expect(await run.figures.statistics()).toStrictEqual(statisticsOf(expected, undefined));
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

test('statistics of a store just opened read the head alone, and the rows once the table has changed', async () => {
  const folder = await copyOfFilled();
  const run = await startRun(folder);
  const whole = await computeQuestionFigures(run.table);
  await askStatistics(run, whole);
  expect([run.read, run.failures]).toEqual([[], []]);
  expect(await run.figures.statistics(2)).toStrictEqual(statisticsOf(whole, 2));
  await run.table.update({ where: 'seq = 7', values: { is_success: true, reward: 0.25 } });
  await run.table.delete('seq = 8');
  await askStatistics(run, await computeQuestionFigures(run.table));
  await ask(run);
  await endRun(run);
  expect([run.read, run.failures]).toEqual([[0, 1], []]);
});

test('a change after statistics that only the head was read for is in the file of the next run', async () => {
  const folder = await copyOfFilled();
  const run = await startRun(folder);
  await askStatistics(run, await computeQuestionFigures(run.table));
  await run.table.update({ where: 'seq = 7', values: { is_success: true } });
  await endRun(run);
  const next = await startRun(folder);
  await askStatistics(next, await computeQuestionFigures(next.table));
  await ask(next);
  await endRun(next);
  expect([run.read, run.failures, next.read, next.failures]).toEqual([[], [], [0], []]);
});

test('rows damaged behind a whole head leave its statistics as they are', async () => {
  const folder = await copyOfFilled();
  const run = await startRun(folder);
  await truncate(path.join(folder, 'kept.figures'), 5000);
  await askStatistics(run, await computeQuestionFigures(run.table));
  expect([run.read, run.failures]).toEqual([[], []]);
  await ask(run);
  await askStatistics(run, await computeQuestionFigures(run.table));
  await endRun(run);
  expect([run.read, run.failures.length]).toEqual([[count], 1]);
});

test('sums beyond the range of a double are no statistics of the head, and the rows are used all the same', async () => {
  const folder = path.join(home, 'huge');
  const rows = Array.from({ length: count }, (_, i) => makeRow(i, { reward: 1e308, record_json: '{}' }));
  const { database } = await openTables(rows, 1, folder);
  database.close();
  const run = await startRun(folder);
  await ask(run);
  await endRun(run);
  const next = await startRun(folder);
  await askStatistics(next, await computeQuestionFigures(next.table));
  await endRun(next);
  expect([next.read, next.failures]).toEqual([[0], []]);
});

/** The head as another one who knows the format would write it. */
function withHead(bytes: Buffer, change: (text: string) => string): Buffer {
  const text = Buffer.from(
    change(bytes.toString('latin1', 0, 1020))
      .slice(0, 1020)
      .padEnd(1020),
  );
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(text));
  return Buffer.concat([text, sum, bytes.subarray(1024)]);
}

test.each([
  ['the format before', (bytes: Buffer) => withHead(bytes, (text) => text.replace('"format":2', '"format":1'))],
  [
    'another number in its head',
    (bytes: Buffer) => {
      const at = bytes.indexOf('"success_count":') + '"success_count":'.length;
      return bytes.fill(bytes[at] === 49 ? 50 : 49, at, at + 1);
    },
  ],
  ['no checksum of its head', (bytes: Buffer) => bytes.fill(32, 1020, 1024)],
  ['a changed byte', (bytes: Buffer) => bytes.fill(bytes[9000]! ^ 1, 9000, 9001)],
  ['a last byte that is missing', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['another text', () => Buffer.from('{"format":1}')],
  ['nothing in it', () => Buffer.alloc(0)],
])('a file with %s is passed over, said to be, and written anew', async (_, damaged) => {
  const folder = await copyOfFilled();
  const file = path.join(folder, 'kept.figures');
  await writeFile(file, damaged(await readFile(file)));
  const run = await startRun(folder);
  await askStatistics(run, await computeQuestionFigures(run.table));
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
