import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { createImportThreads } from '../../../src/trajectories/import/import-runner.js';
import { temporaryFolder } from '../../support/folder.js';
import { openTestImports, pieces, skip } from './open.js';
import { formats, rawRecords } from './records.js';
import { newRun } from './run.js';

/** A thread that ends each run at once. */
const entry = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ run }) => {
    if (run.importId === 'lost') process.exit(1);
    parentPort.postMessage({ type: 'end', end: 'done' });
    parentPort.close();
  });`;

function newThreads() {
  const opened: Worker[] = [];
  const threads = createImportThreads(() => {
    const worker = new Worker(entry, { eval: true });
    opened.push(worker);
    return worker;
  });
  onTestFinished(() => threads.close());
  return { threads, opened };
}

it('a run takes the thread that was opened ahead, and the next one a thread of its own', async () => {
  const { threads, opened } = newThreads();
  const run = await newRun('');
  threads.prepare();
  threads.prepare();
  expect(opened).toHaveLength(1);
  expect(await threads.startRun(run, () => {}).ended).toBe('done');
  expect(opened).toHaveLength(1);
  expect(await threads.startRun(run, () => {}).ended).toBe('done');
  expect(opened).toHaveLength(2);
});

it('a thread that waits and dies is forgotten, and one that is not wanted any more is closed', async () => {
  const { threads, opened } = newThreads();
  threads.prepare();
  await opened[0]!.terminate();
  const run = await newRun('');
  expect(await threads.startRun(run, () => {}).ended).toBe('done');
  threads.prepare();
  const gone = once(opened[2]!, 'exit');
  threads.close();
  await gone;
  expect(opened).toHaveLength(3);
});

it('a thread that is lost in its run is told from the end of the run', async () => {
  const { threads } = newThreads();
  threads.prepare();
  const run = await newRun('', { importId: 'lost' });
  await expect(threads.startRun(run, () => {}).ended).rejects.toThrow('the import thread ended early');
});

it('an upload that is large enough for a thread is imported in the one that was opened while it came', async () => {
  const { imports } = await openTestImports(await temporaryFolder(), { startRun: undefined as never });
  const { task_id } = await imports.accept(await imports.receive(pieces(formats.lines!(rawRecords(700))), false), skip);
  expect(await imports.finished(task_id)).toMatchObject({ status: 'completed', imported_count: 700 });
  await imports.receive(pieces(formats.lines!(rawRecords(700))), false);
  await imports.close();
});
