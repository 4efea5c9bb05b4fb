import { expect, it } from 'vitest';
import { createLogger } from '../../../src/logger.js';
import { ImportJob } from '../../../src/trajectories/import/import-job.js';
import type { RunEnd, RunReport } from '../../../src/trajectories/import/import-run.js';
import { type StartRun, ThreadLost } from '../../../src/trajectories/import/import-runner.js';
import { newTask } from '../../../src/trajectories/import/tasks/import-task.js';
import { openTaskFiles } from '../../../src/trajectories/import/tasks/task-files.js';
import { temporaryFolder } from '../../support/folder.js';
import { fixedOptimization } from '../../support/optimization.js';
import { skip } from './open.js';
import { writeSource } from './records.js';

/** A run of two commits that ends as told, with a disk that answers each flush in turn. */
async function runWith(
  flushes: (() => Promise<void>)[],
  end: RunEnd = 'done',
  startRun?: StartRun,
  { text = 'x'.repeat(300_000), isBatched = true } = {},
) {
  const folder = await temporaryFolder();
  const task = newTask('path', 'one', await writeSource(folder, text), skip);
  const batchImport = fixedOptimization(isBatched, { batch_rows: 500, max_batch_bytes: 2 ** 25 });
  let flushed = 0;
  const commit: RunReport = { type: 'commit', rows: 10, durationSeconds: 0.1, variant: 'batch' };
  const job = new ImportJob(task, false, {
    files: await openTaskFiles(`${folder}/imports`, () => {}),
    lanceUri: `${folder}/lance`,
    batchImport,
    bulkDuplicateCheck: fixedOptimization(true, {}),
    startRun:
      startRun ??
      ((_run, report) => {
        report(commit);
        report(commit);
        return { ended: Promise.resolve(end), stop() {} };
      }),
    exclusively: (work) => work(),
    settle: async () => {},
    makeDurable: () => (flushes[flushed++] ?? (async () => {}))(),
    firstFreeSeq: async () => 1,
    onRowsCommitted() {},
    onImported() {},
    onMoved() {},
    onEnded() {},
    logger: createLogger('silent'),
    onEvent() {},
  });
  await job.run();
  return { task, flushed: () => flushed, failures: batchImport.failures };
}

it('rows are made durable while the rest is read, and once more before the import is completed', async () => {
  const { task, flushed } = await runWith([]);
  expect(task.status).toBe('completed');
  expect(flushed()).toBe(2);
});

it('a flush that failed on the way fails the import, though a later one would not', async () => {
  const { task } = await runWith([() => Promise.reject(new Error('EIO'))]);
  expect(task).toMatchObject({ status: 'failed', completed_at: null });
});

it('an import that is left to the next start waits for the flush that is under way', async () => {
  let isOver = false;
  const slow = () =>
    new Promise<void>((resolve) =>
      setImmediate(() => {
        isOver = true;
        resolve();
      }),
    );
  const { task } = await runWith([slow], 'stopped');
  expect([isOver, task.status]).toEqual([true, 'processing']);
});

it('rows that a lost thread may have stored without telling are made durable', async () => {
  const { flushed } = await runWith([], 'done', () => ({
    ended: Promise.reject(new ThreadLost(new Error('gone'))),
    stop() {},
  }));
  expect(flushed()).toBe(1);
});

it.each([
  ['lines that are no JSON', 'x\n'.repeat(3000)],
  ['elements', `[${'{},'.repeat(9000)}{}]`],
  ['bytes', 'x'.repeat(300_000)],
])('many %s are read in a thread also while rows are stored one by one', async (_what, text) => {
  const began: boolean[] = [];
  const started: StartRun = (run) => {
    began.push(run.batchImport.enabled);
    return { ended: Promise.resolve('done'), stop() {} };
  };
  await runWith([], 'done', started, { text, isBatched: false });
  expect(began).toEqual([false]);
});

it('a thread that is lost while rows are stored one by one ends no import and is no failure of batches', async () => {
  const lost: StartRun = () => ({ ended: Promise.reject(new ThreadLost(new Error('gone'))), stop() {} });
  const { task, failures } = await runWith([], 'done', lost, { isBatched: false });
  expect([task.status, failures]).toEqual(['completed', []]);
});
