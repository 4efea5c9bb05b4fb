import { expect, it } from 'vitest';
import { openDatabase } from '../../../src/lance/index.js';
import type { ImportRun } from '../../../src/trajectories/import/import-run.js';
import { type StartRun, startHere, ThreadLost } from '../../../src/trajectories/import/import-runner.js';
import { toRow } from '../../../src/trajectories/import/store/row.js';
import { buildTable } from '../../../src/trajectories/import/store/row-builder.js';
import type { Trajectories } from '../../../src/trajectories/index.js';
import { WriterLost } from '../../../src/trajectories/store/write-turns.js';
import { normalizeTrajectory } from '../../../src/trajectories/trajectory-normalizing.js';
import { tableNames, trajectorySchema } from '../../../src/trajectories/trajectory-schema.js';
import { temporaryFolder } from '../../support/folder.js';
import { openTestImports, pieces, skip } from './open.js';
import { formats, rawRecords, storedRows } from './records.js';
import { openWired } from './wired.js';

const records = rawRecords(600);

/** The commit that a thread has begun: it stands on the version before it, and lands when it is let. */
async function begunCommit(run: ImportRun, count: number) {
  const database = await openDatabase(run.lanceUri);
  const table = await database.openTable(tableNames.trajectories, trajectorySchema);
  const rows = records.slice(0, count).map((record, place) => {
    const normalized = normalizeTrajectory(record, run.importedAt);
    if (!normalized.ok) throw new Error(normalized.reasons.join());
    return { ...toRow(normalized.trajectory, run.importId), seq: run.firstSeq + place };
  });
  return async () => {
    try {
      await table.add(buildTable(rows));
    } finally {
      table.close();
      database.close();
    }
  };
}

/** A thread that is lost in its turn, with this many rows on their way. */
async function importWithLostThread(
  lands: 'before' | 'after',
  onLost: (trajectories: Trajectories) => void = () => {},
) {
  const dataDir = await temporaryFolder();
  let land = async () => {};
  const lost: StartRun = (run, _report, exclusively) => ({
    ended: exclusively!(async () => {
      land = await begunCommit(run, 100);
      if (lands === 'before') await land();
      onLost(trajectories);
      throw new WriterLost();
    }).catch((error) => Promise.reject(new ThreadLost(error))),
    stop() {},
  });
  const { trajectories, imports, lanceUri, go, close } = await openWired(dataDir, () => {}, { startRun: lost });
  const { task_id } = await imports.accept(await imports.receive(pieces(formats.lines!(records)), false), skip);
  go();
  return { imports, lanceUri, close, taskId: task_id, land: () => land() };
}

it.each(['before', 'after'] as const)(
  'rows of a lost thread that land %s the next run begins are stored once',
  async (lands) => {
    const { imports, lanceUri, close, taskId, land } = await importWithLostThread(lands);
    expect(await imports.finished(taskId)).toMatchObject({ status: 'completed', imported_count: 600 });
    if (lands === 'after') await expect(land()).rejects.toThrow(/incompatible/i);
    const ids = (await storedRows(lanceUri)).map((row) => row.trajectory_id);
    expect([ids.length, new Set(ids).size]).toEqual([600, 600]);
    await close();
  },
);

it('a record that is written once a thread is lost is not stored a second time by what the thread began', async () => {
  let created: Promise<unknown> = Promise.resolve();
  const { imports, lanceUri, close, taskId, land } = await importWithLostThread('after', ({ records: writer }) => {
    created = writer.create(records[5]);
  });
  expect(await imports.finished(taskId)).toMatchObject({ imported_count: 599, skipped_count: 1 });
  await created;
  await expect(land()).rejects.toThrow(/incompatible/i);
  const ids = (await storedRows(lanceUri)).map((row) => row.trajectory_id);
  expect([ids.length, new Set(ids).size]).toEqual([600, 600]);
  await close();
});

it('what a thread has stored without telling is durable, shown and cared for before the import is completed', async () => {
  const silent: StartRun = (run) => ({
    ended: startHere(run, () => {}).ended.then(() => Promise.reject(new ThreadLost(new Error('gone')))),
    stop() {},
  });
  const told: string[] = [];
  const { imports } = await openTestImports(await temporaryFolder(), {
    startRun: silent,
    onRowsCommitted: () => void told.push('shown'),
    onImported: () => told.push('cared for'),
  });
  const text = formats.lines!(records);
  const { task_id } = await imports.accept(await imports.receive(pieces(text), false), skip);
  expect(await imports.finished(task_id)).toMatchObject({ status: 'completed', imported_count: 600, skipped_count: 0 });
  expect(told).toEqual(['shown', 'cared for']);
  await imports.close();
});
