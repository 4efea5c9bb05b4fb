import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeFileDurably } from '../../../src/durable-file.js';
import { spoolFailed } from '../../../src/trajectories/import/errors.js';
import { type StartRun, startHere, startInWorker, ThreadLost } from '../../../src/trajectories/import/import-runner.js';
import type { Imports } from '../../../src/trajectories/import/imports.js';
import { temporaryFolder } from '../../support/folder.js';
import { heldRuns, openTestImports, pieces, skip } from './open.js';
import { formats, rawRecord, rawRecords, storedRows } from './records.js';

const small = formats.lines!(rawRecords(5));
/** More than is read without a thread. */
const large = formats.lines!(rawRecords(1200));

async function accept(imports: Imports, text: string | Buffer, options = skip) {
  return imports.accept(await imports.receive(pieces(text), false), options);
}

const importFiles = (dataDir: string) => readdir(path.join(dataDir, 'imports'));
const spooled = (dataDir: string) => readdir(path.join(dataDir, 'imports', 'spool'));

describe('an upload', () => {
  it('is durable and pending when accepted, completed with its rows when finished', async () => {
    const dataDir = await temporaryFolder();
    let shown = 0;
    let cared = 0;
    const { imports, events, lanceUri } = await openTestImports(dataDir, {
      onRowsCommitted: () => void shown++,
      onImported: () => void cared++,
    });
    const accepted = await accept(imports, `${small}nonsense\n`);
    expect(accepted).toMatchObject({ status: 'pending', success: false, progress: 0, completed_at: null, errors: [] });
    const task = JSON.parse(await readFile(path.join(dataDir, 'imports', `${accepted.task_id}.json`), 'utf8'));
    expect(task).toMatchObject({ status: 'pending', kind: 'upload' });

    const result = await imports.finished(accepted.task_id);
    expect(result).toMatchObject({
      ...{ status: 'completed', success: true, progress: 100, imported_count: 5, failed_count: 1, skipped_count: 0 },
      errors: [expect.stringMatching(/^Line 6: not valid JSON/)],
      message: '5 imported, 1 failed, 0 skipped',
    });
    expect(result.completed_at).toBeGreaterThanOrEqual(result.created_at);
    expect(await imports.status(accepted.task_id)).toEqual(result);
    expect(await storedRows(lanceUri)).toHaveLength(5);
    expect(await spooled(dataDir)).toEqual([]);
    expect([shown, cared]).toEqual([1, 1]);
    expect(events.map(({ type }) => type)).toEqual(['import_accepted', 'batch_committed', 'import_finished']);
    expect(events.at(-1)).toMatchObject({ status: 'completed', imported: 5, failed: 1, skipped: 0 });
    await imports.close();

    const again = (await openTestImports(dataDir)).imports;
    expect(await again.status(accepted.task_id)).toEqual(result);
    await again.close();
  });

  it('of what is stored already is skipped with a warning; without any record it says so', async () => {
    const { imports } = await openTestImports(await temporaryFolder());
    const finish = async (text: string) => imports.finished((await accept(imports, text)).task_id);
    await finish(small);
    expect(await finish(small)).toMatchObject({
      ...{ success: true, imported_count: 0, skipped_count: 5 },
      warnings: ['5 records skipped: the trajectory_id was stored already'],
    });
    expect(await finish('\n')).toMatchObject({ status: 'completed', success: false, message: /No record was found/ });
    expect(await finish('x\n')).toMatchObject({ status: 'completed', success: false, message: /No record could be/ });
    const many = await finish('{}\n'.repeat(1100));
    expect(many.errors).toHaveLength(1000);
    expect(many.warnings).toEqual(['100 more errors are not listed here (first 1000 only), see errors_url']);
    await imports.close();
  });

  it('that breaks off, is too large or is no gzip leaves nothing behind', async () => {
    const dataDir = await temporaryFolder();
    const { imports } = await openTestImports(dataDir, { maxUploadBytes: 1000 });
    async function* broken() {
      yield Buffer.from('{"a"');
      throw new Error('aborted');
    }
    await expect(imports.receive(broken(), false)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_BROKEN' });
    await expect(imports.receive(pieces(large), false)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_TOO_LARGE' });
    await expect(imports.receive(pieces('{}'), true)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_INVALID' });
    const conflicting = { skip_duplicate_check: true, on_conflict: 'replace' } as const;
    await expect(accept(imports, 'x', conflicting)).rejects.toMatchObject({ code: 'IMPORT_UPLOAD_INVALID' });
    expect(await spooled(dataDir)).toEqual([]);
    expect(await importFiles(dataDir)).toEqual(['spool']);
    expect(imports.history(10, 0)).toEqual({ data: [], total: 0 });
    await rm(path.join(dataDir, 'imports', 'spool'), { recursive: true });
    await expect(imports.receive(pieces('x'), false)).rejects.toMatchObject({ code: 'IMPORT_STORAGE_FAILED' });
    await imports.close();
  });
});

describe('the queue', () => {
  it('runs one import at a time, in order, and is bounded', async () => {
    const held = heldRuns();
    const { imports } = await openTestImports(await temporaryFolder(), { startRun: held.startRun, maxPending: 2 });
    const first = await accept(imports, large);
    await held.started;
    const [second, third] = [await accept(imports, small), await accept(imports, small)];
    await expect(imports.receive(pieces(small), false)).rejects.toMatchObject({
      code: 'IMPORT_QUEUE_FULL',
      kind: 'too_many',
    });
    expect(imports.unfinished()).toEqual({ pending: 2, processing: 1 });
    expect((await imports.status(first.task_id)).status).toBe('processing');
    expect((await imports.status(second.task_id)).status).toBe('pending');
    held.go();
    const last = await imports.finished(third.task_id);
    expect(last).toMatchObject({ status: 'completed', skipped_count: 5 });
    expect((await imports.status(second.task_id)).status).toBe('completed');
    const { data, total } = imports.history(2, 1);
    expect([data.map(({ task_id }) => task_id), total]).toEqual([[second.task_id, first.task_id], 3]);
    await imports.close();
  });

  it('cancels a waiting import before it begins, and a running one between batches', async () => {
    const dataDir = await temporaryFolder();
    const held = heldRuns();
    const { imports, lanceUri } = await openTestImports(dataDir, { startRun: held.startRun });
    const running = await accept(imports, large);
    await held.started;
    const waiting = await accept(imports, small);
    expect(await imports.cancel(waiting.task_id)).toMatchObject({
      status: 'cancelled',
      success: false,
      imported_count: 0,
    });
    const cancelled = await imports.cancel(running.task_id);
    expect(cancelled).toMatchObject({ status: 'cancelled', message: /stay$/ });
    expect(await storedRows(lanceUri)).toHaveLength(cancelled.imported_count);
    expect(await spooled(dataDir)).toEqual([]);
    await expect(imports.cancel(running.task_id)).rejects.toMatchObject({ code: 'IMPORT_ALREADY_FINISHED' });
    await expect(imports.cancel('unknown')).rejects.toMatchObject({ code: 'IMPORT_TASK_NOT_FOUND' });
    await imports.close();
  });

  it('forgets the oldest ended imports with their files', async () => {
    const dataDir = await temporaryFolder();
    const { imports } = await openTestImports(dataDir, { maxHistory: 2 });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push((await accept(imports, 'x\n')).task_id);
      await imports.finished(ids[i]!);
    }
    await imports.close();
    expect(imports.history(10, 0).data.map(({ task_id }) => task_id)).toEqual([ids[3], ids[2]]);
    await expect(imports.status(ids[0]!)).rejects.toMatchObject({ code: 'IMPORT_TASK_NOT_FOUND' });
    expect((await importFiles(dataDir)).sort()).toEqual(
      [...ids.slice(2).flatMap((id) => [`${id}.errors.jsonl`, `${id}.json`, `${id}.log`]), 'spool'].sort(),
    );
  });
});

describe('a stop of the service', () => {
  it('leaves running and waiting imports to the next start, which loses and doubles nothing', async () => {
    const dataDir = await temporaryFolder();
    let commits = 0;
    let committed = () => {};
    const secondCommit = new Promise<void>((resolve) => {
      committed = resolve;
    });
    const startRun: StartRun = (run, report) =>
      startHere(run, (message) => {
        report(message);
        if (message.type === 'commit' && ++commits === 1) committed();
      });
    const first = await openTestImports(dataDir, { startRun });
    const running = await accept(first.imports, formats.lines!(rawRecords(1700)));
    const waiting = await accept(first.imports, formats.lines!([...rawRecords(3, 5000), rawRecord(0)]));
    await secondCommit;
    await first.imports.close();
    const left = (await storedRows(first.lanceUri)).length;
    expect(left).toBeGreaterThanOrEqual(500);
    expect(left).toBeLessThan(1700);
    expect((await first.imports.finished(waiting.task_id)).status).toBe('pending');
    await expect(first.imports.receive(pieces(''), false)).rejects.toMatchObject({ code: 'IMPORT_STOPPING' });

    const second = await openTestImports(dataDir);
    expect(await second.imports.finished(running.task_id)).toMatchObject({
      status: 'completed',
      imported_count: 1700,
      skipped_count: 0,
    });
    expect(await second.imports.finished(waiting.task_id)).toMatchObject({
      status: 'completed',
      imported_count: 3,
      skipped_count: 1,
    });
    expect(new Set((await storedRows(first.lanceUri)).map((row) => row.trajectory_id)).size).toBe(1703);
    expect(await storedRows(first.lanceUri)).toHaveLength(1703);
    expect(await spooled(dataDir)).toEqual([]);
    await second.imports.close();
  });

  it('interrupts a file import whose file changed, and an upload whose bytes are gone', async () => {
    const dataDir = await temporaryFolder();
    const held = heldRuns();
    const first = await openTestImports(dataDir, { startRun: held.startRun });
    await mkdir(first.inbox);
    for (const name of ['same', 'changed', 'gone']) await writeFile(path.join(first.inbox, name), large);
    const same = await first.imports.acceptPath('same', skip);
    const changed = await first.imports.acceptPath(path.join(first.inbox, 'changed'), skip);
    const gone = await first.imports.acceptPath('gone', skip);
    const upload = await accept(first.imports, small);
    await held.started;
    await first.imports.close();
    await appendFile(path.join(first.inbox, 'changed'), '{}\n');
    await rm(path.join(first.inbox, 'gone'));
    await rm(path.join(dataDir, 'imports', 'spool', upload.task_id));
    await writeFile(path.join(dataDir, 'imports', 'spool', 'left-over'), 'x');
    await writeFile(path.join(dataDir, 'imports', 'x.json'), '{"torn');

    const second = await openTestImports(dataDir);
    for (const { task_id } of [changed, gone, upload]) {
      expect(await second.imports.finished(task_id)).toMatchObject({ status: 'interrupted', success: false });
    }
    expect(await second.imports.finished(same.task_id)).toMatchObject({ status: 'completed', imported_count: 1200 });
    expect(await spooled(dataDir)).toEqual([]);
    await second.imports.close();
  });
});

describe('a file by path', () => {
  it('must be a regular file inside the folders; all else gets the same answer', async () => {
    const dataDir = await temporaryFolder();
    const { imports, inbox } = await openTestImports(dataDir);
    await mkdir(path.join(inbox, 'sub'), { recursive: true });
    await mkdir(`${inbox}-evil`);
    await writeFile(path.join(inbox, 'sub', 'a.jsonl'), small);
    await writeFile(path.join(`${inbox}-evil`, 'a.jsonl'), small);
    await writeFile(path.join(dataDir, 'outside'), small);
    await symlink(path.join(dataDir, 'outside'), path.join(inbox, 'link-out'));
    await symlink(path.join(inbox, 'sub'), path.join(inbox, 'link-in'));
    const messages = new Set<string>();
    const evil = [
      `${inbox}-evil/a.jsonl`,
      '../inbox-evil/a.jsonl',
      `${dataDir}/outside`,
      'link-out',
      'missing',
      'sub',
      '.',
      '',
    ];
    for (const given of [
      ...evil,
      '/etc/passwd',
      '/dev/zero',
      'sub/a.jsonl\0',
      '../outside',
      `${inbox}/sub/../../outside`,
    ]) {
      const error = await imports.acceptPath(given, skip).catch((problem) => problem);
      expect(error, given).toMatchObject({ code: 'IMPORT_FILE_NOT_FOUND', kind: 'missing' });
      messages.add(error.message);
    }
    expect(messages.size).toBe(1);
    for (const given of ['sub/a.jsonl', path.join(inbox, 'sub', 'a.jsonl'), 'link-in/a.jsonl']) {
      const { task_id } = await imports.acceptPath(given, skip);
      expect(await imports.finished(task_id), given).toMatchObject({ status: 'completed', failed_count: 0 });
    }
    expect(await readFile(path.join(inbox, 'sub', 'a.jsonl'), 'utf8')).toBe(small);
    await imports.close();
  });
});

describe('when something breaks', () => {
  it('a lost thread is reported and its import goes on in this one', async () => {
    const lost: StartRun = (run, report) => {
      const begun = startHere(run, (message) => {
        report(message);
        if (message.type === 'commit') begun.stop('stopped');
      });
      return { ended: begun.ended.then(() => Promise.reject(new ThreadLost(new Error('gone')))), stop: begun.stop };
    };
    const { imports, batchImport, lanceUri } = await openTestImports(await temporaryFolder(), { startRun: lost });
    const { task_id } = await accept(imports, large);
    expect(await imports.finished(task_id)).toMatchObject({
      status: 'completed',
      imported_count: 1200,
      skipped_count: 0,
    });
    expect(batchImport.failures).toHaveLength(1);
    expect(await storedRows(lanceUri)).toHaveLength(1200);
    await imports.close();
  });

  it('a thread out of memory fails its import and takes nothing else down', async () => {
    const cause = Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
    const startRun: StartRun = () => ({ ended: Promise.reject(new ThreadLost(cause)), stop() {} });
    const { imports, events } = await openTestImports(await temporaryFolder(), { startRun });
    const { task_id } = await accept(imports, large);
    expect(await imports.finished(task_id)).toMatchObject({ status: 'failed', success: false });
    expect(events.at(-1)).toMatchObject({ type: 'import_finished', status: 'failed' });
    const { task_id: next } = await accept(imports, small);
    expect(await imports.finished(next)).toMatchObject({ status: 'completed' });
    await imports.close();
  });

  it('an end that cannot be written down fails, and is taken up again at the next start', async () => {
    const dataDir = await temporaryFolder();
    const folder = path.join(dataDir, 'imports');
    const startRun: StartRun = (run, report) => {
      const begun = startHere(run, report);
      const ended = begun.ended.then(async (end) => {
        await rm(path.join(folder, `${run.importId}.log`), { force: true });
        await mkdir(path.join(folder, `${run.importId}.log`));
        return end;
      });
      return { ended, stop: begun.stop };
    };
    const { imports } = await openTestImports(dataDir, { startRun });
    const { task_id } = await accept(imports, `${large}x\n`);
    expect(await imports.finished(task_id)).toMatchObject({ status: 'failed', message: /taken up again/ });
    await imports.close();
    await rm(path.join(folder, `${task_id}.log`), { recursive: true });
    const again = (await openTestImports(dataDir)).imports;
    expect(await again.finished(task_id)).toMatchObject({ status: 'completed', imported_count: 1200, failed_count: 1 });
    await again.close();
  });

  it('readers that cannot be told do not fail the import', async () => {
    const { imports } = await openTestImports(await temporaryFolder(), {
      onRowsCommitted: () => Promise.reject(new Error('no')),
    });
    const { task_id } = await accept(imports, small);
    expect(await imports.finished(task_id)).toMatchObject({ status: 'completed' });
    await imports.close();
  });

  it('a file is written whole or not at all', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'taken'));
    await expect(writeFileDurably(path.join(folder, 'taken'), 'x')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['taken']);
  });
});

