import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { childProgram } from '../../support/child-program.js';
import { temporaryFolder } from '../../support/folder.js';
import { openStore } from '../open-store.js';
import { makeRow, openTables } from '../stored-rows.js';

const child = await childProgram(new URL('./record-child.ts', import.meta.url));
const rows = Array.from({ length: 6 }, (_, i) => makeRow(i, { reward: i / 8, is_bookmarked: false }));
const newestFirst = { filter: [], sortBy: 'reward', order: 'desc', page: 1, pageSize: 20 } as const;

/** A store whose process was killed once it had answered the write given. */
async function storeKilledAfter(write: string) {
  const folder = await temporaryFolder();
  const made = await openTables(rows, 1, folder);
  for (const part of [made.table, made.analysis, made.database]) part.close();
  const started = spawn(process.execPath, [child, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(started, 'exit');
  for await (const line of createInterface(started.stdout)) if (line === write) started.kill('SIGKILL');
  expect((await exited)[1]).toBe('SIGKILL');
  const store = await openStore(folder);
  onTestFinished(() => store.close());
  const { rows: texts, total } = await store.list(newestFirst);
  const read = texts.map((text) => JSON.parse(String(text)) as Record<string, unknown>);
  return {
    store,
    total,
    ids: read.map((row) => row.trajectory_id),
    of: (id: string) => read.find((row) => row.trajectory_id === id),
  };
}

/** Starting a process that reads TypeScript takes its time on a busy machine. */
const timeout = 60_000;

test(
  'records created, replaced and deleted stay so when the process is killed right after the answer',
  async () => {
    const { total, ids, of } = await storeKilledAfter('delete');
    expect([total, ids]).toEqual([6, ['new', 't-00005', 't-00004', 't-00003', 't-00001', 't-00000']]);
    expect(of('t-00001')).toMatchObject({ reward: 0.25, data_id: 'd', created_at: rows[1]!.created_at });
  },
  timeout,
);

test(
  'tags, bookmarks and notes stay when the process is killed right after the answer',
  async () => {
    const { store, of } = await storeKilledAfter('notes');
    expect(of('t-00003')).toMatchObject({ tags: ['after', '标签'] });
    expect(of('t-00004')).toMatchObject({ notes: 'kept' });
    const filter = [{ test: 'is', column: 'is_bookmarked', value: true }] as const;
    expect(await store.list({ ...newestFirst, filter: [...filter] })).toMatchObject({ total: 1 });
    expect(of('t-00001')).toMatchObject({ is_bookmarked: true });
  },
  timeout,
);
