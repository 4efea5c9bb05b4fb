import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/folder.js';
import { formats, rawRecords, storedRows } from './records.js';
import { openWired } from './wired.js';

const child = new URL('./import-child.ts', import.meta.url).pathname;
const text = `${formats.lines!(rawRecords(2000))}broken\n${formats.lines!(rawRecords(5))}`;

/** A process that imports `text` and is killed once it has printed a line of this kind so many times. */
async function killedAfter(dataDir: string, kind: string, times: number): Promise<string | undefined> {
  const started = spawn(process.execPath, ['--import', 'tsx', child, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(started, 'exit');
  started.stdin.end(text);
  let seen = 0;
  let taskId: string | undefined;
  for await (const line of createInterface(started.stdout)) {
    if (line.startsWith('accepted ')) taskId = line.slice('accepted '.length);
    if (line.startsWith(kind)) seen += 1;
    if (seen === times) started.kill('SIGKILL');
  }
  expect((await exited)[1]).toBe('SIGKILL');
  return taskId;
}

/** Starting a process that reads TypeScript takes its time on a busy machine. */
const timeout = 60_000;

it.each([
  ['accepted', 1],
  ['committed', 2],
])(
  'an import killed after "%s" %d times is completed by the next process, no row lost, doubled or brought back',
  async (kind, times) => {
    const dataDir = await temporaryFolder();
    const taskId = await killedAfter(dataDir, kind, times);
    const { imports, lanceUri, trajectories, go, close } = await openWired(dataDir);
    const stored = await storedRows(lanceUri);
    const removed = [stored.at(-1), stored[10]].flatMap((row) => (row ? [String(row.trajectory_id)] : []));
    for (const id of removed) await trajectories.records.remove(id);
    go();
    expect(await imports.finished(taskId!)).toMatchObject({
      ...{ status: 'completed', imported_count: 2000, failed_count: 1, skipped_count: 5 },
      errors: [expect.stringMatching(/^Line 2001: /)],
    });
    const ids = (await storedRows(lanceUri)).map((row) => row.trajectory_id);
    expect(ids).toHaveLength(2000 - removed.length);
    expect(new Set(ids).size).toBe(2000 - removed.length);
    expect(ids.filter((id) => removed.includes(String(id)))).toEqual([]);
    await close();
  },
  timeout,
);
