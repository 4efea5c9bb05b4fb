import { expect, it, onTestFinished } from 'vitest';
import { startHere, startInWorker } from '../../../src/trajectories/import/import-runner.js';
import { openTestApp } from '../../support/app.js';
import { temporaryFolder } from '../../support/folder.js';
import { openTestImports, pieces, skip } from './open.js';
import { formats, rawRecord, rawRecords } from './records.js';

it.each([
  ['in this thread', startHere],
  ['in a thread of its own', startInWorker],
])('commits %s happen one at a time with other writers, each in its turn', async (_name, startRun) => {
  let inTurn = 0;
  let turns = 0;
  const rewriting = new Set<boolean | undefined>();
  const exclusively = async <T>(commit: () => Promise<T>, rewrites?: boolean) => {
    inTurn += 1;
    turns += 1;
    rewriting.add(rewrites);
    expect(inTurn).toBe(1);
    const result = await commit();
    inTurn -= 1;
    return result;
  };
  const { imports, events } = await openTestImports(await temporaryFolder(), { startRun, exclusively });
  onTestFinished(() => imports.close());
  const large = formats.lines!(rawRecords(1200));
  const { task_id } = await imports.accept(await imports.receive(pieces(large), false), skip);
  expect(await imports.finished(task_id)).toMatchObject({ status: 'completed', imported_count: 1200 });
  const commits = events.filter(({ type }) => type === 'batch_committed').length;
  expect([turns, inTurn]).toEqual([commits, 0]);
  expect([...rewriting]).toEqual([false]);
  const again = await imports.accept(await imports.receive(pieces(large), false), { ...skip, on_conflict: 'replace' });
  expect(await imports.finished(again.task_id)).toMatchObject({ status: 'completed', imported_count: 1200 });
  expect([...rewriting]).toEqual([false, true]);
});

it('an id that an import and single writes bring in the same moment is stored once', async () => {
  const { server } = await openTestApp();
  const records = rawRecords(1500);
  const imported = server.inject({
    method: 'POST',
    url: '/api/import?wait=true',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: formats.lines!(records),
  });
  const statuses: number[] = [];
  let isOver = false;
  void imported.then(() => {
    isOver = true;
  });
  for (let i = 1499; !isOver && i >= 0; i -= 7) {
    const answer = await server.inject({ method: 'POST', url: '/api/trajectories', payload: rawRecord(i) });
    statuses.push(answer.statusCode);
  }
  const result = (await imported).json();
  const created = statuses.filter((status) => status === 201).length;
  expect(new Set(statuses).size).toBeLessThanOrEqual(2);
  expect(created).toBeGreaterThan(0);
  expect(result).toMatchObject({ imported_count: 1500 - created, skipped_count: created, failed_count: 0 });
  const list = (await server.inject('/api/trajectories?pageSize=1000&fields=trajectory_id')).json();
  const next = (await server.inject('/api/trajectories?pageSize=1000&page=2&fields=trajectory_id')).json();
  const ids = [...list.data, ...next.data].map((row: { trajectory_id: string }) => row.trajectory_id);
  expect([list.total, new Set(ids).size]).toEqual([1500, 1500]);
});