/** Starting a thread that reads TypeScript takes its time on a busy machine. */
describe('in a worker thread', { timeout: 60_000 }, () => {
  it('an import gives the same result and rows as without optimisations', async () => {
    const few = rawRecords(60).map((record) => ({ ...record, blob: 'x'.repeat(6000) }));
    const text = `${formats.lines!(few)}broken\n${JSON.stringify(rawRecord(3))}\n`;
    const results: unknown[] = [];
    for (const enabled of [true, false]) {
      const opened = await openTestImports(await temporaryFolder(), { startRun: startInWorker });
      onTestFinished(() => opened.imports.close());
      opened.batchImport.enabled = enabled;
      opened.bulkDuplicateCheck.enabled = enabled;
      const { task_id } = await accept(opened.imports, text);
      const {
        task_id: _id,
        created_at: _created,
        completed_at: _completed,
        errors_url: _url,
        ...result
      } = await opened.imports.finished(task_id);
      const variants = opened.events.flatMap((event) => (event.type === 'batch_committed' ? [event.variant] : []));
      expect(new Set(variants)).toEqual(new Set([enabled ? 'batch' : 'row']));
      expect(opened.batchImport.failures).toEqual([]);
      const rows = await storedRows(opened.lanceUri);
      results.push({ result, ids: rows.map((row) => row.trajectory_id) });
    }
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).toMatchObject({ result: { imported_count: 60, failed_count: 1, skipped_count: 1 } });
  });

  it('an import can be cancelled, and a crash of the thread is told from an error', async () => {
    const { imports, events } = await openTestImports(await temporaryFolder(), { startRun: startInWorker });
    const { task_id } = await accept(imports, formats.lines!(rawRecords(3000)));
    expect(await imports.cancel(task_id)).toMatchObject({ status: 'cancelled' });
    expect(events.at(-1)).toMatchObject({ type: 'import_finished', status: 'cancelled' });
    await imports.close();
    const run = { lanceUri: 'not absolute', importId: 'x' } as Parameters<StartRun>[0];
    const error = await startInWorker(run, () => {}).ended.catch((reason) => reason);
    expect(error).not.toBeInstanceOf(ThreadLost);
    expect(String(error)).toContain('absolute path');
  });
});

it('an upload that the disk does not take is 507 when it is full, else 503', () => {
  const failed = (code: string) => spoolFailed(Object.assign(new Error('/a/path'), { code }));
  expect(failed('ENOSPC')).toMatchObject({ code: 'IMPORT_STORAGE_FULL', kind: 'storage_full' });
  expect(failed('EDQUOT')).toMatchObject({ code: 'IMPORT_STORAGE_FULL', kind: 'storage_full' });
  expect(failed('EIO')).toMatchObject({ code: 'IMPORT_STORAGE_FAILED', kind: 'unavailable' });
  expect(failed('EIO').message).not.toContain('/');
});
