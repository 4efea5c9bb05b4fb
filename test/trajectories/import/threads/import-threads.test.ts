import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import type { Exclusively } from '../../../../src/trajectories/import/import-run.js';
import { ThreadLost } from '../../../../src/trajectories/import/import-runner.js';
import { createImportThreads } from '../../../../src/trajectories/import/threads/import-threads.js';
import { WriterLost } from '../../../../src/trajectories/store/write-turns.js';
import { temporaryFolder } from '../../../support/folder.js';
import { openTestImports, pieces, skip } from '../open.js';
import { formats, rawRecords } from '../records.js';
import { newRun } from '../run.js';

/** A thread that ends each run at once, and says each of its orders. */
const entry = `
  const { parentPort } = require('node:worker_threads');
  let turn;
  parentPort.on('message', (order) => {
    if (order.turn) process.exit(1);
    else if (order.run?.importId === 'lost') process.exit(1);
    else if (order.run?.importId === 'lost in its turn') parentPort.postMessage({ type: 'turn_wanted' });
    else if (order.run?.importId === 'failed') parentPort.postMessage({ type: 'error', error: new Error('disk') });
    else if (order.run) parentPort.postMessage({ type: 'end', end: 'done' });
    else parentPort.postMessage({ type: 'progress', counts: order });
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

it('runs take the thread that was opened ahead, one after the other', async () => {
  const { threads, opened } = newThreads();
  const run = await newRun('');
  threads.prepare();
  threads.prepare();
  expect(opened).toHaveLength(1);
  for (let i = 0; i < 3; i++) expect(await threads.startRun(run, () => {}).ended).toBe('done');
  expect(opened).toHaveLength(1);
  expect(opened[0]!.listenerCount('exit')).toBe(1);
});

it('a request to stop that comes after the end of its run does not reach the next one', async () => {
  const { threads } = newThreads();
  const run = await newRun('');
  const heard: unknown[] = [];
  const first = threads.startRun(run, () => {});
  await first.ended;
  first.stop('cancelled');
  const second = threads.startRun(run, (report) => heard.push(report));
  second.stop('stopped');
  await second.ended;
  await threads.startRun(run, (report) => heard.push(report)).ended;
  expect(JSON.stringify(heard)).not.toContain('cancelled');
});

it('a thread whose run failed is not taken again', async () => {
  const { threads, opened } = newThreads();
  await expect(threads.startRun(await newRun('', { importId: 'failed' }), () => {}).ended).rejects.toThrow('disk');
  expect(await threads.startRun(await newRun(''), () => {}).ended).toBe('done');
  expect(opened).toHaveLength(2);
});

it('a thread that waits and dies is forgotten, and the one that waits at the end is closed', async () => {
  const { threads, opened } = newThreads();
  threads.prepare();
  await opened[0]!.terminate();
  expect(await threads.startRun(await newRun(''), () => {}).ended).toBe('done');
  expect(opened).toHaveLength(2);
  const gone = once(opened[1]!, 'exit');
  threads.close();
  await gone;
  expect(opened).toHaveLength(2);
});

it('a thread that is lost in its run is told from the end of the run', async () => {
  const { threads } = newThreads();
  threads.prepare();
  const run = await newRun('', { importId: 'lost' });
  await expect(threads.startRun(run, () => {}).ended).rejects.toThrow('the import thread ended early');
});

it('a thread that is lost in its turn leaves the turn with word that its commit may be on its way', async () => {
  const { threads } = newThreads();
  const turns: unknown[] = [];
  const exclusively = (commit: () => Promise<unknown>) =>
    commit().catch((error) => {
      turns.push(error);
      throw error;
    });
  const run = await newRun('', { importId: 'lost in its turn' });
  await expect(threads.startRun(run, () => {}, exclusively as Exclusively).ended).rejects.toThrow(ThreadLost);
  expect(turns).toEqual([expect.any(WriterLost)]);
});

it('an upload that is large enough for a thread is imported in the one that was opened while it came', async () => {
  const { imports } = await openTestImports(await temporaryFolder(), { startRun: undefined as never });
  const { task_id } = await imports.accept(await imports.receive(pieces(formats.lines!(rawRecords(700))), false), skip);
  expect(await imports.finished(task_id)).toMatchObject({ status: 'completed', imported_count: 700 });
  await imports.receive(pieces(formats.lines!(rawRecords(700))), false);
  await imports.close();
});
